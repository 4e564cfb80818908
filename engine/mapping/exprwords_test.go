package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// insides are words of Go's and of expr's that no integrator may read.
var insides = regexp.MustCompile(`interface conversion|interface \{|runtime error|<nil>|reflect|cannot fetch|cannot use|goroutine|panic|` +
	`github\.com|mapping\.|apd|strconv|%!|\[\]any|map\[string|\[\]interface|float64|int64|unexpected token|invalid operation|mismatched|` +
	`unknown name|memory budget|cannot call|not enough arguments|too many arguments|operator not|out of range|` +
	`cannot be computed|cannot be compiled|fault of Crosswalk|without a reason|is not a valid expression|needs anything|0x`)

const wordsSchema = `{"type":"object","properties":{
	"i":{"type":"integer"},"n":{"type":"number"},"s":{"type":"string"},"b":{"type":"boolean"},"u":{"type":["integer","string"]},
	"o":{"type":"object","properties":{"i":{"type":"integer"},"s":{"type":"string"},"l":{"type":"array","items":{"type":"number"}}}},
	"nums":{"type":"array","items":{"type":"number"}},"texts":{"type":"array","items":{"type":"string"}},
	"items":{"type":"array","items":{"type":"object","properties":{"q":{"type":"number"},"s":{"type":"string"},"b":{"type":"boolean"}}}}}}`

// expressions makes expressions that mostly fit the schema's types.
type expressions struct {
	*rand.Rand
	inside int // predicates around
}

func (e *expressions) one(of ...string) string { return of[e.IntN(len(of))] }

func (e *expressions) text(depth int) string {
	if depth == 0 || e.IntN(5) == 0 {
		leaves := []string{"s", "u", "o.s", "texts[0]", `"ab"`, `""`, `"12"`, "unknown.x", "items[1].s", "_meta.key", `get("texts.1")`, "named", "wild", "q.z", "i"}
		if e.inside > 0 {
			leaves = append(leaves, "#", ".s", "#.s", "#.nope")
		}
		return e.one(leaves...)
	}
	x := func() string { return e.text(depth - 1) }
	n := func() string { return e.number(depth - 1) }
	return e.one(
		x()+" + "+x(), "upper("+x()+")", "lower("+x()+")", "trim("+x()+")", "trimPrefix("+x()+", "+x()+")", "text("+n()+")", "join("+e.list(depth-1)+", "+x()+")",
		"replace("+x()+", "+x()+", "+x()+")", "repeat("+x()+", "+n()+")", "digits("+x()+")", `phone(`+x()+`, "UA")`, `match(`+x()+`, "(.)$")`, "coalesce("+x()+", "+x()+")",
		x()+" ?? "+x(), "("+x()+")["+n()+":"+n()+"]", "if "+e.truth(depth-1)+" { "+x()+" } else { "+x()+" }", "toJSON("+e.any(depth-1)+")", "string("+x()+")",
		"split("+x()+", "+x()+")["+n()+"]", `datetime(`+x()+`, "Y-m-d", "d.m.Y")`, "let v = "+x()+"; v", `table("t", `+x()+`)`, "toBase64("+x()+")", "fromBase64("+x()+")",
		"first("+e.list(depth-1)+")", "keys("+e.object(depth-1)+")[0]", "find("+e.list(depth-1)+", "+e.predicate(depth-1)+")", x(),
	)
}

func (e *expressions) number(depth int) string {
	if depth == 0 || e.IntN(5) == 0 {
		leaves := []string{"i", "n", "o.i", "nums[0]", "1", "0", "2.5", "-3", "9223372036854775807", "items[0].q", "unknown", "total", "wild", "u", "100000", "0.0"}
		if e.inside > 0 {
			leaves = append(leaves, "#", ".q", "#.q", "#index")
		}
		return e.one(leaves...)
	}
	x := func() string { return e.number(depth - 1) }
	return e.one(
		x()+" + "+x(), x()+" - "+x(), x()+" * "+x(), x()+" / "+x(), x()+" % "+x(), x()+" ** "+x(), "-("+x()+")", "abs("+x()+")", "round("+x()+", "+x()+")", "money("+x()+")",
		"floor("+x()+")", "ceil("+x()+")", "int("+e.text(depth-1)+")", "min("+x()+", "+x()+")", "max("+e.list(depth-1)+")", "mean("+e.list(depth-1)+")", "median("+e.list(depth-1)+")",
		"len("+e.any(depth-1)+")", "sum("+e.list(depth-1)+")", "count("+e.list(depth-1)+", "+e.predicate(depth-1)+")", x()+" ?? "+x(), "indexOf("+e.text(depth-1)+", "+e.text(depth-1)+")",
		"reduce("+e.list(depth-1)+", #acc + #, "+x()+")", "findIndex("+e.list(depth-1)+", "+e.predicate(depth-1)+")", e.truth(depth-1)+" ? "+x()+" : "+x(), "("+x()+")",
		e.list(depth-1)+"["+x()+"]", "bitand("+x()+", "+x()+")", "sum("+e.list(depth-1)+", "+e.body(depth-1)+")", "last("+e.list(depth-1)+")", "findLastIndex("+e.list(depth-1)+", "+e.predicate(depth-1)+")",
	)
}

