package saleapptest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

func TestParseCatalogErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "c.json:1: EOF"},
		{"not JSON", "{\n\"products\": [}\n", "c.json:2: invalid character '}'"},
		{"cut off", "{\"products\": [\n{\"id\": 1},\n", "c.json:3: unexpected EOF"},
		{"a list", "[\n]", "c.json:1: json: cannot unmarshal array"},
		{"typo", "{\n\"products\": [\n{\"id\": 1, \"ski\": \"x\"}]}", `c.json:3: json: unknown field "ski"`},
		{"wrong type", "{\n\"products\": [\n{\"id\": 1, \"name\": 5}]}", "c.json:3: json: cannot unmarshal number"},
		{"two objects", "{}\n{}", "c.json:2: something follows the catalogue's object"},
		{"no id", `{"products": [{"id": 1}, {"sku": "x"}]}`, `c.json: products[1]: id "" is not a whole number`},
		{"id is a word", `{"products": [{"id": "x"}]}`, `c.json: products[0]: id "x" is not a whole number`},
		{"id is a list", `{"products": [{"id": [1]}]}`, `c.json: products[0]: [1] is neither a string nor a number`},
		{"code is a list", `{"products": [{"id": 1, "supplier_ids": [{"code": [2]}]}]}`, `c.json: products[0].supplier_ids: [2] is neither`},
		{"id twice", `{"products": [{"id": 1}, {"id": "1"}]}`, `c.json: products[1]: id "1" is already that of product 1`},
		{"sku twice", `{"products": [{"id": 1, "sku": "x"}, {"id": 2, "sku": "x"}]}`, `c.json: products[1]: sku "x" is already that of product 1`},
		{"external id twice", `{"products": [{"id": 1, "external_id": 5}, {"id": 2, "external_id": "5"}]}`, `external_id "5" is already that of product 1`},
		{"code twice", `{"products": [{"id": 1, "supplier_ids": [{"code": 5}]}, {"id": 2, "supplier_ids": [{"code": 5}]}]}`, `supplier's code "5" is already that of product 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := saleapptest.ParseCatalog("c.json", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
		})
	}
}

func TestLoadCatalog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.json")
	if _, err := saleapptest.LoadCatalog(path); err == nil || !strings.Contains(err.Error(), "read the catalogue: open "+path) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"products": [{"id": 7, "external_id": "0"}, {"id": 8, "external_id": 0}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	catalog, err := saleapptest.LoadCatalog(path)
	if err != nil {
		t.Fatal(err)
	}
	_, base := serve(t, saleapptest.Options{Catalog: catalog})
	for line, want := range map[string]string{
		`{"id":7,"qty":1}`:          "false",
		`{"external_id":0,"qty":1}`: "true", // "0" is written where there is none
		`{"sku":"","qty":1}`:        "true",
		`{"sku":"0","qty":1}`:       "true",
	} {
		_, body, err := post(t, base, saleapptest.DefaultKey, order("products=["+line+"]"))
		if err != nil || !strings.HasPrefix(body, `{"error":"`+want+`"`) {
			t.Errorf("%s: %s %v, want error %s", line, body, err, want)
		}
	}
}
