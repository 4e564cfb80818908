package mapping

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// maxText is the longest text in bytes that repeat and replace may make.
const maxText = 1 << 20

// maxElements is how many elements concat may make.
const maxElements = 100_000

const (
	errLong     callError = "the result is longer than 1 MiB"
	errNegative callError = "a text cannot be repeated a negative number of times"
)

const errManyElements callError = "the list becomes longer than 100000 elements"

// textFunctions are expr's functions of texts.
func textFunctions() map[string]fn {
	text := func(f func(string) string) fn {
		return fn{params: texts(1), least: 1, result: schema.Text, call: func(in []any) (any, error) {
			s, _ := in[0].(string)
			return f(s), nil
		}}
	}
	two := func(result schema.Types, f func(a, b string) any) fn {
		return fn{params: texts(2), least: 2, result: result, call: func(in []any) (any, error) {
			a, _ := in[0].(string)
			b, _ := in[1].(string)
			return f(a, b), nil
		}}
	}
	cutset := func(trim func(string) string, set func(s, cut string) string) fn {
		return fn{params: []param{{kinds: schema.Text}, {kinds: schema.Text}}, least: 1, result: schema.Text, call: func(in []any) (any, error) {
			s, _ := in[0].(string)
			if len(in) == 1 {
				return trim(s), nil
			}
			c, _ := in[1].(string)
			return set(s, c), nil
		}}
	}
	splitter := func(f func(s, sep string, n int) []string) fn {
		return fn{
			params: []param{{kinds: schema.Text}, {kinds: schema.Text}, {kinds: schema.Integer}}, least: 2,
			of: func([]operand) typ { return typ{kinds: schema.Array, elem: &typ{kinds: schema.Text}} },
			call: func(in []any) (any, error) {
				s, _ := in[0].(string)
				sep, _ := in[1].(string)
				n := -1
				if len(in) > 2 {
					n, _ = in[2].(int)
				}
				out := []any{}
				for _, part := range f(s, sep, n) {
					out = append(out, part)
				}
				return out, nil
			},
		}
	}
	return map[string]fn{
		"upper":       text(strings.ToUpper),
		"lower":       text(strings.ToLower),
		"trim":        cutset(strings.TrimSpace, strings.Trim),
		"trimPrefix":  two(schema.Text, func(a, b string) any { return strings.TrimPrefix(a, b) }),
		"trimSuffix":  two(schema.Text, func(a, b string) any { return strings.TrimSuffix(a, b) }),
		"hasPrefix":   two(schema.Boolean, func(a, b string) any { return strings.HasPrefix(a, b) }),
		"hasSuffix":   two(schema.Boolean, func(a, b string) any { return strings.HasSuffix(a, b) }),
		"indexOf":     two(schema.Integer, func(a, b string) any { return position(a, strings.Index(a, b)) }),
		"lastIndexOf": two(schema.Integer, func(a, b string) any { return position(a, strings.LastIndex(a, b)) }),
		"split":       splitter(strings.SplitN),
		"splitAfter":  splitter(strings.SplitAfterN),
		"toBase64":    text(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"fromBase64": {params: texts(1), least: 1, result: schema.Text, call: func(in []any) (any, error) {
			s, _ := in[0].(string)
			b, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				return nil, callError(show(s) + " is not Base64")
			}
			if !utf8.Valid(b) {
				return nil, callError(show(s) + " is Base64 of bytes that are no text in UTF-8")
			}
			return string(b), nil
		}},
		"replace": {params: []param{{kinds: schema.Text}, {kinds: schema.Text}, {kinds: schema.Text}, {kinds: schema.Integer}}, least: 3, result: schema.Text, call: func(in []any) (any, error) {
			s, _ := in[0].(string)
			from, _ := in[1].(string)
			to, _ := in[2].(string)
			n := -1
			if len(in) > 3 {
				n, _ = in[3].(int)
			}
			if len(s)+(strings.Count(s, from)*(len(to)-len(from))) > maxText {
				return nil, errLong
			}
			return strings.Replace(s, from, to, n), nil
		}},
		"repeat": {params: []param{{kinds: schema.Text}, {kinds: schema.Integer, refuse: refuseCount}}, least: 2, result: schema.Text, call: func(in []any) (any, error) {
			s, _ := in[0].(string)
			n, isInt := in[1].(int)
			if !isInt && compareNumbers(in[1], 0) > 0 || n > maxText || len(s)*n > maxText {
				return nil, errLong
			}
			if !isInt || n < 0 {
				return nil, errNegative
			}
			return strings.Repeat(s, n), nil
		}},
	}
}

// position turns a byte offset into one in characters; -1 stays.
func position(s string, i int) int {
	if i < 0 {
		return i
	}
	return characters(s[:i])
}

