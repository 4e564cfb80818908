package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestReachedHalves checks which halves of `and`, `or` and `??` events reach: the
// right one is a point of its own, since only some events come to it.
func TestReachedHalves(t *testing.T) {
	p, found := mapping.Compile("m.yaml", []byte(`mapping: m
from: shop.order_created
to: any.operation
fields:
  a: = payed == 1 and total_sum > 5
  b: = payed == 1 || order_id > 3 && total_sum > 5
  c: '= any(products, #.quantity > 1 or #.price > 1)'
  d: '= comment ?? "x"'
`), catalog{})
	if p == nil {
		t.Fatal(found.Err())
	}
	all := p.Coverage()
	for _, step := range []struct {
		event string
		want  []string
	}{
		{`{"order_id": 1, "payed": 1, "total_sum": 9, "comment": "y", "products": [{"quantity": 2}]}`, []string{
			"`order_id > 3 && total_sum > 5` behind `||`", "`total_sum > 5` behind `&&`", "`#.price > 1` behind `or`", "`\"x\"` behind `??`",
		}},
		{`{"order_id": 1, "payed": 0, "comment": "y", "products": []}`, []string{
			"`total_sum > 5` behind `&&`", "`#.price > 1` behind `or`", "`\"x\"` behind `??`",
		}},
		{`{"order_id": 4, "payed": 0, "total_sum": 9, "products": [{"quantity": 1, "price": 2}]}`, nil},
	} {
		x, err := p.Explain(&mapping.Event{Key: "1", Record: []byte(step.event)})
		if err != nil {
			t.Fatal(err)
		}
		if x.Err != nil {
			t.Fatal(x.Err)
		}
		all.Add(x)
		var missed []string
		for _, m := range all.Missed() {
			missed = append(missed, m.What)
		}
		if diff := cmp.Diff(step.want, missed); diff != "" {
			t.Errorf("after %s\n%s", step.event, diff)
		}
	}
}
