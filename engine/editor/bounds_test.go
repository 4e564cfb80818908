package editor_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/editor"
	"github.com/crosswalk-etl/crosswalk/engine/editor/editortest"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// TestBounds makes schemas of what could grow without end: a sink that takes
// anything, a mapping of many eaches, and schemas that refer to themselves.
func TestBounds(t *testing.T) {
	var eaches strings.Builder
	for i := range 300 {
		fmt.Fprintf(&eaches, "  f%d: {each: list, as: e%d, value: {each: e%d.list, as: g%d, value: g%d.list}}\n", i, i, i, i, i)
	}
	circle, err := schema.Parse([]byte(`{"type": "object", "properties": {
		"list": {"type": "array", "items": {"$ref": "#"}}, "next": {"$ref": "#"}, "other": {"$ref": "#"}, "text": {"type": "string"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	anything, err := schema.Parse([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	text := "mapping: m\nfrom: a.b\nto: a.c\nfields:\n" + eaches.String()
	draft, ok := editor.Read([]byte(text))
	if !ok {
		t.Fatal("the draft is not read")
	}
	for name, sink := range map[string]*schema.Schema{"anything": anything, "a circle": circle, "nothing known": nil} {
		t.Run(name, func(t *testing.T) {
			m := editor.Mapping{From: []editor.Event{{Name: "a.b", Schema: circle}}, To: editor.Event{Name: "a.c", Schema: sink}, Draft: draft}
			out, err := m.Schema()
			if err != nil || len(out) > 16<<20 {
				t.Errorf("%d bytes, error %v", len(out), err)
			}
		})
	}
	m := editor.Mapping{From: []editor.Event{{Name: "a.b"}}, To: editor.Event{Name: "a.c", Schema: circle}}
	out, err := m.Schema()
	if err != nil {
		t.Fatal(err)
	}
	// Names of more steps than are spelt out are taken.
	var k editortest.Checker
	for name, valid := range map[string]bool{"next.text": true, "next.next.next.next.next.next.list.0.text": true, "": false} {
		err := k.Check(out, []byte("mapping: m\nfrom: a.b\nto: a.c\nfields: {\""+name+"\": text}\n"))
		if (err == nil) != valid {
			t.Errorf("%s: valid should be %v, and the schema says %v", name, valid, err)
		}
	}
	for _, text := range []string{"", "- a", "a: [", "a: &a [*a]\n<<: *a\n", strings.Repeat("a: 1 ", editorLimit), strings.Repeat("[", 20_000)} {
		if _, ok := editor.Read([]byte(text)); ok && !strings.HasPrefix(text, "a: &a") {
			t.Errorf("%.20s… is read", text)
		}
	}
}

// editorLimit makes a text that is larger than a mapping may be.
const editorLimit = 1 << 18