// numberFunctions are expr's functions of numbers.
func numberFunctions() map[string]fn {
	rounder := func(mode apd.Rounder) fn {
		return fn{params: []param{{kinds: anyNumber}}, least: 1, result: schema.Integer, call: func(in []any) (any, error) {
			return round(in[0], rounding{mode: mode})
		}}
	}
	folded := func(f func(items []any) (any, error)) fn {
		return fn{more: &param{kinds: anyNumber | schema.Array, elems: anyNumber}, least: 1, result: anyNumber, call: func(in []any) (any, error) {
			var items []any
			for _, v := range in {
				if kindOf(v) == schema.Array {
					more, err := numbers(v)
					if err != nil {
						return nil, err
					}
					items = append(items, more...)
				} else {
					items = append(items, v)
				}
			}
			if len(items) == 0 {
				return nil, nil
			}
			return f(items)
		}}
	}
	best := func(sign int) func([]any) (any, error) {
		return func(items []any) (any, error) {
			return slices.MaxFunc(items, func(a, b any) int { return sign * compareNumbers(a, b) }), nil
		}
	}
	return map[string]fn{
		"abs": {params: []param{{kinds: anyNumber}}, least: 1, of: func(a []operand) typ { return a[0].t.plain() }, call: func(in []any) (any, error) {
			if compareNumbers(in[0], 0) < 0 {
				return negate(in[0])
			}
			return in[0], nil
		}},
		"ceil":  rounder(apd.RoundCeiling),
		"floor": rounder(apd.RoundFloor),
		"max":   folded(best(1)),
		"min":   folded(best(-1)),
		"mean": folded(func(items []any) (any, error) {
			total, err := sum(items)
			if err != nil {
				return nil, err
			}
			return arithmetic("/", total, len(items))
		}),
		"median": folded(func(items []any) (any, error) {
			items = slices.SortedFunc(slices.Values(items), compareNumbers)
			mid := len(items) / 2
			if len(items)%2 == 1 {
				return items[mid], nil
			}
			total, err := arithmetic("+", items[mid-1], items[mid])
			if err != nil {
				return nil, err
			}
			return arithmetic("/", total, 2)
		}),
	}
}

// errMissingNumber is what sum, min and the like say of a list with nothing in a place.
const errMissingNumber callError = "a number of the list is missing; guard it with `?? 0`, or leave it out with filter(list, # != nil), the whole value in quotes"