func (e *expressions) truth(depth int) string {
	if depth == 0 || e.IntN(5) == 0 {
		leaves := []string{"b", "true", "false", `has("o.i")`, "unknown.b", "wild", "i == 1", `s == "ab"`, "n > 1"}
		if e.inside > 0 {
			leaves = append(leaves, ".b", "#.b", "#")
		}
		return e.one(leaves...)
	}
	x := func() string { return e.truth(depth - 1) }
	return e.one(
		x()+" and "+x(), x()+" or "+x(), "not ("+x()+")", e.number(depth-1)+" < "+e.number(depth-1), e.text(depth-1)+" >= "+e.text(depth-1), e.any(depth-1)+" == "+e.any(depth-1),
		e.any(depth-1)+" != "+e.any(depth-1), e.any(depth-1)+" in "+e.list(depth-1), e.text(depth-1)+" in "+e.object(depth-1), e.text(depth-1)+" contains "+e.text(depth-1),
		e.text(depth-1)+" matches "+e.text(depth-1), e.text(depth-1)+" startsWith "+e.text(depth-1), "any("+e.list(depth-1)+", "+e.predicate(depth-1)+")",
		"all("+e.list(depth-1)+", "+e.predicate(depth-1)+")", "none("+e.list(depth-1)+", "+e.predicate(depth-1)+")", "hasPrefix("+e.text(depth-1)+", "+e.text(depth-1)+")",
		e.any(depth-1)+" == nil", x()+" == "+x(), "("+x()+" ?? "+x()+")",
	)
}

func (e *expressions) list(depth int) string {
	if depth == 0 || e.IntN(4) == 0 {
		leaves := []string{"nums", "texts", "items", "o.l", "[]", "[1, 2.5]", `["a", nil]`, "unknown", "wild", "[s, n]", `get("items.#.q")`, "rows"}
		if e.inside > 0 {
			leaves = append(leaves, "[#]")
		}
		return e.one(leaves...)
	}
	x := func() string { return e.list(depth - 1) }
	return e.one(
		"filter("+x()+", "+e.predicate(depth-1)+")", "map("+x()+", "+e.body(depth-1)+")", "sort("+x()+")", "reverse("+x()+")", "uniq("+x()+")", "concat("+x()+", "+x()+")", "flatten("+x()+")",
		"take("+x()+", "+e.number(depth-1)+")", "sortBy("+x()+", "+e.body(depth-1)+")", "values("+e.object(depth-1)+")", "keys("+e.object(depth-1)+")", "split("+e.text(depth-1)+", \",\")",
		"["+e.any(depth-1)+", "+e.any(depth-1)+"]", x()+"["+e.number(depth-1)+":]", x()+" ?? "+x(), e.number(depth-1)+".."+e.number(depth-1), "toPairs("+e.object(depth-1)+")", x(),
	)
}

func (e *expressions) object(depth int) string {
	if depth == 0 || e.IntN(3) == 0 {
		return e.one("o", "items[0]", "{}", `{a: 1}`, "unknown", "wild", "first(items)")
	}
	return e.one("{a: "+e.any(depth-1)+"}", "{("+e.text(depth-1)+"): 1}", "groupBy("+e.list(depth-1)+", "+e.body(depth-1)+")", "fromPairs("+e.list(depth-1)+")", "fromJSON("+e.text(depth-1)+")", "("+e.object(depth-1)+" ?? {})")
}

func (e *expressions) any(depth int) string {
	return []func(int) string{e.text, e.number, e.truth, e.list, e.object}[e.IntN(5)](depth)
}

func (e *expressions) predicate(depth int) string {
	e.inside++
	defer func() { e.inside-- }()
	return e.truth(depth)
}

func (e *expressions) body(depth int) string {
	e.inside++
	defer func() { e.inside-- }()
	return e.any(depth)
}

// value makes a JSON value of any kind.
func (e *expressions) value(depth int) string {
	scalars := []string{"null", "true", "false", "0", "1", "-1", "2.5", "0.10", "1e3", "12345678901234567890", "1e-7", "9223372036854775807", "1e300", `""`, `"ab"`, `"12"`, `"0.10"`, `"Ж😀"`, `"\ud800"`, `"\u0000"`, `"2025-09-18"`, `"("`}
	if depth == 0 || e.IntN(3) > 0 {
		return e.one(scalars...)
	}
	if e.IntN(2) == 0 {
		return "[" + e.value(depth-1) + "," + e.value(depth-1) + "]"
	}
	return `{"i":` + e.value(depth-1) + `,"q":` + e.value(depth-1) + `,"s":` + e.value(depth-1) + `,"l":` + e.value(depth-1) + `}`
}

