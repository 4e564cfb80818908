package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestSpecIsValid(t *testing.T) {
	if err := spec().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{`{"key":"organization"}`, `{"key":"counterparty"}`, `{}`} {
		s := spec()
		var err error
		if s.Contract, err = s.Under(json.RawMessage(kind)); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("under %s: %v", kind, err)
		}
	}
}

// schemas gives the JSON Schemas by operation, and the lookup's by
// order.args and order.answer, under a configuration.
func schemas(t *testing.T, config string) map[string]gjson.Result {
	t.Helper()
	h, err := sdk.NewHandler(spec(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Describe(t.Context(), json.RawMessage(config))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]gjson.Result{}
	for _, o := range s.Operations {
		out[o.Name] = gjson.ParseBytes(o.Schema)
	}
	for _, l := range s.Lookups {
		out[l.Name+".args"], out[l.Name+".answer"] = gjson.ParseBytes(l.ArgsSchema), gjson.ParseBytes(l.AnswerSchema)
	}
	return out
}

// testdata/labels.tsv holds every field of the vendor's document with its label,
// section by section, written off the document; cos (tnumber) is cost.
func TestEveryFieldOfTheDocumentIsThereWithItsLabel(t *testing.T) {
	text, err := os.ReadFile("testdata/labels.tsv")
	if err != nil {
		t.Fatal(err)
	}
	where := map[string][]string{ // the schemas of a section, by kind of key
		"order": {"order.answer"}, "order_product": {"order.answer"}, "get": {"order.args"},
		"post": {opCreate, opUpsert}, "post_product": {opCreate, opUpsert},
		"put": {opUpdate}, "put_product": {opUpdate}, "delete": {opDelete},
	}
	absent := map[string][]string{ // what a kind of key does not have
		"organization": {"post_product.supplier_id", "put_product.supplier_id"},
		"counterparty": {
			"get.client_id", "post.client_id", "post.curency_id", "post.warehouse_id",
			"put.client_id", "put.curency_id", "put.warehouse_id", "post_product.external_id", "put_product.external_id",
		},
		"": nil,
	}
	for kind, without := range absent {
		config := `{"key":"` + kind + `"}`
		all := schemas(t, config)
		section, checked := "", 0
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			if s, ok := strings.CutPrefix(line, "# "); ok {
				section = s
				continue
			}
			name, label, ok := strings.Cut(line, "\t")
			if !ok || where[section] == nil {
				t.Fatalf("labels.tsv: %q in section %q", line, section)
			}
			for _, schema := range where[section] {
				checked++
				properties := all[schema].Get("properties")
				if strings.HasSuffix(section, "_product") {
					properties = properties.Get("products.items.properties")
				}
				got := properties.Get(name)
				if slices.Contains(without, section+"."+name) {
					if got.Exists() {
						t.Errorf("%s: %s has %s, which this kind of key does not", config, schema, name)
					}
					continue
				}
				title, rest := got.Get("title").Str, got.Get("description").Str
				if whole := strings.TrimSpace(title + ". " + rest); title != label && whole != label && title+" "+rest != label {
					t.Errorf("%s: %s.%s is %q, %q; the document says %q", config, schema, name, title, rest, label)
				}
			}
		}
		if checked < 100 {
			t.Fatalf("only %d labels were compared", checked)
		}
	}
}

func TestSchemasHaveNothingElse(t *testing.T) {
	want := map[string]map[string]string{
		`{"key":"organization"}`: {
			opUpsert: "client_id curency_id warehouse_id external_id delivery_types receiver_name receiver_phone city city_ref addres branch_ref insurance_amount delivery_amount type custom_fields funnel products",
			opUpdate: "id external_id client_id curency_id warehouse_id delivery_types receiver_name receiver_phone city city_ref addres branch_ref insurance_amount delivery_amount type products",
			opDelete: "id external_id client_id", "products": "id external_id sku qty cost discount_percent", "order.args": "client_id id number external_id",
		},
		`{"key":"counterparty"}`: {
			opUpsert: "external_id delivery_types receiver_name receiver_phone city city_ref addres branch_ref insurance_amount delivery_amount type custom_fields funnel products",
			opUpdate: "id external_id delivery_types receiver_name receiver_phone city city_ref addres branch_ref insurance_amount delivery_amount type products",
			opDelete: "id external_id", "products": "id supplier_id sku qty cost discount_percent", "order.args": "id number external_id",
		},
	}
	for config, names := range want {
		all := schemas(t, config)
		all["products"] = all[opUpsert].Get("properties.products.items")
		for schema, fields := range names {
			var got []string
			for _, k := range all[schema].Get("properties|@keys").Array() {
				got = append(got, k.Str)
			}
			if strings.Join(got, " ") != fields {
				t.Errorf("%s %s: %v, want %s", config, schema, got, fields)
			}
			if v := all[schema].Get("additionalProperties"); v.Raw != "false" {
				t.Errorf("%s %s is open", config, schema)
			}
		}
		if all[opCreate].Raw != all[opUpsert].Raw {
			t.Errorf("%s: create_order and upsert_order differ", config)
		}
		for _, op := range []string{opCreate, opUpsert, opUpdate, opDelete} {
			if got := all[op].Get("x-crosswalk-key").Str; got != "external_id" {
				t.Errorf("%s: key %q", op, got)
			}
		}
	}
}

func TestDeliveryTypesAreNamed(t *testing.T) {
	want := `[{"const":1,"title":"Самовивіз"},{"const":2,"title":"Своя доставка"},{"const":3,"title":"Нова Пошта відділення"},{"const":5,"title":"Нова Пошта адреса"}]`
	for name, s := range schemas(t, `{}`) {
		if f := s.Get("properties.delivery_types"); f.Exists() && f.Get("oneOf|@ugly").Raw != want {
			t.Errorf("%s: %s", name, f.Raw)
		}
	}
}