func sum(items []any) (any, error) {
	total := any(0)
	for _, v := range items {
		if v == nil {
			return nil, errMissingNumber
		}
		if kindOf(v)&anyNumber == 0 {
			return nil, callError("only numbers can be added up, and there is " + show(v))
		}
		var err error
		if total, err = arithmetic("+", total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// listFunctions are expr's functions of arrays and objects.
func listFunctions() map[string]fn {
	array := []param{{kinds: schema.Array}}
	same := func(a []operand) typ {
		elem := elemOf(a[0].t)
		return typ{kinds: schema.Array, elem: &elem}
	}
	element := func(a []operand) typ { return elemOf(a[0].t) }
	onList := func(of func([]operand) typ, f func(items []any) (any, error)) fn {
		return fn{params: array, least: 1, of: of, call: func(in []any) (any, error) {
			items, _ := list(in[0])
			return f(slices.Clone(items))
		}}
	}
	onObject := func(result schema.Types, f func(keys []string, values []any) any) fn {
		return fn{params: []param{{kinds: schema.Object}}, least: 1, result: result, call: func(in []any) (any, error) {
			keys, values, _ := object(in[0])
			return f(keys, values), nil
		}}
	}
	return map[string]fn{
		"len": {params: []param{{kinds: schema.Text | schema.Array | schema.Object}}, least: 1, result: schema.Integer, call: func(in []any) (any, error) {
			if s, ok := in[0].(string); ok {
				return characters(s), nil
			}
			if items, ok := list(in[0]); ok {
				return len(items), nil
			}
			keys, _, _ := object(in[0])
			return len(keys), nil
		}},
		"first": onList(element, func(items []any) (any, error) { v, _ := index(items, 0); return v, nil }),
		"last":  onList(element, func(items []any) (any, error) { v, _ := index(items, -1); return v, nil }),
		"take": {params: []param{{kinds: schema.Array}, {kinds: schema.Integer}}, least: 2, of: same, call: func(in []any) (any, error) {
			items, _ := list(in[0])
			n, _ := in[1].(int)
			return items[:min(max(n, 0), len(items))], nil
		}},
		"reverse": onList(same, func(items []any) (any, error) { slices.Reverse(items); return items, nil }),
		"uniq": onList(same, func(items []any) (any, error) {
			seen, out, size := map[string]bool{}, []any{}, 0
			for _, v := range items {
				k := uniqueKey(v)
				if size += len(k); size > maxRecord {
					return nil, callError("the list is larger than 32 MiB")
				}
				if !seen[k] {
					seen[k] = true
					out = append(out, v)
				}
			}
			return out, nil
		}),
		"flatten": onList(nil, func(items []any) (any, error) {
			f := flattener{out: []any{}}
			if f.add(items, 0); f.seen > maxElements {
				return nil, errManyElements
			}
			return f.out, nil
		}),
		"concat": {more: &param{kinds: schema.Array}, least: 1, of: concatType, call: func(in []any) (any, error) {
			lists, size := make([][]any, len(in)), 0
			for i, v := range in {
				lists[i], _ = list(v)
				if size += len(lists[i]); size > maxElements {
					return nil, errManyElements
				}
			}
			out := make([]any, 0, size)
			for _, items := range lists {
				out = append(out, items...)
			}
			return out, nil
		}},
		"sort": {params: []param{{kinds: schema.Array, elems: anyNumber | schema.Text}, {kinds: schema.Text, refuse: refuseSort}}, least: 1, of: same, call: func(in []any) (any, error) {
			items, _ := list(in[0])
			order := "asc"
			if len(in) > 1 {
				order, _ = in[1].(string)
			}
			pairs := make([]any, len(items))
			for i, v := range items {
				pairs[i] = []any{v, v}
			}
			return sortPairs(pairs, order)
		}},
		"keys": onObject(schema.Array, func(keys []string, _ []any) any {
			out := []any{}
			for _, k := range keys {
				out = append(out, k)
			}
			return out
		}),
		"values": onObject(schema.Array, func(_ []string, values []any) any { return append([]any{}, values...) }),
		"toPairs": onObject(schema.Array, func(keys []string, values []any) any {
			out := []any{}
			for i, k := range keys {
				out = append(out, []any{k, values[i]})
			}
			return out
		}),
		"fromPairs": {params: []param{{kinds: schema.Array, elems: schema.Array}}, least: 1, result: schema.Object, call: func(in []any) (any, error) {
			items, _ := list(in[0])
			out := map[string]any{}
			for _, item := range items {
				pair, ok := list(item)
				if !ok || len(pair) != 2 {
					return nil, callError("fromPairs needs pairs [key, value], and has " + show(item))
				}
				k, ok := textOf(pair[0])
				if !ok {
					return nil, callError("a key must be a text, and is " + show(pair[0]))
				}
				out[k] = pair[1]
			}
			return out, nil
		}},
		"toJSON": {params: []param{{}}, least: 1, result: schema.Text, call: func(in []any) (any, error) {
			out := compactJSON(appendJSON(nil, in[0]))
			if len(out) > maxJSON {
				return nil, callError("the text becomes longer than 8 MiB")
			}
			return string(out), nil
		}},
		"fromJSON": {params: texts(1), least: 1, call: func(in []any) (any, error) {
			s, _ := in[0].(string)
			if !gjson.Valid(s) {
				return nil, callError(show(s) + " is not JSON")
			}
			v, ok := decode([]byte(strings.TrimSpace(s)))
			if !ok {
				return nil, callError(show(s) + " is a number of a size that cannot be read")
			}
			return v, nil
		}},
	}
}

// refuseCount says what is wrong with how often a text is repeated.
func refuseCount(v any) (message, hint string) {
	switch n, ok := v.(int); {
	case ok && n < 0:
		return errNegative.Error(), ""
	case ok && n > maxText:
		return errLong.Error(), ""
	}
	return "", ""
}

// refuseOrder says what is wrong with the order of a list.
func refuseOrder(v any) (message, hint string) {
	if v != "asc" && v != "desc" {
		return `the order is "asc" or "desc", and not ` + show(v), ""
	}
	return "", ""
}

// refuseSort is refuseOrder for a function that has no field to sort by.
func refuseSort(v any) (message, hint string) {
	if message, _ = refuseOrder(v); message != "" {
		hint = "objects are put in order by a field of theirs: sortBy(list, .price)"
	}
	return message, hint
}

func uniqueKey(v any) string {
	if d, ok := asDecimal(v); ok {
		v = normal(d)
	}
	return string(compactJSON(appendJSON(nil, v)))
}

// flattener gathers the elements of lists in a list, and stops behind maxElements.
type flattener struct {
	out  []any
	seen int // lists are elements too
}

func (f *flattener) add(items []any, depth int) {
	for _, v := range items {
		if f.seen++; f.seen > maxElements {
			return
		}
		if inner, ok := list(v); ok && depth < maxNesting {
			f.add(inner, depth+1)
		} else {
			f.out = append(f.out, v)
		}
	}
}

// sortPairs orders [value, key] pairs by key and returns the values.
func sortPairs(pairs []any, order string) (any, error) {
	if message, _ := refuseOrder(order); message != "" {
		return nil, callError(message)
	}
	var failed error
	at := func(p any, i int) any {
		pair, _ := p.([]any)
		return pair[i]
	}
	size := 0
	for _, p := range pairs {
		if s, ok := at(p, 1).(string); ok {
			size += len(s)
		}
	}
	if size > maxRecord {
		return nil, callError("the texts to be put in order are larger than 32 MiB")
	}
	slices.SortStableFunc(pairs, func(a, b any) int {
		c, ok := compare(at(a, 1), at(b, 1))
		if !ok && failed == nil {
			failed = callError("these cannot be put in order: " + show(at(a, 1)) + " and " + show(at(b, 1)))
		}
		if order == "desc" {
			return -c
		}
		return c
	})
	if failed != nil {
		return nil, failed
	}
	out := make([]any, len(pairs))
	for i, p := range pairs {
		out[i] = at(p, 0)
	}
	return out, nil
}