func (e *expressions) record() string {
	var b strings.Builder
	b.WriteString(`{"wild":` + e.value(2))
	right := map[string][]string{
		"i": {"1", `"7"`, "-5"}, "n": {"2.5", `"0.10"`, "10"}, "s": {`"ab"`, `"0671234567"`}, "b": {"true", `"1"`}, "u": {"1", `"x"`},
		"o": {`{"i":1,"s":"x","l":[1,"2"]}`}, "nums": {"[1,2.5]", `["3"]`, "[]"}, "texts": {`["a","b"]`, "[]"}, "items": {`[{"q":1,"s":"x","b":true},{"q":"2","s":"","b":"0"}]`, "[]"},
	}
	for _, name := range slices.Sorted(maps.Keys(right)) {
		switch e.IntN(6) {
		case 0:
		case 1:
			fmt.Fprintf(&b, `,%q:%s`, name, e.value(2))
		default:
			fmt.Fprintf(&b, `,%q:%s`, name, e.one(right[name]...))
		}
	}
	return b.String() + "}"
}

// checkWords holds an expression against what every one must keep: where it does
// not compile or a record does not suit it, the words are for an integrator, and
// where it does the result is JSON, the same each time.
func checkWords(t *testing.T, cat Catalog, expression, record string) (compiled, mapped bool) {
	t.Helper()
	quoted, err := json.Marshal("= " + expression)
	if err != nil {
		t.Fatal(err)
	}
	text := "mapping: m\nfrom: a.b\nto: c.d\nlet: {named: s, total: = n * 2, rows: '= items ?? []'}\ntables: {t: {1: 2, ab: x}}\nfields:\n  v: " + string(quoted) + "\n"
	p, found := Compile("m.yaml", []byte(text), cat)
	for _, d := range found {
		readable(t, expression, "", d)
	}
	if p == nil {
		return false, false
	}
	ev := &Event{Key: "k", Record: []byte(record)}
	r, err := p.Map(ev, nil)
	if e, ok := errors.AsType[*Error](err); ok {
		for _, d := range e.List() {
			readable(t, expression, record, d)
			if d.Position.Line != 7 && d.Position.Line != 4 {
				t.Errorf("%s: it has no place: %v", expression, d)
			}
		}
	} else if err != nil {
		t.Errorf("%s: no *Error: %v", expression, err)
	} else if !json.Valid(r.Record) {
		t.Errorf("%s of %s: no JSON: %s", expression, record, r.Record)
	}
	again, errAgain := p.Map(ev, nil)
	if string(again.Record) != string(r.Record) || (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
		t.Errorf("%s of %s: first %s %v, then %s %v", expression, record, r.Record, err, again.Record, errAgain)
	}
	return true, err == nil
}

func readable(t *testing.T, expression, record string, d diag.Diagnostic) {
	t.Helper()
	if word := insides.FindString(d.Message + "\n" + d.Hint); word != "" || d.Message == "" || d.Rule == "CW300" {
		t.Errorf("%s of %s: the word %q: %v", expression, record, word, d)
	}
}

func wordsCatalogs(t testing.TB) []Catalog {
	t.Helper()
	s, err := schema.Parse([]byte(wordsSchema))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := schema.Parse([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	return []Catalog{openCatalog{}, fixedCatalog{s, sink}}
}

// TestWords maps records of all kinds by expressions of all kinds.
func TestWords(t *testing.T) {
	cats := wordsCatalogs(t)
	e := &expressions{Rand: rand.New(rand.NewPCG(1, 2))} // the same each time
	compiled, mapped := 0, 0
	const n = 1000
	for i := range n {
		c, m := checkWords(t, cats[i%2], e.any(1+e.IntN(3)), e.record())
		if c {
			compiled++
		}
		if m {
			mapped++
		}
		if t.Failed() && i > 200 {
			break
		}
	}
	t.Logf("of %d expressions %d compile and %d map", n, compiled, mapped)
	if compiled < n/5 || mapped < n/20 {
		t.Errorf("of %d expressions %d compile and %d map", n, compiled, mapped)
	}
}

// FuzzWords is TestWords for expressions and records that the fuzzer finds.
func FuzzWords(f *testing.F) {
	cats := wordsCatalogs(f)
	e := &expressions{Rand: rand.New(rand.NewPCG(3, 4))} // the same each time
	for range 200 {
		f.Add(e.any(2), e.record())
	}
	f.Fuzz(func(t *testing.T, expression, record string) {
		if !json.Valid([]byte(record)) || !strings.HasPrefix(record, "{") || insides.MatchString(expression+record) {
			return
		}
		for _, cat := range cats {
			checkWords(t, cat, expression, record)
		}
	})
}
