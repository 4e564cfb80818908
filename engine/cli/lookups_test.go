package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// openLookups is a catalog whose connections hold and answer whatever is asked for.
type openLookups struct{}

func (openLookups) Event(string, string) (*schema.Schema, error) { return schema.Parse([]byte(`{}`)) }

func (openLookups) Operation(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{}`))
}

func (openLookups) Lookup(string, string) (mapping.LookupSchema, error) {
	return mapping.LookupSchema{}, nil
}

// TestKnownAnswers maps with the answers of a file: right ones, missing ones, and
// files that are wrong.
func TestKnownAnswers(t *testing.T) {
	prog, found := mapping.Compile("m.yaml", []byte(`mapping: m
from: shop.order
to: any.operation
lookups:
  city: {from: np.city, args: {name: town, area: region}}
  branch: {from: np.branch, args: {city: city.ref, number: number}}
fields:
  city: city.ref
  branch: {path: branch.ref, default: {value: none}}
`), openLookups{})
	if prog == nil {
		t.Fatal(found.Err())
	}
	const city = `{"lookup":"np.city", "args": {"name": "\u041a\u0438\u0457\u0432 <1>", "area": "К"}, "answer": {"ref": "k"}}`
	const branch = `{"lookup":"np.branch", "args": {"number": 2, "city": "k"}, "answer": null}`
	for _, c := range []struct{ name, file, want string }{
		{"all there", `[` + city + `, ` + branch + `]`, `{"city":"k","branch":"none"}`},
		{"one missing", `[` + city + `]`, "does not answer what the mapping asks; add\n  {\"lookup\": \"np.branch\", \"args\": {\"city\":\"k\",\"number\":2}, \"answer\": null}"},
		{"ambiguous", `[{"lookup":"np.city","args":{"area":"К","name":"Київ <1>"},"answer":{"$ambiguous":[{"name":"A"},{"name":"B"}]}}]`, "CW314"},
		{"no array", `{}`, "want a JSON array"},
		{"no name", `[{"args":{},"answer":null}]`, `entry 1 must have "lookup"`},
		{"no connection", `[{"lookup":"city","args":{},"answer":null}]`, `entry 1 must have "lookup"`},
		{"no answer", `[{"lookup":"np.city","args":{}}]`, `entry 1 must have "lookup"`},
		{"a strange key", `[{"lookup":"np.city","args":{},"answr":null}]`, `entry 1 has the key "answr"`},
		{"a strange answer", `[{"lookup":"np.city","args":{},"answer":[1]}]`, "the answer of entry 1 is neither"},
		{"twice", `[` + branch + `, {"lookup":"np.branch","args":{"city":"k","number":2},"answer":{}}]`, "entry 2 asks what an entry before it asks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "case.lookups.json")
			if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got := ""
			known, err := readAnswers(file)
			if err == nil {
				ev := &mapping.Event{Record: []byte(`{"town":"Київ <1>","region":"К","number":2}`)}
				var answers mapping.Answers
				if answers, err = known.of(prog, ev); err == nil {
					var res mapping.Result
					res, err = prog.MapWith(ev, answers, nil)
					got = string(res.Record)
				}
			}
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	none := &knownAnswers{}
	if _, err := none.of(prog, &mapping.Event{Record: []byte(`{"town":"x","region":"К"}`)}); err == nil || !strings.Contains(err.Error(), "give --lookups FILE") {
		t.Errorf("without a file: %v", err)
	}
}
