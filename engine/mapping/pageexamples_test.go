package mapping_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestPageExamples runs the examples of mappings/README.md: a piece of a mapping makes
// of the event under it the record under that, apart from the fields that the
// operation requires and the piece does not say. UPDATE=1 rewrites the records.
func TestPageExamples(t *testing.T) {
	page, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	example := regexp.MustCompile("(?s)\n```yaml example\n(.*?)```\n```json event\n(.*?)```\n(?:```json answers\n(.*?)```\n)?```json record\n(.*?)```")
	var out strings.Builder
	last := 0
	all := example.FindAllStringSubmatchIndex(text, -1)
	for _, m := range all {
		piece, event, want := text[m[2]:m[3]], text[m[4]:m[5]], text[m[8]:m[9]]
		answers := ""
		if m[6] >= 0 {
			answers = text[m[6]:m[7]]
		}
		heading := text[strings.LastIndex(text[:m[0]], "\n#")+1 : m[0]]
		heading, _, _ = strings.Cut(strings.TrimLeft(heading, "# "), "\n")
		t.Run(heading, func(t *testing.T) {
			whole, _ := complete(piece)
			p := compile(t, whole)
			ev := &mapping.Event{ID: "e-1", Connection: "shop", Type: "order_created", Key: "115", Record: []byte(strings.TrimSpace(event))}
			r, err := p.MapWith(ev, pageAnswers(t, answers), nil)
			if len(r.Questions) > 0 {
				t.Fatalf("no answer to %v", r.Questions)
			}
			got := ""
			if e, ok := errors.AsType[*mapping.Error](err); ok {
				t.Fatal(e)
			} else if err != nil {
				t.Fatal(err)
			} else if r.Skipped {
				got = "skipped\n"
			} else {
				got = ownFields(t, piece, r.Record) + "\n"
			}
			if os.Getenv("UPDATE") == "" {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-page +made:\n%s", diff)
				}
			}
			out.WriteString(text[last:m[8]] + got)
			last = m[9]
		})
	}
	if len(all) < 18 {
		t.Errorf("only %d examples on the page", len(all))
	}
	if open := strings.Count(text, "\n```yaml example\n"); open != len(all) {
		t.Errorf("%d examples, and %d are followed by an event and a record", open, len(all))
	}
	out.WriteString(text[last:])
	if os.Getenv("UPDATE") != "" && !t.Failed() {
		if err := os.WriteFile(rulesPage, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// ownFields is a record with only the fields that a piece of a mapping names, in the
// record's order.
func ownFields(t *testing.T, piece string, record []byte) string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(record))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var parts []string
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		key, isText := name.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil || !isText {
			t.Fatal(name, err)
		}
		if regexp.MustCompile(`(?m)(?:^ *|fields: \{)` + regexp.QuoteMeta(strings.ReplaceAll(key, ".", `\.`)) + `(?:\.[^: ]*)?:`).MatchString(piece) {
			parts = append(parts, `"`+key+`": `+string(value))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
