package mapping_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// mutant is a right mapping with one mistake.
type mutant struct {
	kind string
	line int // from 1, where the mistake is
	text string
}

// slips are what happens to a line under somebody's fingers: each gives the line in
// all the ways that the mistake can be made in it.
func slips() map[string]func(line string) []string {
	indented := func(line string) (blanks, rest string) {
		rest = strings.TrimLeft(line, " ")
		return line[:len(line)-len(rest)], rest
	}
	// each replaces every find by its own.
	each := func(find, by string) func(string) []string {
		re := regexp.MustCompile(find)
		return func(line string) (out []string) {
			for _, at := range re.FindAllStringSubmatchIndex(line, -1) {
				out = append(out, line[:at[0]]+string(re.ExpandString(nil, by, line, at))+line[at[1]:])
			}
			return out
		}
	}
	indent := func(change func(blanks string) string) func(string) []string {
		return func(line string) []string {
			blanks, rest := indented(line)
			if changed := change(blanks); changed != "-" {
				return []string{changed + rest}
			}
			return nil
		}
	}
	less := func(n int) func(string) string {
		return func(blanks string) string {
			if len(blanks) < n {
				return "-"
			}
			return blanks[n:]
		}
	}
	return map[string]func(string) []string{
		"indent one more":         indent(func(b string) string { return b + " " }),
		"indent two more":         indent(func(b string) string { return b + "  " }),
		"indent one less":         indent(less(1)),
		"indent two less":         indent(less(2)),
		"tab for indentation":     indent(func(string) string { return "\t" }),
		"tab behind indentation":  indent(func(b string) string { return b + "\t" }),
		"no-break indentation":    indent(func(b string) string { return strings.ReplaceAll(b, " ", "\u00a0") }),
		"colon left out":          each(`^( *(?:- )?(?:\w[\w.]*)):`, "$1"),
		"colon without a blank":   each(`^( *(?:- )?(?:\w[\w.]*): `+`)\b`, "$1"),
		"colon doubled":           each(`^( *\w[\w.]*):`, "$1::"),
		"equals for a colon":      each(`^( *\w[\w.]*):`, "$1 ="),
		"bracket left out":        each(`[][(){}]`, ""),
		"bracket doubled":         each(`([][(){}])`, "$1$1"),
		"quote left out":          each("[\"'`]", ""),
		"comma left out":          each(`,`, ""),
		"comma doubled":           each(`,`, ",,"),
		"typographic quotes":      each(`"([^"]*)"`, "“$1”"),
		"guillemets":              each(`"([^"]*)"`, "«$1»"),
		"single quotes":           each(`"([^"]*)"`, "'$1'"),
		"anchor":                  each(`: ([^ ])`, ": &x $1"),
		"alias":                   each(`: [a-z]\w*`, ": *x"),
		"tag":                     each(`: ([^ ])`, ": !x $1"),
		"letter doubled":          each(`([a-z])([a-z])\b`, "$1$2$2"),
		"letter left out":         each(`([a-z]{3,})[a-z]\b`, "$1"),
		"Cyrillic letter":         each(`\b([a-z]*)a`, "${1}а"),
		"Cyrillic letter o":       each(`o`, "о"),
		"zero-width space":        each(`\b([a-z]{2})([a-z]{2})`, "$1\u200b$2"),
		"no-break space":          each(`([^ ]) `, "$1\u00a0"),
		"single equals":           each(`==`, "="),
		"ampersands":              each(` and `, " && "),
		"capital AND":             each(` and `, " AND "),
		"capital function":        each(`\b([a-z])(\w*)\(`, "${1}_$2("),
		"equals sign left out":    each(`= `, ""),
		"JSONPath":                each(`: ([a-z]\w*[._])`, ": $$.$1"),
		"braces of a template":    each(`: ([a-z][\w.]*)$`, ": {{ $1 }}"),
		"a colon and a blank":     each(`: = (.*)`, ": = $1 + \": \""),
		"a number sign":           each(`: = (.*)`, ": = $1 + \" # \""),
		"a comma in braces":       each(`([a-z]\.\w+)`, "max($1, 1)"),
		"line break in the value": each(`: (.+)`, ":\n$1"),
	}
}

// mutants makes every slip in every line, and doubles each line.
func mutants(text string) []mutant {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var out []mutant
	change := func(kind string, i int, by ...string) {
		out = append(out, mutant{kind, i + 1, strings.Join(slices.Replace(slices.Clone(lines), i, i+1, by...), "\n") + "\n"})
	}
	for i, line := range lines {
		if t := strings.TrimSpace(line); t == "" || strings.HasPrefix(t, "#") {
			continue
		}
		for kind, slip := range slips() {
			for _, by := range slip(line) {
				if by != line {
					change(kind, i, by)
				}
			}
		}
		change("line doubled", i, line, line)
	}
	return out
}

// tally is what became of the mutants of a kind.
type tally struct {
	all, silent, near, one int
	far, many              []string
}

