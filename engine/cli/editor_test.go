package cli_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/editor/editortest"
)

const editedConfig = "../../examples/demo/crosswalk.yaml"

// schemaFor runs crosswalk schema under the demo's configuration.
func schemaFor(t *testing.T, args ...string) string {
	t.Helper()
	return crosswalk(t, ".", 0, append([]string{"schema", "--plugins", plugins, "--config", editedConfig}, args...)...).stdout
}

func shipped(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../mappings/*/mapping.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d mappings, error %v", len(files), err)
	}
	return files
}

// TestSchemaShipped holds the shipped mappings and the demo's configuration against
// the schemas that are made for them, and with a wrong key.
func TestSchemaShipped(t *testing.T) {
	var k editortest.Checker
	check := func(file, schema string) {
		text := readFile(t, file)
		if err := k.Check([]byte(schema), []byte(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if k.Check([]byte(schema), []byte(text+"\nzzz: 1\n")) == nil {
			t.Errorf("%s: a wrong key is taken", file)
		}
	}
	for _, file := range shipped(t) {
		check(file, schemaFor(t, "--mapping", file))
	}
	check(editedConfig, schemaFor(t))
}

// TestEditor asks a YAML language server what somebody sees who edits a mapping or
// crosswalk.yaml: what is suggested where, what is explained, what is marked.
func TestEditor(t *testing.T) {
	path := os.Getenv("YAML_LANGUAGE_SERVER")
	if path == "" {
		t.Skip("YAML_LANGUAGE_SERVER names no language server: `make editor` installs one and asks it")
	}
	s := startLanguageServer(t, path)
	// A wrong key behind it shows that the file was checked, and that nothing else is found.
	for _, file := range append(shipped(t), editedConfig) {
		name := filepath.Base(filepath.Dir(file))
		args := []string{"--mapping", file}
		if file == editedConfig {
			args = nil
		}
		text := readFile(t, file) + "\nzzz: 1\n"
		// The line that names the schema comes first.
		want := []string{fmt.Sprintf("%d:1: Property zzz is not allowed.", strings.Count(text, "\n")+1)}
		if diff := cmp.Diff(want, s.found(s.open(name, schemaFor(t, args...), text))); diff != "" {
			t.Errorf("%s: -want +found\n%s", file, diff)
		}
	}
	shop := schemaFor(t, "--mapping", "../../mappings/horoshop-order/mapping.yaml")
	t.Run("completion", func(t *testing.T) { completions(t, s, shop) })
	t.Run("hover", func(t *testing.T) { hovers(t, s, shop) })
	t.Run("wrong keys", func(t *testing.T) { wrongKeys(t, s, shop) })
	t.Run("configuration", func(t *testing.T) { configuration(t, s, schemaFor(t, "--config")) })
}

const shopHead = "mapping: shop\nfrom: shop.order_created\nto: saleapp.upsert_order\n"

func completions(t *testing.T, s *languageServer, schema string) {
	for name, c := range map[string]struct {
		// text has a ¦ where one types.
		text string
		// labels must be suggested, with words of the explanation; none must not.
		labels map[string]string
		none   []string
	}{
		"top": {
			"¦\n",
			map[string]string{"fields": "The fields of an object", "lookups": "Questions to other systems", "accept": "left to the dead letters"},
			[]string{"mapping", "receiver_name", "delivery_name"},
		},
		"events": {
			"description: x\nfrom: ¦\n",
			map[string]string{"shop.order_created": "", "crm.new_order": "", "salesdrive.status_change": ""},
			[]string{"saleapp.upsert_order"},
		},
		"fields": {
			"fields:\n  external_id: order_id\n  ¦\n",
			map[string]string{"receiver_name": "ПІБ отримувача", "delivery_types": "Ідентифікатор типу доставки", "city_ref": "required when delivery_types is not 1 or 2"},
			[]string{"external_id", "order_id", "path"},
		},
		"a field's beginning": {
			"fields:\n  recei¦\n",
			map[string]string{"receiver_name": "ПІБ отримувача", "receiver_phone": "Телефон отримувача"},
			nil,
		},
		"paths": {
			"fields:\n  external_id: ¦\n",
			map[string]string{"order_id": "Whole number.", "delivery_type.id": "delivery identifier", "products.0.article": "SKU", "_meta.id": "Of the event", "cod": "A name of `let`", "= expression": ""},
			[]string{"receiver_name", "item.article", "true", "null"},
		},
		"a path's beginning": {
			"fields:\n  receiver_name: delivery_n¦\n",
			map[string]string{"delivery_name": "Text."},
			[]string{"delivery_types"},
		},
		"constants": {
			"fields:\n  delivery_types: ¦\n",
			map[string]string{"1 (Самовивіз)": "Самовивіз", "delivery_type.id": ""},
			nil,
		},
		"the long form": {
			"fields:\n  city:\n    ¦\n",
			map[string]string{"path": "A path into", "table": "A table's name", "on_error": "What a failure does"},
			[]string{"each", "fields", "delivery_city", "as"},
		},
		"the long form of an array": {
			"fields:\n  products:\n    ¦\n",
			map[string]string{"each": "For each element", "path": ""},
			[]string{"as", "where"},
		},
		"beside each": {
			"fields:\n  products:\n    each: products\n    ¦\n",
			map[string]string{"as": "The element's name", "where": "", "fields": "", "let": "", "values": ""},
			[]string{"path", "table", "each"},
		},
		"a path in the long form": {
			"fields:\n  city: {path: ¦}\n",
			map[string]string{"delivery_city": "Text."},
			[]string{"= expression"},
		},
		"fields of an element": {
			"fields:\n  products:\n    each: products\n    fields:\n      ¦\n",
			map[string]string{"sku": "Артикул товару", "qty": "Кількість товару"},
			[]string{"receiver_name"},
		},
		"paths of an element": {
			"fields:\n  products:\n    each: products\n    as: item\n    fields:\n      sku: ¦\n",
			map[string]string{"item.article": "SKU", "item": "The element itself", "order_id": ""},
			nil,
		},
		"paths of another array's element": {
			"fields:\n  products:\n    each: = filter(products, true)\n    fields:\n      sku: ¦\n",
			map[string]string{"order_id": ""},
			[]string{"item.article"},
		},
		"a condition": {
			"when: ¦\n",
			map[string]string{"payed": "whether the order is paid"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.complete("completion-"+strings.ReplaceAll(name, " ", "-"), schema, shopHead+c.text)
			for label, words := range c.labels {
				one, is := got[label]
				if !is {
					t.Errorf("%q is not suggested, but %q", label, slices.Sorted(maps.Keys(got)))
				} else if !strings.Contains(string(one.Documentation), words) {
					t.Errorf("%q is explained as %q, without %q", label, one.Documentation, words)
				}
			}
			for _, label := range c.none {
				if _, is := got[label]; is {
					t.Errorf("%q is suggested", label)
				}
			}
		})
	}
	if got := s.complete("insert", schema, shopHead+"fields:\n  ¦\n")["receiver_name"].InsertText; got != "receiver_name: " {
		t.Errorf("a field's name is inserted as %q", got)
	}
	if got := s.complete("insert-constant", schema, shopHead+"fields:\n  delivery_types: ¦\n")["1 (Самовивіз)"].InsertText; got != "1" {
		t.Errorf("a constant is inserted as %q", got)
	}
}

func hovers(t *testing.T, s *languageServer, schema string) {
	number := 0
	for text, want := range map[string]string{
		"fields:\n  receiver_na¦me: delivery_name\n":                                                        "#### receiver\\_name\n\nПІБ отримувача",
		"fields:\n  receiver_name: deliv¦ery_name\n":                                                        "#### receiver\\_name\n\nПІБ отримувача",
		"fields:\n  delivery_t¦ypes: {path: delivery_type.id, table: {3: 2}}\n":                             "Ідентифікатор типу доставки",
		"fields:\n  city: {path: delivery_city, on_e¦rror: omit}\n":                                         "What a failure does",
		"fields:\n  products: {each: products, wh¦ere: = item.quantity > 0, fields: {sku: item.article}}\n": "Only elements for which this is true",
	} {
		number++
		if got := s.hover(fmt.Sprint("hover", number), schema, shopHead+text); !strings.Contains(got, want) {
			t.Errorf("%s: it is explained as\n%s", text, got)
		}
	}
}

func wrongKeys(t *testing.T, s *languageServer, schema string) {
	const fields = "fields:\n  external_id: order_id\n  delivery_types: 1\n  "
	// The head has three lines, and the schema's name stands above it; fields three more.
	number := 0
	for text, want := range map[string][]string{
		fields + "products: products\nfeilds: {}\n":                                          {"9:1: Property feilds is not allowed."},
		fields + "products: products\n  recever_name: delivery_name\n":                       {"9:3: Property recever_name is not allowed."},
		fields + "products:\n    each: products\n    fields: {qty: 1, skuu: item.article}\n": {"10:22: Property skuu is not allowed."},
		fields + "products:\n    each: products\n    were: true\n    value: item\n":          {"10:5: Property were is not allowed."},
		fields + "products: products\n  city: {path: delivery_city, defualt: x}\n":           {"9:31: Property defualt is not allowed."},
		fields + "products: products\n  city: some text\n":                                   {"9:9: this is neither a path nor an expression: an expression begins with `= `, a constant text is written {value: …}"},
		"fields:\n  delivery_types: 1\n  products: products\n":                               {"5:1: Missing property \"external_id\"."},
	} {
		number++
		t.Run(text, func(t *testing.T) {
			if diff := cmp.Diff(want, s.found(s.open(fmt.Sprint("wrong", number), schema, shopHead+text))); diff != "" {
				t.Errorf("-want +found\n%s", diff)
			}
		})
	}
}

func configuration(t *testing.T, s *languageServer, schema string) {
	const head = "mappings: m.yaml\nconnections:\n  down:\n    plugin: saleapp\n"
	for name, c := range map[string]struct {
		text  string
		label string
		words string
	}{
		"keys":            {"mappings: m.yaml\n¦\n", "ingress", "How webhooks are taken"},
		"a section's":     {"mappings: m.yaml\ningress:\n  ¦\n", "max_body", "1MiB"},
		"plugins":         {"mappings: m.yaml\nconnections:\n  down:\n    plugin: ¦\n", "saleapp", "SaleApp"},
		"a connection's":  {head + "    ¦\n", "token", "secret part"},
		"a plugin's keys": {head + "    config:\n      ¦\n", "client_id", "Whose orders"},
	} {
		got := s.complete("configuration-"+strings.ReplaceAll(name, " ", "-"), schema, c.text)
		if one, is := got[c.label]; !is || !strings.Contains(string(one.Documentation), c.words) {
			t.Errorf("%s: %q is explained as %q; suggested are %q", name, c.label, one.Documentation, slices.Sorted(maps.Keys(got)))
		}
	}
	found := s.found(s.open("wrong-configuration", schema, head+"    config: {secret_key: \"${env:KEY}\", key: counterparty, clientid: 5}\n"))
	if diff := cmp.Diff([]string{"6:59: Property clientid is not allowed."}, found); diff != "" {
		t.Errorf("-want +found\n%s", diff)
	}
}
