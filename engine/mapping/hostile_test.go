package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestAmplification maps records by rules that would make of a little very much. Each
// ends with a diagnostic, in memory that is bounded.
func TestAmplification(t *testing.T) {
	numbers := "[" + strings.TrimSuffix(strings.Repeat("1,", 10_000), ",") + "]"
	record := `{"a":` + numbers + `,"b":` + numbers + `,"c":` + numbers + `,"s":"` + strings.Repeat("аб", 200_000) + `","items":[` +
		strings.TrimSuffix(strings.Repeat(`{"id":1,"l":[1,2]},`, 10_000), ",") + `]}`
	for _, c := range []struct{ rule, want string }{
		{`v: {each: a, as: x, value: {each: b, as: y, value: {each: c, as: z, value: 1}}}`, "CW307"},
		{`v: {each: a, as: x, values: [{each: b, as: y, values: [{each: c, as: z, where: = z > 1, value: z}]}]}`, "CW307"},
		{`v: {each: a, as: x, fields: {l: {each: b, as: y, fields: {m: {each: c, as: z, fields: {n: gone}}}}}}`, "CW307"},
		{`v: {each: a, as: x, value: s}`, "CW307 the record becomes larger than 32 MiB"},
		{`v: {each: a, as: x, fields: {one: s, two: s}}`, "CW307 the record becomes larger than 32 MiB"},
		{`v: {each: items, as: i, value: '= find(items, .id == 2)'}`, "CW307 this goes through too many elements"},
		{`v: '= count(1..10000, count(1..10000, count(1..10000, # > 0) > 0) > 0)'`, "CW307 this goes through too many elements"},
		{`v: '= sum(1..10000, sum(1..10000, sum(1..10000, 1)))'`, "CW307"},
		{`v: '= len(map(1..10000, 1..10000))'`, "CW307"},
		{`v: '= map(1..10000, map(1..10000, map(1..10000, #)))'`, "CW307"},
		{`v: '= reduce(1..10000, reduce(1..10000, #acc + 1, 0) + #acc, 0)'`, "CW307"},
		{`v: '= len(map(1..10000, split(s, "")))'`, "CW307"},
		{`v: '= len(map(1..10000, upper(s)))'`, "CW307"},
		{`v: '= len(map(1..10000, s + "x"))'`, "CW307"},
		{`v: '= len(map(1..10000, s[1:]))'`, "CW307"},
		{`v: '= len(map(1..10000, items[#]))'`, "CW307"},
		{`v: '= all(1..10000, s contains "x" or s matches "x" or true)'`, "CW307"},
		{`v: '= 1..(len(s) * 1000000)'`, "CW307 this range has more than 10000 elements"},
		{`v: = repeat(s, 1000000)`, "CW311"},
		{`v: '= repeat("x", len(s) * 10000)'`, "CW311"},
		{`v: '= join(map(1..1000, s))'`, "CW311 the text becomes longer than 1 MiB"},
		{`v: '= join(map(1..1000, s), s)'`, "CW311"},
		{`v: '= replace(s, "а", s)'`, "CW311"},
		{`v: '= map(1..1000, s)'`, "CW307 the value is larger than 8 MiB"},
		{`v: '= reduce(1..60, toJSON([#acc, #acc]), "x")'`, "CW311"},
		{`v: '= reduce(1..60, concat(#acc, #acc), [1])'`, "CW311"},
		{`v: '= reduce(1..60, [#acc, #acc], 1)'`, "CW307"},
		{`v: '= flatten(reduce(1..60, [#acc, #acc], []))'`, "CW311"},
		{`v: '= reduce(1..60, [#acc, #acc], map(1..10000, nil))'`, "CW307"},
		{`v: '= reduce(1..60, [#acc, #acc], 1) == reduce(1..60, [#acc, #acc], 1)'`, "CW307"},
		{`v: '= uniq(map(1..10000, reduce(1..18, [#acc, #acc], 1)))'`, "CW311"},
		{`v: '= len(sort(map(1..10000, s)))'`, "CW311"},
		{`v: '= (len(a) - 9998) ** 1000'`, "CW307"},
		{`v: '= (len(a) + 0.5) ** 1000'`, "CW307"},
		{`v: = big.l * big.l`, "CW301"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := compile(t, "mapping: m\nfrom: any.event\nto: any.operation\nfields:\n  "+c.rule+"\n")
			used := allocated(func() {
				r, err := p.Map(&mapping.Event{Record: []byte(record)}, nil)
				checkOutcome(t, r, err, "", c.want)
			})
			t.Logf("%d MiB", used>>20)
			if used > 2<<30 { // in all, freed ones too
				t.Errorf("it allocates %d MiB", used>>20)
			}
		})
	}
}

// TestGreatButHonest maps what is large and meant so.
func TestGreatButHonest(t *testing.T) {
	var lines []string
	for i := range 20_000 {
		lines = append(lines, fmt.Sprintf(`{"sku":"A-%d","qty":%d,"price":49.79}`, i, i%7))
	}
	p := compile(t, `mapping: m
from: any.event
to: any.operation
fields:
  total: '= sum(lines, .qty * .price)'
  most: '= max(map(lines, .qty))'
  first: '= sortBy(filter(lines, .qty > 5), .sku)[0].sku'
  lines: {each: lines, where: = item.qty > 0, fields: {sku: item.sku, sum: '= round(item.qty * item.price, 2)'}}
`)
	r, err := mapRecord(t, p, `{"lines":[`+strings.Join(lines, ",")+`]}`)
	if err != nil || !strings.HasPrefix(string(r.Record), `{"total":2987250.63,"most":6,"first":"A-1000","lines":[{"sku":"A-1","sum":49.79}`) {
		t.Errorf("%.120s, %v", r.Record, err)
	}
}
