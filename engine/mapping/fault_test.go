package mapping

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestFault maps an event with a program that is broken, which ends that event alone,
// in the words of mappings/README.md.
func TestFault(t *testing.T) {
	p, found := Compile("mapping.yaml", []byte("mapping: order\nfrom: a.b\nto: a.b\nfields: {a: b}\n"), anyCatalog{})
	if p == nil {
		t.Fatal(found.Err())
	}
	p.record = nil
	_, err := p.Map(&Event{Record: []byte(`{"b":1}`)}, nil)
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("it gives %v", err)
	}
	var shown strings.Builder
	if err := e.List().WriteText(&shown); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../mappings/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "```text fault\n" + strings.TrimPrefix(shown.String(), "mapping.yaml: ") + "```\n"; !strings.Contains(string(page), want) {
		t.Errorf("the page does not show\n%s", want)
	}
}
