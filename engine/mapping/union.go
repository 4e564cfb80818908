package mapping

import (
	"reflect"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// united describes a value that one of two events' schemas describes, an event's of
// either. What only one of them names is of any type, unless the other is closed.
func united(a, b *schema.Node) *schema.Node {
	return unions{}.of(a, b)
}

// unions are those made already: a schema can refer to itself.
type unions map[[2]*schema.Node]*schema.Node

func (u unions) of(a, b *schema.Node) *schema.Node {
	key := [2]*schema.Node{a, b}
	switch made := u[key]; {
	case a == nil || b == nil:
		return nil
	case made != nil:
		return made
	case a == b || reflect.DeepEqual(a, b):
		return a
	}
	out := &schema.Node{}
	u[key] = out
	var fields []schema.Property
	for _, p := range a.Properties {
		other := b.Property(p.Name)
		switch {
		case other != nil:
			other = u.of(p.Node, other)
		case b.Closed:
			other = p.Node
		}
		if other == nil {
			other = &schema.Node{}
		}
		fields = append(fields, schema.Property{Name: p.Name, Node: other})
	}
	for _, p := range b.Properties {
		if a.Property(p.Name) != nil {
			continue
		}
		if !a.Closed {
			p.Node = &schema.Node{}
		}
		fields = append(fields, p)
	}
	*out = *schema.ObjectOf(fields...)
	out.Types = a.Types | b.Types
	if a.Types == 0 || b.Types == 0 {
		out.Types = 0
	}
	out.Closed = a.Closed && b.Closed
	out.Items = u.of(a.Items, b.Items)
	out.Additional = u.of(a.Additional, b.Additional)
	if len(a.Choices) > 0 && len(b.Choices) > 0 {
		out.Choices = slices.Clone(a.Choices)
		for _, c := range b.Choices {
			if !out.Allows(c.JSON) {
				out.Choices = append(out.Choices, c)
			}
		}
	}
	return out
}
