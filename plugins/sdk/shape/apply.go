package shape

import (
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Apply gives the record, a valid JSON object in UTF-8, in its schema's shape.
// The result shares no memory with the record.
func (s *Shape) Apply(record []byte) []byte {
	raw := string(record)
	w := writer{dst: make([]byte, 0, len(raw)+len(raw)/4)}
	w.object(s.root, gjson.Parse(raw), 0)
	return w.dst
}

type writer struct{ dst []byte }

func (w *writer) raw(s string) { w.dst = append(w.dst, s...) }

// value writes v as n wants it. It writes nothing and gives false where v is no
// value there.
func (w *writer) value(n *node, v gjson.Result, depth int) bool {
	if n.any || depth > maxDepth {
		w.raw(v.Raw)
		return true
	}
	switch v.Type {
	case gjson.Null:
		if !n.null {
			return false
		}
	case gjson.String:
		if v.Str == "" && (!n.text || n.enum && !n.allowsEmpty) {
			return false
		}
		if inner, ok := n.inside(v.Str); ok {
			return w.value(n, inner, depth+1)
		}
	case gjson.JSON:
		return w.group(n, v, depth)
	case gjson.True, gjson.False, gjson.Number:
	}
	w.raw(v.Raw)
	return true
}

// group is value for an object or an array.
func (w *writer) group(n *node, v gjson.Result, depth int) bool {
	switch {
	case v.IsObject() && n.object && n.props == nil && n.rest == nil:
		w.raw(v.Raw)
	case v.IsObject() && n.object:
		w.object(n, v, depth)
	case n.array && (v.IsArray() || numbered(v)):
		w.array(n, v, depth)
	case v.IsArray() && n.object && !v.Get("0").Exists():
		if len(n.props) > 0 {
			return false
		}
		w.raw("{}")
	default:
		w.raw(v.Raw)
	}
	return true
}

// inside gives the object or array that a text holds where n wants one of them
// and no text.
func (n *node) inside(text string) (gjson.Result, bool) {
	text = strings.TrimSpace(text)
	if n.text || !n.object && !n.array || text == "" || text[0] != '{' && text[0] != '[' {
		return gjson.Result{}, false
	}
	if Nesting(text) > MaxNesting || !gjson.Valid(text) {
		return gjson.Result{}, false
	}
	return gjson.Parse(text), true
}

// numbered tells whether all names of an object are numbers, and there is one.
func numbered(v gjson.Result) bool {
	some, all := false, v.IsObject()
	v.ForEach(func(k, _ gjson.Result) bool {
		some = true
		all = all && k.Str != "" && strings.Trim(k.Str, "0123456789") == ""
		return all
	})
	return some && all
}

// array writes an array, or the values of a numbered object as one.
func (w *writer) array(n *node, v gjson.Result, depth int) {
	w.dst = append(w.dst, '[')
	first := true
	v.ForEach(func(_, e gjson.Result) bool {
		if !first {
			w.dst = append(w.dst, ',')
		}
		first = false
		if n.items == nil || !w.value(n.items, e, depth+1) {
			w.raw(e.Raw) // an entry that is no value keeps its place
		}
		return true
	})
	w.dst = append(w.dst, ']')
}

// span is where a field's value stands in the output.
type span struct{ from, to int }

// fields writes an object's members.
type fields struct {
	*writer
	count int
	// at is where the values are, kept only where the schema names twins.
	at map[string]span
}

// begin writes a name, as JSON, and gives where to cut if there is no value.
func (f *fields) begin(name string) (start int) {
	start = len(f.dst)
	if f.count > 0 {
		f.dst = append(f.dst, ',')
	}
	f.count++
	f.raw(name)
	f.dst = append(f.dst, ':')
	return start
}

func (f *fields) undo(start int) {
	f.dst = f.dst[:start]
	f.count--
}

func (f *fields) remember(name string, from int) {
	if f.at == nil {
		return
	}
	if _, twice := f.at[name]; !twice { // of two fields of one name the first counts
		f.at[name] = span{from, len(f.dst)}
	}
}

func (w *writer) object(n *node, v gjson.Result, depth int) {
	f := fields{writer: w}
	if len(n.also) > 0 {
		f.at = make(map[string]span, 2*len(n.also))
	}
	w.dst = append(w.dst, '{')
	v.ForEach(func(k, member gjson.Result) bool {
		child := n.props[k.Str]
		if child == nil {
			child = n.rest
		}
		if child != nil && child.all != "" {
			f.firstAndAll(child.all, k, member, v)
			return true
		}
		start := f.begin(k.Raw)
		from := len(f.dst)
		if child == nil {
			f.raw(member.Raw)
		} else if !f.value(child, member, depth+1) {
			f.undo(start)
			return true
		}
		f.remember(k.Str, from)
		return true
	})
	for _, p := range n.also {
		f.twin(p.a, p.b)
		f.twin(p.b, p.a)
	}
	w.dst = append(w.dst, '}')
}

// twin writes the field to as a copy of the field from where only that is there.
func (f *fields) twin(from, to string) {
	s, ok := f.at[from]
	if _, there := f.at[to]; !ok || there {
		return
	}
	f.begin(strconv.Quote(to))
	at := len(f.dst)
	f.dst = append(f.dst, f.dst[s.from:s.to]...)
	f.remember(to, at)
}

// firstAndAll writes a text that may be an array: its first entry that is not
// empty under its own name, and all of those under the name all, unless the
// object has that itself.
func (f *fields) firstAndAll(all string, name, v, object gjson.Result) {
	entries := []gjson.Result{v}
	if v.IsArray() {
		entries = v.Array()
	}
	var kept []string
	for _, e := range entries {
		if e.Type != gjson.Null && (e.Type != gjson.String || strings.TrimSpace(e.Str) != "") {
			kept = append(kept, e.Raw)
		}
	}
	switch {
	case len(kept) > 0:
		f.begin(name.Raw)
		f.raw(kept[0])
	case v.Type == gjson.String: // empty text is text
		f.begin(name.Raw)
		f.raw(v.Raw)
	}
	if !object.Get(gjson.Escape(all)).Exists() {
		f.begin(strconv.Quote(all))
		f.raw("[" + strings.Join(kept, ",") + "]")
	}
}
