package mapping

import (
	"strings"
	"testing"
)

// TestMemberPlaces marks the wrong step of a path, also where it ends a list that is
// written out, and no bracket that is not its own.
func TestMemberPlaces(t *testing.T) {
	cat := shopCatalog(t)
	for _, x := range []struct{ expression, wrong string }{
		{`join([products[0].titel, delivery_type.title], " ")`, "titel"},
		{`join([products[0].title, delivery_type.titel], " ")`, "titel"},
		{`[delivery_type.titel][0]`, "titel"},
		{`text(products[ 0 ].titel)`, "titel"},
		{`[products[0]["titel"]]`, `"titel"]`},
	} {
		text := "mapping: m\nfrom: shop.order_created\nto: saleapp.upsert_order\nfields:\n  addres: = " + x.expression + "\n"
		_, found := Compile("m.yaml", []byte(text), cat)
		marked := ""
		for _, d := range found {
			if d.Rule == "CW121" {
				marked = string([]rune(d.Source)[d.Position.Column-1 : d.EndColumn-1])
			}
		}
		if !strings.HasPrefix(x.wrong, marked) || marked == "" {
			t.Errorf("%s marks %q, want %q", x.expression, marked, x.wrong)
		}
	}
	p, found := Compile("m.yaml", []byte("mapping: m\nfrom: any.event\nto: any.operation\nfields:\n  x: = join([a.b, c.d], \" \")\n"), openCatalog{})
	if p == nil {
		t.Fatal(found)
	}
	ex, err := p.Explain(&Event{Record: []byte(`{"a":{"b":"x"},"c":{"d":"y"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ex.Steps {
		for _, r := range s.Sources {
			if strings.Contains(r.Name, "]") {
				t.Errorf("a reading is called %q", r.Name)
			}
		}
	}
}
