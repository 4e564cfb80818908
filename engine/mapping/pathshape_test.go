package mapping

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

const shapedSchema = `{"type":"object","additionalProperties":false,"properties":{
	"id":{"type":"integer"},"name":{"type":"string"},"on":{"type":"boolean"},
	"type":{"type":"object","additionalProperties":false,"properties":{"id":{"type":"integer"},"title":{"type":"string"}}},
	"lists":{"type":"object","additionalProperties":false,"properties":{"a":{"type":"array","items":{"type":"integer"}},"b":{"type":"array","items":{"type":"string"}}}},
	"matrix":{"type":"array","items":{"type":"array","items":{"type":"integer"}}},
	"tags":{"type":"array","items":{"type":"string"}},
	"lines":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{
		"name":{"type":"string"},"qty":{"type":"integer"},"on":{"type":"boolean"},
		"tags":{"type":"array","items":{"type":"string"}},
		"dim":{"type":"object","additionalProperties":false,"properties":{"w":{"type":"number"},"unit":{"type":"string"}}}}}}}}`

const shapedDocument = `{"id":7,"name":"Оля","on":true,"type":{"id":3,"title":"Пошта"},"lists":{"a":[1,2],"b":["x","y","z"]},"matrix":[[1,2],[3]],"tags":["a","b"],
	"lines":[{"name":"Чашка","qty":2,"on":true,"tags":["a"],"dim":{"w":1.5,"unit":"kg"}},{"name":"Таця","qty":1,"on":false,"tags":["b","c"],"dim":{"w":2,"unit":"kg"}}]}`

// TestPathShapes puts steps of paths together by chance, and holds what the check knows
// of each path that it has nothing against what gjson finds in a document: the value
// is there, and of the type that the check gives it.
func TestPathShapes(t *testing.T) {
	s, err := schema.Parse([]byte(shapedSchema))
	if err != nil {
		t.Fatal(err)
	}
	if v := s.Validate([]byte(shapedDocument)); len(v) > 0 {
		t.Fatal(v)
	}
	steps := []string{
		"id", "name", "on", "type", "lists", "matrix", "tags", "lines", "a", "b", "dim", "w", "unit", "qty", "title", "0", "1", "#", "t*", "l?nes",
		`#(qty>1)`, `#(qty>0)#`, `#(name=="Чашка")`, `#(dim.w>1)#`, `#(tags.#(=="b"))#`, `#(="a")`, `#(on=true)`, `#(tags)#`,
		"@this", "@reverse", "@flatten", `@flatten:{"deep":true}`, "@values", "@keys", "@join", "@group", "@tostr", "@fromstr", "@pretty", "@ugly", "@valid",
		"{id,name}", "{lines}", "[id,name]", `{"x":type.id,y:lines.#.qty}`, "[tags,matrix]", "x", "y", "{name,qty}", `{"z":!5}`, "z", "@dig:w",
	}
	r := rand.New(rand.NewPCG(1, 2))
	fine, wrong := 0, 0
	for range 20_000 {
		text := ""
		for i := range 1 + r.IntN(6) {
			if i > 0 {
				text += string(".|"[r.IntN(8)/7])
			}
			text += steps[r.IntN(len(steps))]
		}
		p, perr := parsePath(text)
		if perr != nil {
			t.Fatalf("%s: %v", text, perr)
		}
		shape, problems := typeOf([]*schema.Node{s.Root()}, []string{"the source"}, "", p.names)
		found := gjson.Get(shapedDocument, p.text)
		if len(problems) > 0 {
			wrong++
			continue
		}
		fine++
		if found.Raw == "" {
			continue
		}
		if shape.node == nil {
			continue
		}
		if kind := kindOfJSON([]byte(found.Raw)); kind != schema.Null && !shape.kinds.Has(kind) || !typed([]byte(found.Raw), shape.node, 0) || !closedTo(found, shape.node) {
			t.Errorf("%s is %v by the check, and gjson finds %s", text, shape.kinds, found.Raw)
		}
	}
	if fine < 2000 || wrong < 2000 {
		t.Errorf("%d paths are right and %d wrong: that tells nothing", fine, wrong)
	}
}

// closedTo reports whether a closed object has no other fields than its schema's.
func closedTo(v gjson.Result, n *schema.Node) bool {
	ok := true
	switch {
	case n == nil:
	case v.IsArray():
		for _, e := range v.Array() {
			ok = ok && closedTo(e, n.Items)
		}
	case v.IsObject():
		v.ForEach(func(k, e gjson.Result) bool {
			child := n.Property(k.Str)
			ok = ok && (child != nil || !n.Closed) && closedTo(e, child)
			return ok
		})
	}
	return ok
}

// TestPathProblems says how a path without a fault that the check has something against
// finds nothing, so that no right path is refused.
func TestPathProblems(t *testing.T) {
	s, err := schema.Parse([]byte(shapedSchema))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Fields(`
		nam type.nam lines.nam lines.0.nam lines.#.nam lines.#(nam=="x").name lines.#(qty>0)#.nam lines.#(qty>0)#|0.nam lines.#(qty>0)|nam
		lines.#|0 id.x matrix.0.0.x matrix.#.#.x tags.0.x lines.@reverse.0.nam lines.@reverse.#(nam) {nam} {id,nam} [nam] type.{id,nam}.nam
		lines.#.{nam} {"x":id}.y @this.nam type.@values.0.x type.@keys.0.x matrix.@flatten.0.x lists.@group.0.c lists.@group.0.a.x n?m nim* lines.#.tags.0.x
		lines.#.tags|0.0.x lines.#.tags.#(=="a").x type.@tostr.x @dig:nam`) {
		p, perr := parsePath(text)
		if perr != nil {
			t.Fatalf("%s: %v", text, perr)
		}
		_, problems := typeOf([]*schema.Node{s.Root()}, []string{"the source"}, "", p.names)
		if len(problems) != 1 {
			t.Errorf("%s: %d problems: %v", text, len(problems), problems)
		}
	}
}
