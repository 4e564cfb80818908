package mapping

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// randomNode makes a schema of a few fields, closed or open to fields that it does not
// name.
func randomNode(r *rand.Rand, depth int) *schema.Node {
	kinds := []schema.Types{schema.Text, schema.Number, schema.Integer, schema.Boolean, schema.Array, schema.Object, schema.Object}
	if depth == 0 {
		kinds = kinds[:4]
	}
	switch kind := kinds[r.IntN(len(kinds))]; kind {
	case schema.Array:
		return &schema.Node{Types: kind, Items: randomNode(r, depth-1)}
	case schema.Object:
		var fields []schema.Property
		var required []string
		for _, name := range []string{"a", "b", "c"} {
			if r.IntN(3) > 0 {
				fields = append(fields, schema.Property{Name: name, Node: randomNode(r, depth-1)})
				if r.IntN(2) == 0 {
					required = append(required, name)
				}
			}
		}
		n := schema.ObjectOf(fields...)
		n.Closed, n.Required = r.IntN(3) > 0, required
		return n
	default:
		return &schema.Node{Types: kind}
	}
}

// fullValue makes a value with everything in it that the schema names, of which each
// single value becomes whatever its type can become.
func fullValue(n *schema.Node) string {
	if n.Types == schema.Array {
		return "[" + fullValue(n.Items) + "]"
	}
	if n.Types == schema.Object {
		out := "{"
		for i, p := range n.Properties {
			if i > 0 {
				out += ","
			}
			out += strconv.Quote(p.Name) + ":" + fullValue(p.Node)
		}
		return out + "}"
	}
	if n.Types == schema.Text {
		return `"1"`
	}
	if n.Types == schema.Boolean {
		return "true"
	}
	return "1"
}

// TestShapesAgree holds what the check says of objects and arrays against what their
// conversion says of a full one: it refuses exactly those that can never be taken.
func TestShapesAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	taken, refused := 0, 0
	for range 20_000 {
		from, to := randomNode(r, 3), randomNode(r, 3)
		s := shapes{seen: map[[2]*schema.Node]bool{}}
		s.part(typ{kinds: from.Types, node: from}, to, nil)
		if len(s.out) > 0 && s.out[0].open { // another field may be there
			continue
		}
		value := fullValue(from)
		_, ok, err := convert(nil, []byte(value), to)
		if ok && err == nil {
			taken++
		} else {
			refused++
		}
		said := len(s.out) > 0
		// Of an open object without named fields nothing is known.
		silent := !said && err != nil && err.value == "nothing" && strings.Contains(value, "{}")
		if said == (err != nil) || silent {
			continue
		}
		t.Errorf("%s: the check says %+v, the conversion %v", value, s.out, err)
	}
	if taken < 1000 || refused < 1000 {
		t.Errorf("%d are taken and %d refused: that tells nothing", taken, refused)
	}
}
