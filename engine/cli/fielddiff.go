package cli

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"
)

// fieldDiff compares two JSON values field by field: a line "- path: value" for
// what is wanted and missing or different, "+ path: value" for what was made
// instead, in the order of want and then of got. Numbers are compared as they are
// written, and the order of an object's fields does not count. No lines mean that
// they are the same.
func fieldDiff(want, got []byte) []string {
	w, g := flat{values: map[string]string{}}, flat{values: map[string]string{}}
	w.add("", gjson.ParseBytes(want))
	g.add("", gjson.ParseBytes(got))
	var out []string
	for _, path := range w.paths {
		wanted := w.values[path]
		made, there := g.values[path]
		if there && made == wanted {
			continue
		}
		out = append(out, "- "+path+": "+wanted)
		if there {
			out = append(out, "+ "+path+": "+made)
		}
	}
	for _, path := range g.paths {
		if _, there := w.values[path]; !there {
			out = append(out, "+ "+path+": "+g.values[path])
		}
	}
	return out
}

// flat is a JSON value as its scalars, and its empty objects and arrays, by path.
type flat struct {
	paths  []string
	values map[string]string
}

func (f *flat) add(path string, v gjson.Result) {
	if !v.IsObject() && !v.IsArray() {
		if v.Type == gjson.String {
			f.put(path, strconv.Quote(v.Str))
		} else {
			f.put(path, v.Raw)
		}
		return
	}
	i := 0
	v.ForEach(func(key, value gjson.Result) bool {
		name := escaped(key.Str)
		if v.IsArray() {
			name = "[" + strconv.Itoa(i) + "]"
		} else if path != "" {
			name = "." + name
		}
		i++
		f.add(path+name, value)
		return true
	})
	if i > 0 {
		return
	}
	if v.IsObject() {
		f.put(path, "{}")
	} else {
		f.put(path, "[]")
	}
}

func (f *flat) put(path, value string) {
	if _, doubled := f.values[path]; !doubled {
		f.paths = append(f.paths, path)
	}
	f.values[path] = value
}

// escaped tells a dot or a bracket in a field's name from those of a path, and writes
// what is not to be seen, such as a line end, as Go does.
func escaped(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == '\\' || r == '.' || r == '[':
			b.WriteString(`\` + string(r))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
