package mapping_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

const rulesPage = "../../mappings/README.md"

// noExample are the rules whose examples are run elsewhere: CW155 and CW320 beside the
// command that finds them, CW300 beside what it is a fault of.
var noExample = map[string]bool{"CW155": true, "CW300": true, "CW320": true}

// TestRulesPage runs the examples of mappings/README.md: each wrong one gives
// what the page shows, in full and nothing else, and each right one nothing.
// UPDATE=1 rewrites what the page shows.
func TestRulesPage(t *testing.T) {
	page, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	sections := regexp.MustCompile(`(?m)^#+ (CW\d{3}) .*$`).FindAllStringSubmatchIndex(text, -1)
	if len(sections) < 40 {
		t.Fatalf("only %d rules on the page", len(sections))
	}
	var out strings.Builder
	last := 0
	for i, at := range sections {
		end := len(text)
		if i+1 < len(sections) {
			end = sections[i+1][0]
		} else if next := strings.Index(text[at[1]:], "\n## "); next >= 0 {
			end = at[1] + next
		}
		id, body := text[at[2]:at[3]], text[at[1]:end]
		out.WriteString(text[last:at[1]])
		last = end
		t.Run(id, func(t *testing.T) {
			body = checkSection(t, id, body)
		})
		out.WriteString(body)
	}
	out.WriteString(text[last:])
	if os.Getenv("UPDATE") != "" && out.String() != text {
		if err := os.WriteFile(rulesPage, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// checkSection runs the examples of one rule, and returns the section with what
// they give.
func checkSection(t *testing.T, id, body string) string {
	t.Helper()
	wrong, right := blocks(body, "yaml wrong"), blocks(body, "yaml right")
	for _, text := range blocks(body, "yaml wrong windows-1251") {
		wrong = append(wrong, windows1251(text))
	}
	shown, event := blocks(body, "text"), blocks(body, "json event")
	if noExample[id] {
		if len(wrong) > 0 {
			t.Error("there is an example now; take the rule out of noExample")
		}
		return body
	}
	if len(wrong) == 0 || len(wrong) != len(right) || len(wrong) != len(shown) || id >= "CW300" && len(event) != len(wrong) {
		t.Fatalf("%d wrong and %d right examples, %d messages, %d events", len(wrong), len(right), len(shown), len(event))
	}
	answers := pageAnswers(t, strings.Join(blocks(body, "json answers"), ""))
	for i := range wrong {
		record := ""
		if len(event) > 0 {
			record = event[i]
		}
		files := func(kind string) string { return strings.Join(blocks(body, "csv "+kind), "") }
		got, ids := try(t, wrong[i], files("wrong"), record, answers)
		if len(ids) == 0 || slices.ContainsFunc(ids, func(other string) bool { return other != id }) {
			t.Errorf("it gives %v:\n%s", ids, got)
		}
		if os.Getenv("UPDATE") != "" {
			body = strings.Replace(body, "```text\n"+shown[i]+"```", "```text\n"+got+"```", 1)
		} else if diff := cmp.Diff(shown[i], got); diff != "" {
			t.Errorf("-page +made:\n%s", diff)
		}
		if got, _ := try(t, right[i], files("right"), record, answers); got != "" {
			t.Errorf("the right form gives\n%s", got)
		}
	}
	return body
}

// windows1251 encodes a text as old editors do.
func windows1251(text string) string {
	var out []byte
	for _, r := range text {
		switch {
		case r < 0x80:
			out = append(out, byte(r))
		case r >= 'А' && r <= 'я':
			out = append(out, byte(r-'А')+0xc0)
		case r == 'ї':
			out = append(out, 0xbf)
		default:
			out = append(out, '?')
		}
	}
	return string(out)
}

// blocks returns the fenced blocks of a kind.
func blocks(text, kind string) []string {
	var out []string
	for {
		_, after, found := strings.Cut(text, "\n```"+kind+"\n")
		if !found {
			return out
		}
		block, rest, _ := strings.Cut(after, "```")
		out = append(out, block)
		text = rest
	}
}

// try compiles an example, beside which lies tables/codes.csv if it has some text,
// and maps the record if there is one. It returns what was found as the page shows
// it, and the rules of it.
func try(t *testing.T, example, codes, record string, answers mapping.Answers) (shown string, ids []string) {
	t.Helper()
	whole, indent := complete(example)
	tables := readTable(func(path string) (mapping.TableFile, error) {
		if path != "tables/codes.csv" || codes == "" {
			return mapping.TableFile{}, fs.ErrNotExist
		}
		return mapping.TableFile{Name: path, Text: []byte(codes)}, nil
	})
	p, found := mapping.CompileWith("mapping.yaml", []byte(whole), catalog{}, mapping.Options{Tables: tables})
	if p != nil && record != "" {
		if len(found) > 0 {
			t.Errorf("before any event there is %v", found)
		}
		ev := &mapping.Event{Record: []byte(strings.TrimSpace(record))}
		r, err := p.MapWith(ev, answers, nil)
		if len(r.Questions) > 0 {
			_, err = p.Map(ev, nil)
		}
		if e, ok := errors.AsType[*mapping.Error](err); ok {
			found = append(found, e.List()...)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	var full strings.Builder
	if err := found.WriteText(&full); err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		ids = append(ids, d.Rule)
		if d.Position.Line == 0 || d.Position.Column == 0 {
			t.Errorf("no place: %v", d)
		}
	}
	head := regexp.MustCompile(`^[a-z/]+\.\w+:\d+:\d+: `)
	number := regexp.MustCompile(`^  [\d ]*\| `)
	var out strings.Builder
	for line := range strings.Lines(full.String()) {
		line = head.ReplaceAllString(line, "")
		if m := number.FindString(line); m != "" {
			line = "  " + strings.TrimPrefix(line[len(m):], strings.Repeat(" ", indent))
		}
		out.WriteString(line)
	}
	return out.String(), ids
}

// pageAnswers reads a page's answers to lookups.
func pageAnswers(t *testing.T, text string) mapping.Answers {
	t.Helper()
	out := mapping.Answers{}
	if text == "" {
		return out
	}
	var entries []struct {
		Lookup       string
		Args, Answer json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		var refusal struct {
			Ambiguous []json.RawMessage `json:"$ambiguous"`
			Refused   string            `json:"$refused"`
		}
		answer := mapping.Answer{Found: e.Answer}
		if string(e.Answer) == "null" { // nothing is found
			answer.Found = nil
		}
		if json.Unmarshal(e.Answer, &refusal) == nil && (refusal.Ambiguous != nil || refusal.Refused != "") {
			answer = mapping.Answer{Refusal: &mapping.Refusal{Ambiguous: refusal.Ambiguous != nil, Message: refusal.Refused}}
			for _, c := range refusal.Ambiguous {
				answer.Refusal.Candidates = append(answer.Refusal.Candidates, c)
			}
		}
		connection, name, _ := strings.Cut(e.Lookup, ".")
		out[mapping.QuestionKey(connection, name, e.Args)] = answer
	}
	return out
}

// complete makes a mapping of an example: what it does not say itself is added,
// the fields that the operation requires too. It returns by how many blanks the
// example's lines stand further in.
func complete(example string) (whole string, indent int) {
	key := func(name string) bool {
		return regexp.MustCompile(`(?m)^` + name + `:`).MatchString(example)
	}
	if key("mapping") {
		return example, 0
	}
	if !slices.ContainsFunc([]string{"from", "to", "when", "let", "lookups", "tables", "fields", "choose", "accept"}, key) {
		var in strings.Builder
		for line := range strings.Lines(example) {
			in.WriteString("  " + line)
		}
		example, indent = "fields:\n"+in.String(), 2
	}
	var b strings.Builder
	for _, head := range [][2]string{{"mapping", "example"}, {"from", "shop.order_created"}, {"to", "saleapp.upsert_order"}} {
		if !key(head[0]) {
			fmt.Fprintf(&b, "%s: %s\n", head[0], head[1])
		}
	}
	b.WriteString(example)
	if key("to") && !strings.Contains(example, "to: saleapp.upsert_order") {
		if !key("fields") {
			b.WriteString("fields: {a: order_id}\n")
		}
		return b.String(), indent
	}
	if !key("fields") {
		b.WriteString("fields:\n")
	}
	for _, required := range [][2]string{
		{"external_id", `{value: "115"}`},
		{"receiver_name", "{value: Олена}"},
		{"receiver_phone", `{value: "380671234567"}`},
		{"delivery_types", "1"},
		{"products", "{value: []}"},
	} {
		if !regexp.MustCompile(`(?m)[ {]` + required[0] + `:`).MatchString(example) {
			fmt.Fprintf(&b, "  %s: %s\n", required[0], required[1])
		}
	}
	return b.String(), indent
}
