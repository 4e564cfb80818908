package cli

import (
	"maps"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
)

// fieldDiff compares two JSON values field by field: a line "- path: value" for
// what is wanted and missing or different, "+ path: value" for what was made
// instead, sorted by path. Numbers are compared as they are written. No lines
// mean that they are the same.
func fieldDiff(want, got []byte) []string {
	w, g := map[string]string{}, map[string]string{}
	flatten("", gjson.ParseBytes(want), w)
	flatten("", gjson.ParseBytes(got), g)
	all := maps.Clone(w)
	maps.Copy(all, g)
	var out []string
	for _, path := range slices.Sorted(maps.Keys(all)) {
		wv, inWant := w[path]
		gv, inGot := g[path]
		if inWant && inGot && wv == gv {
			continue
		}
		if inWant {
			out = append(out, "- "+path+": "+wv)
		}
		if inGot {
			out = append(out, "+ "+path+": "+gv)
		}
	}
	return out
}

// flatten puts every scalar, and every empty object and array, under its path.
func flatten(path string, v gjson.Result, into map[string]string) {
	if !v.IsObject() && !v.IsArray() {
		if v.Type == gjson.String {
			into[path] = strconv.Quote(v.Str)
		} else {
			into[path] = v.Raw
		}
		return
	}
	empty, i := true, 0
	v.ForEach(func(key, value gjson.Result) bool {
		name := key.Str
		if v.IsArray() {
			name = strconv.Itoa(i)
		}
		i++
		empty = false
		if path != "" {
			name = path + "." + name
		}
		flatten(name, value, into)
		return true
	})
	if empty {
		into[path] = v.Raw
	}
}
