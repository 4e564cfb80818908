package cli_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const shippedConfig = "../../examples/demo/crosswalk.yaml"

// rulesOf are the rules of a mapping file: for each sink field, with # for the
// elements of an array, the source paths that it reads, and whether one rule for it
// is a plain path.
type rulesOf struct {
	reads map[string]map[string]bool
	plain map[string]bool
	lets  map[string]string
	// decides are what the conditions of choose read.
	decides map[string]bool
}

func readRules(t *testing.T, text string) *rulesOf {
	t.Helper()
	var doc struct {
		Let     map[string]string
		Lookups map[string]yaml.Node
		Fields  yaml.Node
		Choose  []struct {
			When   string
			Fields yaml.Node
		}
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	r := &rulesOf{reads: map[string]map[string]bool{}, plain: map[string]bool{}, lets: doc.Let, decides: map[string]bool{}}
	if r.lets == nil {
		r.lets = map[string]string{}
	}
	for name, l := range doc.Lookups { // a lookup reads what its arguments do
		var in struct{ Args map[string]string }
		if err := l.Decode(&in); err != nil {
			t.Fatal(err)
		}
		r.lets[name] = "= " + strings.Join(slices.Sorted(maps.Values(in.Args)), " ")
	}
	r.fields(t, &doc.Fields, "", "", "")
	for _, c := range doc.Choose {
		r.fields(t, &c.Fields, "", "", "")
		maps.Copy(r.decides, r.paths(c.When, "", ""))
	}
	return r
}

func (r *rulesOf) fields(t *testing.T, n *yaml.Node, prefix, as, each string) {
	t.Helper()
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i < len(n.Content); i += 2 {
		name, v := prefix+n.Content[i].Value, n.Content[i+1]
		if r.reads[name] == nil {
			r.reads[name] = map[string]bool{}
		}
		var long struct {
			Path, Expr, Each, As string
			Fields               yaml.Node
		}
		text := v.Value
		if v.Kind == yaml.MappingNode {
			if err := v.Decode(&long); err != nil {
				t.Fatal(err)
			}
			text = long.Path
			if long.Expr != "" {
				text = "= " + long.Expr
			}
			if long.Each != "" {
				text = long.Each
			}
		}
		if v.Kind == yaml.ScalarNode && v.Tag == "!!int" || text == "" {
			continue // a constant
		}
		_, named := r.lets[strings.Split(text, ".")[0]]
		if !strings.HasPrefix(text, "=") && !named {
			r.plain[name] = true
		}
		maps.Copy(r.reads[name], r.paths(text, as, each))
		if long.Each != "" {
			if long.As == "" {
				long.As = "item"
			}
			r.fields(t, &long.Fields, name+".#.", long.As, long.Each)
		}
	}
}

var (
	texts  = regexp.MustCompile("\"[^\"]*\"|`[^`]*`")
	gets   = regexp.MustCompile(`get\("([^"]*)"\)`)
	steps  = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+|\[\d+\])*\(?`)
	spoken = map[string]bool{"if": true, "else": true, "nil": true, "in": true, "and": true, "or": true, "not": true, "contains": true}
)

// paths are the source paths in a value.
func (r *rulesOf) paths(value, as, each string) map[string]bool {
	out := map[string]bool{}
	if value == "" {
		return out
	}
	value = gets.ReplaceAllString(value, " $1 ")
	for _, word := range steps.FindAllString(texts.ReplaceAllString(value, " "), -1) {
		path := strings.NewReplacer("[", ".", "]", "").Replace(word)
		first, rest, _ := strings.Cut(path, ".")
		let, isLet := r.lets[first]
		switch {
		case strings.HasSuffix(word, "(") || spoken[path]:
		case isLet:
			maps.Copy(out, r.paths(let, "", ""))
		case as != "" && first == as:
			out[each+".#."+rest] = true
		default:
			out[path] = true
		}
	}
	return out
}

// agrees tells whether a suggestion reads nothing but what the mapping that a
// person wrote reads for that field.
func (r *rulesOf) agrees(field string, suggested map[string]bool) bool {
	for path := range suggested {
		decided := len(r.reads[field]) == 0 && r.decides[path]
		if !r.reads[field][path] && !decided {
			return false
		}
	}
	return len(suggested) > 0
}

// score is how a draft does against a mapping that a person wrote.
type score struct{ plain, found, agreed, wrong int }

func (s *score) add(o score) {
	s.plain, s.found, s.agreed, s.wrong = s.plain+o.plain, s.found+o.found, s.agreed+o.agreed, s.wrong+o.wrong
}

// bodiesEach is with how many of its samples a mapping is drafted.
const bodiesEach = 4

// TestInitAgreesWithShipped drafts the mappings that are shipped again, of samples
// of theirs and of no body, and counts what it finds of them.
func TestInitAgreesWithShipped(t *testing.T) {
	events := map[string][]string{
		"horoshop-order":   {"shop.order_created"},
		"salesdrive-order": {"salesdrive.new_order", "salesdrive.status_change"},
		"retailcrm-order":  {"crm.new_order", "crm.changed_order"},
	}
	var all, blind score
	for _, name := range slices.Sorted(maps.Keys(events)) {
		gold := readRules(t, readFile(t, "../../mappings/"+name+"/mapping.yaml"))
		compare := func(source, body string) score {
			args := []string{"init", "--config", shippedConfig, "--plugins", plugins, "--from", source, "--to", "saleapp.upsert_order", "--out", "-"}
			if body == "" {
				args = append(args, "--no-body")
			} else {
				args = append(args, "--input", body)
			}
			code, out := try(t, ".", args...)
			if code == "1" && strings.Contains(out.stderr, "and not "+source) {
				return score{} // the sample is of another event
			}
			if code != "0" {
				t.Fatalf("crosswalk %v: exit code %s\n%s", args, code, out.stderr)
			}
			return compareRules(t, gold, readRules(t, out.stdout), source+" "+filepath.Base(body))
		}
		blind.add(compare(events[name][0], ""))
		var one score
		taken := 0
		bodies, err := filepath.Glob("../../mappings/" + name + "/samples/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range bodies {
			if strings.Contains(body, ".want.") || strings.Contains(body, ".lookups.") {
				continue
			}
			for _, source := range events[name] {
				if taken < bodiesEach {
					result := compare(source, body)
					one.add(result)
					taken += min(1, result.plain)
				}
			}
		}
		t.Logf("%s: %d of %d plain rules found, %d rules agree, %d suggestions do not", name, one.found, one.plain, one.agreed, one.wrong)
		all.add(one)
	}
	t.Logf("with a body: %d of %d plain rules found (%d %%), %d rules agree, %d suggestions do not", all.found, all.plain, 100*all.found/all.plain, all.agreed, all.wrong)
	t.Logf("without:     %d of %d plain rules found (%d %%), %d rules agree, %d suggestions do not", blind.found, blind.plain, 100*blind.found/blind.plain, blind.agreed, blind.wrong)
	for _, s := range []score{all, blind} {
		if s.plain == 0 || 100*s.found < 95*s.plain {
			t.Errorf("%d of %d plain rules are found; it was 95 %% at least", s.found, s.plain)
		}
		if 100*s.wrong > 3*(s.agreed+s.wrong) {
			t.Errorf("%d of %d suggestions do not agree with what a person wrote; it was 3 %% at most", s.wrong, s.agreed+s.wrong)
		}
	}
}

func compareRules(t *testing.T, gold, draft *rulesOf, what string) score {
	var s score
	for _, field := range slices.Sorted(maps.Keys(gold.plain)) {
		s.plain++
		if gold.agrees(field, draft.reads[field]) {
			s.found++
		} else if len(draft.reads[field]) == 0 {
			t.Logf("%s: %s: %v is not found", what, field, slices.Sorted(maps.Keys(gold.reads[field])))
		}
	}
	for _, field := range slices.Sorted(maps.Keys(draft.reads)) {
		suggested := draft.reads[field]
		if len(suggested) == 0 {
			continue
		}
		if gold.agrees(field, suggested) {
			s.agreed++
			continue
		}
		s.wrong++
		t.Logf("%s: %s: %v is suggested, and a person wrote %v", what, field, slices.Sorted(maps.Keys(suggested)), slices.Sorted(maps.Keys(gold.reads[field])))
	}
	return s
}