func TestRepeatAndSettle(t *testing.T) {
	want := map[string]wire.Repeat{opCreate: sdk.RepeatUnsafe, opUpdate: sdk.RepeatSafe, opUpsert: sdk.RepeatFindFirst, opDelete: sdk.RepeatSafe}
	for config, settle := range map[string]time.Duration{
		`{}`: 30 * time.Second, `{"request_timeout":"5s"}`: 5 * time.Second,
		`{"request_timeout":"5s","settle":"250ms"}`: 250 * time.Millisecond,
		`{"settle":"${env:SETTLE}"}`:                30 * time.Second,
	} {
		c, err := under(json.RawMessage(config))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range c.Operations {
			if o.Repeat != want[o.Name] || o.Settle != settle {
				t.Errorf("%s %s: %s, %s", config, o.Name, o.Repeat, o.Settle)
			}
		}
	}
	if _, err := under(json.RawMessage(`{`)); err == nil {
		t.Error("a broken configuration is described")
	}
}

// Conditions of the document that a record can break, with the field that is
// blamed; "" where the record is in order.
func TestRecordsAgainstTheSchema(t *testing.T) {
	line := func(m map[string]any) map[string]any { return order("A", map[string]any{"products": []any{m}}) }
	for name, c := range map[string]struct {
		op     string
		record any
		path   string
	}{
		"whole":                       {opCreate, order("A", nil), ""},
		"no city_ref at 3":            {opCreate, order("A", map[string]any{"city_ref": nil}), "city_ref"},
		"no city_ref at 5":            {opUpsert, order("A", map[string]any{"city_ref": nil, "delivery_types": 5}), "city_ref"},
		"no branch_ref at 3":          {opUpsert, order("A", map[string]any{"branch_ref": nil}), "branch_ref"},
		"no branch_ref at 5":          {opUpsert, order("A", map[string]any{"branch_ref": nil, "delivery_types": 5}), ""},
		"no references at 1":          {opCreate, order("A", map[string]any{"city_ref": nil, "branch_ref": nil, "delivery_types": 1}), ""},
		"no references at 2":          {opCreate, order("A", map[string]any{"city_ref": nil, "branch_ref": nil, "delivery_types": 2}), ""},
		"delivery type 4":             {opCreate, order("A", map[string]any{"delivery_types": 4}), "delivery_types"},
		"delivery type as text":       {opCreate, order("A", map[string]any{"delivery_types": "3"}), "delivery_types"},
		"no external_id":              {opUpsert, order("A", map[string]any{"external_id": nil}), "external_id"},
		"empty external_id":           {opUpsert, order("", nil), "external_id"},
		"no products":                 {opCreate, order("A", map[string]any{"products": nil}), "products"},
		"empty products":              {opCreate, order("A", map[string]any{"products": []any{}}), "products"},
		"amount with a fraction":      {opCreate, order("A", map[string]any{"insurance_amount": 1.5}), "insurance_amount"},
		"amount with a zero fraction": {opCreate, order("A", map[string]any{"insurance_amount": json.Number("2.00")}), ""},
		"unknown field":               {opCreate, order("A", map[string]any{"currency_id": "1"}), "currency_id"},
		"line without qty":            {opCreate, line(map[string]any{"sku": "X"}), "products.0.qty"},
		"line without identifier":     {opCreate, line(map[string]any{"qty": 1}), "products.0.id"},
		"line by external_id":         {opCreate, line(map[string]any{"qty": 1, "external_id": "7"}), ""},
		"line by supplier_id":         {opCreate, line(map[string]any{"qty": 1, "supplier_id": "7", "sku": "X"}), "products.0.supplier_id"},
		"custom fields":               {opCreate, order("A", map[string]any{"custom_fields": map[string]any{"будь-що": []int{1}}}), ""},
		"empty client_id":             {opCreate, order("A", map[string]any{"client_id": ""}), "client_id"},
		"not an object":               {opCreate, json.RawMessage(`[]`), ""},
		"update of what":              {opUpdate, map[string]any{"receiver_name": "X"}, "id"},
		"update of a city alone":      {opUpdate, map[string]any{"id": 1, "city": "Суми"}, "delivery_types"},
		"update of an address alone":  {opUpdate, map[string]any{"id": 1, "addres": "Суми"}, "delivery_types"},
		"update to a branch":          {opUpdate, map[string]any{"id": 1, "delivery_types": 3, "city_ref": "c"}, "branch_ref"},
		"update of a name":            {opUpdate, map[string]any{"id": 1, "receiver_name": "X"}, ""},
		"update of a funnel":          {opUpdate, map[string]any{"id": 1, "funnel": "2"}, "funnel"},
		"delete of what":              {opDelete, map[string]any{}, "id"},
		"delete":                      {opDelete, map[string]any{"external_id": "A"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			all := map[string]wire.OperationSpec{}
			for _, o := range contract(organizationKey, 0).Operations {
				all[o.Name] = o
			}
			check, err := newChecker(all[c.op].Schema)
			if err != nil {
				t.Fatal(err)
			}
			f := check.check(toJSON(t, c.record))
			switch {
			case name == "not an object":
				if f == nil {
					t.Fatal("taken")
				}
			case f == nil && c.path != "":
				t.Fatalf("taken, want %s blamed", c.path)
			case f != nil && c.path == "":
				t.Fatalf("refused: %v", f)
			case f != nil && (f.Path != c.path || f.Class != wire.Invalid):
				t.Fatalf("%v, want %s blamed", f, c.path)
			}
		})
	}
}
