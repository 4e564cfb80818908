package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// sameExplained checks that a record is mapped alike by the quick ways, and by the
// general ones, which explaining takes.
func sameExplained(t *testing.T, p *Program, record string) {
	t.Helper()
	res, err := p.Map(&Event{Record: []byte(record)}, nil)
	x, xerr := p.Explain(&Event{Record: []byte(record)})
	if xerr != nil {
		t.Fatal(xerr)
	}
	if string(res.Record) != string(x.Record) || res.Skipped != x.Skipped || (err == nil) != (x.Err == nil) || err != nil && err.Error() != x.Err.Error() {
		t.Errorf("%s\nis mapped to %s, skipped %v, error %v\nexplained as %s, skipped %v, error %v", record, res.Record, res.Skipped, err, x.Record, x.Skipped, x.Err)
	}
}

// quickExpressions are expressions over a and b that have a quick way, or nearly.
var quickExpressions = []string{
	"a", "a == b", "a != b", "a == nil", "nil != b", "a == 4", "4 != a", `a == "4"`, `"" == b`, "a == true", "a < b", "a <= 4", "a > 4", "4 >= b",
	"a == 4 and b == 4", "a == 4 or b == 4", "not (a == 4)", "(a ?? false) and (b ?? true)", "a in [4, 5]", `b in ["4", "x"]`, `a in ["4", 4]`, "not (a in [4])", "a in []",
	`a contains "4"`, `a contains b`, `a startsWith "x"`, `a endsWith b`, "a matches `^x`", "(a ?? \"\") matches `(?i)Ї`",
	"a ?? b", "a ?? b ?? 4", `a ?? "none"`, "a ?? nil", "if a == 4 { b } else { 1 }", "a == nil ? 4 : b", `if (a ?? "") contains "x" { join(split(a, "x"), "-") } else { a }`,
	"if has(\"a\") { a == 4 } else { b }", "a + b", `a + "x"`, "a + 4", "a + 9223372036854775807", `"" + (b ?? "")`,
	"round(a)", "round(b ?? 0)", "round(a, 1)", "round(a + b)", "text(a)", "text(b ?? 4)", "int(text(a))",
	`join([a, b], ", ")`, `join([a, nil, "x", 4, b])`, `join(["x", join([a, b], "+"), text(a)], " ")`, `join([a, [b]], ", ")`,
	"coalesce(a, b)", `coalesce(a, b, "z")`, "coalesce(a, 4)", "coalesce(a) == nil",
	"match(a, `x(.)?`)", "match(a, `x`) == nil", "match(b, `4|x`) != nil", `match(a ?? "", "(?i)(ї)(.*)")`, "match(b, `(y)?`) == nil",
	`phone(a, "UA")`, `phone(a, "UA") ?? b`, `phone(b, "PL")`, "round(coalesce(a, b, 0))", `text(a) + "/" + text(b)`,
}

// quickValues are JSON values of every kind, "" for none.
var quickValues = []string{
	"", "null", "true", "false", "4", "-0", "4.0", "0.5", "-2.5", "4e0", "1199.50", "99999999999999999999", "0.49999999999999999999", "-9223372036854775808",
	`""`, `"4"`, `" 4 "`, `"x"`, `"x4y"`, `"\u0078\n"`, `"їЇ"`, `"0671234567"`, `"+38 (067) 123-45-67"`, `"067 12"`, "[]", `["4"]`, "{}", `{"x":4}`,
}

// TestQuick maps every pair of values by every expression: as a field of any type, as
// fields of one type, as a condition, and through a name.
func TestQuick(t *testing.T) {
	open, err := schema.Parse([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	types := []string{``, `"string"`, `"integer"`, `"number"`, `"boolean"`, `["integer","null"]`, `["string","integer"]`}
	sink, err := schema.Parse([]byte(`{"type":"object","properties":{"any":{},"text":{"type":"string"},"whole":{"type":"integer"},"number":{"type":"number"},"bool":{"type":"boolean"},"either":{"type":["string","integer"]},"few":{"enum":[4,"x",true]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	maps := 0
	for _, of := range types {
		source := open
		if of != "" {
			if source, err = schema.Parse(fmt.Appendf(nil, `{"type":"object","properties":{"a":{"type":%s},"b":{"type":%s}}}`, of, of)); err != nil {
				t.Fatal(err)
			}
		}
		var programs []*Program
		for _, x := range quickExpressions {
			for _, rest := range []string{
				"fields: {any: '= " + x + "'}", "fields: {text: '= " + x + "'}", "fields: {whole: '= " + x + "'}", "fields: {few: {expr: '= " + x + "', default: {value: 4}}}",
				"let: {n: '= " + x + "'}\nfields: {any: n, either: '= n', bool: {expr: '= n == nil'}, number: {path: n, on_error: omit}}",
				"tables: {t: {4: x, x: 4, 4.0: 7, '': y}}\nfields: {any: {expr: '= " + x + "', table: t}, number: {expr: '= " + x + "', table: t, on_error: omit}, few: {expr: '= " + x + "', table: t, default: {value: 4}}}",
				"when: '= " + x + "'\nfields: {any: {value: 1}, number: {value: 1}}",
			} {
				text := "mapping: m\nfrom: any.event\nto: any.operation\n" + rest + "\n"
				if p, _ := Compile("m.yaml", []byte(text), fixedCatalog{source, sink}); p != nil {
					programs = append(programs, p)
				}
			}
		}
		if len(programs) < len(quickExpressions) {
			t.Fatalf("of the type %s only %d mappings compile", of, len(programs))
		}
		for i, a := range quickValues {
			for j, b := range quickValues {
				if (i+j)%3 != 0 || of != "" && (i+j)%9 != 0 {
					continue
				}
				var fields []string
				if a != "" {
					fields = append(fields, `"a":`+a)
				}
				if b != "" {
					fields = append(fields, `"b":`+b)
				}
				record := "{" + strings.Join(fields, ",") + "}"
				for _, p := range programs {
					sameExplained(t, p, record)
					maps++
				}
				if t.Failed() {
					t.FailNow()
				}
			}
		}
	}
	t.Logf("%d records", maps)
}
