package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestCheckerWords wants what is wrong with a record in words of this plugin, the first
// field as the failure's path.
func TestCheckerWords(t *testing.T) {
	check, err := newChecker(createSchema(organizationKey))
	if err != nil {
		t.Fatal(err)
	}
	const product = `"products":[{"sku":"A","qty":1}]`
	tests := []struct{ record, path, want string }{
		{`{"external_id":"1","delivery_types":1}`, "products", "lacks products"},
		{`{"external_id":"","delivery_types":1,` + product + `}`, "external_id", "external_id is empty"},
		{`{"external_id":"1","delivery_types":1,"products":[]}`, "products", "products is empty"},
		{`{"external_id":"1","delivery_types":1,"products":"A"}`, "products", "products is a text, and a list is wanted"},
		{`{"external_id":"1","delivery_types":1,"colour":"red",` + product + `}`, "colour", "has no field colour"},
		{`{"external_id":"1","delivery_types":77,"city_ref":"x",` + product + `}`, "delivery_types", "delivery_types is not one of 1, 2, "},
		{`{"external_id":"1","delivery_types":1,"products":[{"qty":1}]}`, "", "products.0 needs one of "},
	}
	for _, tt := range tests {
		f := check.full(json.RawMessage(tt.record))
		if f == nil {
			t.Errorf("%s is taken", tt.record)
			continue
		}
		if !strings.Contains(f.Message, tt.want) || tt.path != "" && f.Path != tt.path {
			t.Errorf("%s: %q at %q, want %q at %q", tt.record, f.Message, f.Path, tt.want, tt.path)
		}
	}
}
