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
		{"one missing", `[` + city + `]`, "does not answer what the mapping asks; add to its array\n  {\"lookup\": \"np.branch\", \"args\": {\"city\":\"k\",\"number\":2}, \"answer\": null}\nwith the lookup's answer, or null"},
		{"other args", `[` + city + `, {"lookup":"np.branch","args":{"city":"k","number":"2"},"answer":{"ref":"b"}}]`, `case.lookups.json:1 answers np.branch {"city":"k","number":"2"}, which is not asked`},
		{"ambiguous", `[{"lookup":"np.city","args":{"area":"К","name":"Київ <1>"},"answer":{"$ambiguous":[{"name":"A"},{"name":"B"}]}}]`, "there are A; B"},
		{"refused", `[{"lookup":"np.city","args":{"area":"К","name":"Київ <1>"},"answer":{"$refused":"the name is too short"}}]`, `refuses {"area":"К","name":"Київ <1>"}: the name is too short`},
		{"empty", ``, "json:1:1: this is not JSON: there is no value, only the end of the file; want a JSON array of {"},
		{"no array", `{}`, "json:1: want a JSON array of {"},
		{"no entries", "[\n{},\n2]", `json:2: an entry must have "lookup"`},
		{"no object", "[" + city + ",\n2]", `json:2: want a JSON array of {`},
		{"broken off", "[" + city + ",\n{\"lookup\":", `json:2:11: this is not JSON: the file ends where a value should begin; want a JSON array of {"lookup": "connection.lookup", "args": {…}, "answer": {…}}`},
		{"a byte order mark", "\ufeff[" + city + `, ` + branch + `]`, `{"city":"k","branch":"none"}`},
		{"UTF-16", "\xff\xfe[\x00]\x00", "json:1:1: this is not JSON: the file is UTF-16, not UTF-8; want"},
		{"more after it", "[]\n[]", "json:2:1: this is not JSON: unexpected '[' behind the end of the document; want a JSON array of {"},
		{"no name", `[{"args":{},"answer":null}]`, `json:1: an entry must have "lookup"`},
		{"no connection", `[{"lookup":"city","args":{},"answer":null}]`, `json:1: an entry must have "lookup"`},
		{"no answer", "[\n\n{\"lookup\":\"np.city\",\"args\":{}}]", `json:3: an entry must have "lookup"`},
		{"a strange key", `[{"lookup":"np.city","args":{},"answr":null}]`, `json:1: an entry has no key "answr"`},
		{"a strange answer", `[{"lookup":"np.city","args":{},"answer":[1]}]`, "json:1: the answer is neither"},
		{"strange candidates", `[{"lookup":"np.city","args":{},"answer":{"$ambiguous":["A"]}}]`, "json:1: the answer is neither"},
		{"no candidates", `[{"lookup":"np.city","args":{},"answer":{"$ambiguous":[]}}]`, "json:1: the answer is neither"},
		{"a refusal without a reason", `[{"lookup":"np.city","args":{},"answer":{"$refused":""}}]`, "json:1: the answer is neither"},
		{"a refusal with more", `[{"lookup":"np.city","args":{},"answer":{"$refused":"no","ref":"k"}}]`, "json:1: the answer is neither"},
		{"twice", "[\n" + branch + ",\n" + `{"lookup":"np.branch","args":{"city":"k","number":2},"answer":{}}]`, "json:3: the entry in line 2 answers the same question"},
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
				if answers, err = known.of(t.Context(), prog, ev); err == nil {
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
	if _, err := none.of(t.Context(), prog, &mapping.Event{Record: []byte(`{"town":"x","region":"К"}`)}); err == nil || !strings.Contains(err.Error(), "give --lookups FILE") {
		t.Errorf("without a file: %v", err)
	}
}
