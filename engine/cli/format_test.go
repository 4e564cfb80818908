package cli_test

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSARIF holds what validate prints of a file with many mistakes against the
// standard's schema.
func TestSARIF(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(readFile(t, "../diag/testdata/sarif-schema-2.1.0.json")))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("test:///sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, dir, "crosswalk.yaml", `
mappings: ["*.mapping.yaml"]
logs: {}
connections:
  shop: {plugin: horoshop, token: "${env:SHOP_TOKEN}"}
  other: {plugin: nowhere, token: "${env:SHOP_TOKEN}"}
`)
	writeFile(t, dir, "помилки #1.mapping.yaml", "mapping: m\nfrom: shop.order_created\nto: other.x\nfields:\n  a: = delivery_nme +\n  ціна: [\"delivery_nme\"\n")
	writeFile(t, dir, "two.mapping.yaml", "mapping: m\nfrom: shop.order_created\nto: shop.x\nfields:\n  a: = delivery_nme + 1\n  ціна: delivery_nme\n")
	out := crosswalk(t, dir, 1, "validate", "--format", "sarif", "--plugins", plugins)
	log, err := jsonschema.UnmarshalJSON(strings.NewReader(out.stdout))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("test:///sarif.json").Validate(log); err != nil {
		t.Errorf("%v\n%s", err, out.stdout)
	}
	for _, id := range []string{"CW204", "CW211", "CW101", "CW121"} {
		if !strings.Contains(out.stdout, `"ruleId": "`+id+`"`) {
			t.Errorf("no %s in the log:\n%s", id, out.stdout)
		}
	}
}