// TestMutants makes one mistake after the other in a right mapping: what is said
// stands at the line of the mistake or beside it, and is said once.
func TestMutants(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "mutations", "mapping.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, found := mapping.Compile("mapping.yaml", text, catalog{}); len(found) > 0 {
		t.Fatalf("the mapping without a mistake: %v", found)
	}
	cat := remembered{known: map[string]*schema.Schema{}, lookups: map[string]mapping.LookupSchema{}}
	kinds := map[string]*tally{}
	for _, m := range mutants(string(text)) {
		of := kinds[m.kind]
		if of == nil {
			of = &tally{}
			kinds[m.kind] = of
		}
		of.all++
		_, found := mapping.Compile("mapping.yaml", []byte(m.text), cat)
		if len(found) == 0 {
			of.silent++
			if os.Getenv("SHOW") == "silent" {
				t.Logf("%s, line %d, silent:\n%s", m.kind, m.line, strings.Split(m.text, "\n")[m.line-1])
			}
			continue
		}
		shown := func() string {
			var b strings.Builder
			fmt.Fprintf(&b, "%s, line %d: %s\n", m.kind, m.line, strings.Split(m.text, "\n")[m.line-1])
			if err := found.WriteText(&b); err != nil {
				t.Error(err)
			}
			return b.String()
		}
		first := found[0]
		if i := slices.IndexFunc(found, func(d diag.Diagnostic) bool { return d.Severity == diag.Error }); i >= 0 {
			first = found[i]
		}
		if max(first.Position.Line-m.line, m.line-first.Position.Line) <= 1 {
			of.near++
		} else {
			of.far = append(of.far, shown())
		}
		if len(found) == 1 {
			of.one++
		} else {
			of.many = append(of.many, shown())
		}
		if os.Getenv("SHOW") == m.kind {
			t.Log(shown())
		}
	}
	var all tally
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		of := kinds[kind]
		t.Logf("%-26s %4d: %4d silent, %4d near, %4d far, %4d once, %4d more", kind, of.all, of.silent, of.near, len(of.far), of.one, len(of.many))
		all.all, all.silent, all.near, all.one = all.all+of.all, all.silent+of.silent, all.near+of.near, all.one+of.one
		all.far, all.many = append(all.far, of.far...), append(all.many, of.many...)
	}
	t.Logf("%-26s %4d: %4d silent, %4d near, %4d far, %4d once, %4d more", "all", all.all, all.silent, all.near, len(all.far), all.one, len(all.many))
	for _, s := range map[string][]string{"far": all.far, "many": all.many}[os.Getenv("SHOW")] {
		t.Log(s)
	}
	// What is far is mostly a name that is misspelt where it is declared, and said where
	// it is used first.
	if found := all.all - all.silent; all.all < 1500 || all.silent*10 > all.all || len(all.far)*50 > found || len(all.many)*200 > found {
		t.Errorf("of %d mistakes %d are silent, %d said elsewhere, %d said more than once", all.all, all.silent, len(all.far), len(all.many))
		for _, s := range append(all.far, all.many...) {
			t.Log(s)
		}
	}
}

// remembered is the catalog without reading the schemas again.
type remembered struct {
	catalog
	known   map[string]*schema.Schema
	lookups map[string]mapping.LookupSchema
}

func (r remembered) Lookup(connection, lookup string) (mapping.LookupSchema, error) {
	if s, ok := r.lookups[connection+"."+lookup]; ok {
		return s, nil
	}
	s, err := r.catalog.Lookup(connection, lookup)
	if err == nil {
		r.lookups[connection+"."+lookup] = s
	}
	return s, err
}

func (r remembered) Event(connection, event string) (*schema.Schema, error) {
	return r.find("event", connection, event)
}

func (r remembered) Operation(connection, operation string) (*schema.Schema, error) {
	return r.find("operation", connection, operation)
}

func (r remembered) find(what, connection, name string) (*schema.Schema, error) {
	if s := r.known[connection+"."+name]; s != nil {
		return s, nil
	}
	s, err := find(what, connection, name)
	if err == nil {
		r.known[connection+"."+name] = s
	}
	return s, err
}

// TestEncodings gives the same mistake in files of other line ends and encodings.
func TestEncodings(t *testing.T) {
	const text = "mapping: m\nfrom: shop.order_created\nto: any.operation\nfields:\n  a: |-\n    = delivery_name +\n    delivery_cty\n"
	utf16 := "\xff\xfe"
	for _, r := range text {
		utf16 += string([]byte{byte(r), 0})
	}
	for name, c := range map[string]struct{ text, want string }{
		"LF":                 {text, "mapping.yaml:7:5: error CW121: the source has no field `delivery_cty`"},
		"CRLF":               {strings.ReplaceAll(text, "\n", "\r\n"), "mapping.yaml:7:5: error CW121: the source has no field `delivery_cty`"},
		"byte order mark":    {"\ufeff" + text, "mapping.yaml:7:5: error CW121: the source has no field `delivery_cty`"},
		"mark and a slip":    {"\ufeff" + strings.Replace(text, "mapping", "maping", 1), "mapping.yaml:1:1: error CW104: `maping` is no key of a mapping"},
		"CRLF, colon":        {"mapping: m\r\nfrom: shop.order_created\r\nto: any.operation\r\nfields:\r\n  b: order_id\r\n  a order_id\r\n", "mapping.yaml:6:3: error CW101: a colon is missing in this line"},
		"UTF-16":             {utf16, "mapping.yaml:1:1: error CW100: this file is UTF-16"},
		"UTF-16 without BOM": {utf16[2:], "mapping.yaml:1:2: error CW101: a control character stands here"},
		"Windows-1251":       {"mapping: m\ndescription: \xc7\xe0\xec\xee\xe2\n", "mapping.yaml:2:14: error CW100: this is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, found := mapping.Compile("mapping.yaml", []byte(c.text), catalog{})
			if len(found) == 0 || found[0].Error() != c.want {
				t.Errorf("%v\nwant %s", found, c.want)
			}
		})
	}
}
