package form

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// node is a value, or a group of nodes by their names.
type node struct {
	key   string
	group bool
	value string
	// field is the name of the field that made the node first.
	field string
	// appended tells that the group's names were given by [].
	appended bool
	children []*node
	index    map[string]*node // nil while there are few children
}

// Nest makes a JSON object of fields. Names stand in the order in which they
// came first, arrays in the order of their indexes.
func Nest(pairs []Pair) (json.RawMessage, error) {
	if len(pairs) > MaxFields {
		return nil, tooMany()
	}
	t := &tree{root: &node{group: true}}
	size := 2
	for _, p := range pairs {
		if err := checkText(p); err != nil {
			return nil, err
		}
		if err := t.add(p); err != nil {
			return nil, err
		}
		size += len(p.Name) + len(p.Value) + 8
	}
	return t.root.appendObject(make([]byte, 0, size)), nil
}

type tree struct {
	root  *node
	nodes int
}

func (t *tree) add(p Pair) error {
	parts, err := parseName(p.Name)
	if err != nil {
		return err
	}
	at := t.root
	for i, step := range parts {
		last := i == len(parts)-1
		child, err := t.step(at, step, p.Name)
		if err != nil {
			return err
		}
		if child.field == "" {
			child.field, child.group = p.Name, !last
			if last {
				child.value = p.Value
			}
		} else if err := agree(child, p, last); err != nil {
			return err
		}
		at = child
	}
	return nil
}

// agree checks that a node which is there already may be what p wants of it.
func agree(n *node, p Pair, last bool) error {
	conflict := func(format string, args ...any) error {
		return &Error{Code: CodeConflict, Field: shorten(p.Name), Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case n.group == last:
		return conflict("it cannot stand beside field `%s`: one is a value where the other is a group", shorten(n.field))
	case last && n.value != p.Value:
		return conflict("it is there twice with different values: name a list `%s[]`", shorten(p.Name))
	}
	return nil
}

// step finds or makes the child of a group that a part of a name leads to.
func (t *tree) step(group *node, step part, field string) (*node, error) {
	if len(group.children) > 0 && group.appended != step.next {
		return nil, &Error{
			Code: CodeConflict, Field: shorten(field),
			Message: fmt.Sprintf("it mixes [] with names or indexes of the same group (field `%s`): use one of the two", shorten(group.children[0].field)),
		}
	}
	key := step.text
	if step.next {
		key = strconv.Itoa(len(group.children))
	} else if found := group.child(key); found != nil {
		return found, nil
	}
	t.nodes++
	if t.nodes > maxNodes {
		return nil, &Error{Code: CodeTooLarge, Field: shorten(field), Message: fmt.Sprintf("the names make more than %d groups and values", maxNodes)}
	}
	child := &node{key: key}
	group.appended = step.next
	group.children = append(group.children, child)
	if group.index != nil {
		group.index[key] = child
	}
	return child, nil
}

func (n *node) child(key string) *node {
	const few = 8
	if n.index == nil && len(n.children) > few {
		n.index = make(map[string]*node, 2*len(n.children))
		for _, c := range n.children {
			n.index[c.key] = c
		}
	}
	if n.index != nil {
		return n.index[key]
	}
	for _, c := range n.children {
		if c.key == key {
			return c
		}
	}
	return nil
}

// list gives the children in the order of their indexes where they are 0, 1, 2
// and so on without a gap.
func (n *node) list() ([]*node, bool) {
	out := make([]*node, len(n.children))
	for _, c := range n.children {
		i, err := strconv.Atoi(c.key)
		if err != nil || i < 0 || i >= len(out) || strconv.Itoa(i) != c.key {
			return nil, false
		}
		out[i] = c
	}
	return out, true
}

func (n *node) appendJSON(dst []byte) []byte {
	if !n.group {
		return appendString(dst, n.value)
	}
	children, ok := n.list()
	if !ok {
		return n.appendObject(dst)
	}
	dst = append(dst, '[')
	for i, c := range children {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.appendJSON(dst)
	}
	return append(dst, ']')
}

func (n *node) appendObject(dst []byte) []byte {
	dst = append(dst, '{')
	for i, c := range n.children {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, c.key), ':')
		dst = c.appendJSON(dst)
	}
	return append(dst, '}')
}

// appendString appends valid UTF-8 as a JSON string.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, '"')
}
