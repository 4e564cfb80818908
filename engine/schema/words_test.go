package schema

import (
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// TestWords checks what every kind of violation says.
func TestWords(t *testing.T) {
	for _, c := range []struct{ schema, record, want string }{
		{`{"type": "integer"}`, `"x"`, "the record must be a whole number, and is text"},
		{`{"type": ["string", "null"]}`, `1`, "the record must be null or text, and is a number"},
		{`{"properties": {"a": {"type": "boolean"}}}`, `{"a": []}`, "`a` must be true or false, and is an array"},
		{`{"enum": [1, "b"]}`, `"c"`, `the record must be one of 1, "b", and is "c"`},
		{`{"enum": [1]}`, `2`, `the record must be 1, and is 2`},
		{`{"const": {"a": 1}}`, `{"b": 1}`, `the record must be {"a":1}, and is {"b":1}`},
		{`{"not": {"type": "string"}}`, `"x"`, "the record is what its schema forbids (`not`)"},
		{`{"properties": {"a": false}}`, `{"a": 1}`, "`a` may not be there"},
		{`{"required": ["a", "b", "c"]}`, `{}`, "the record needs `a`, `b` and `c`"},
		{`{"dependentRequired": {"a": ["b"]}}`, `{"a": 1}`, "the record needs `b` where `a` is there"},
		{`{"$schema": "http://json-schema.org/draft-07/schema", "dependencies": {"a": ["b", "c"]}}`, `{"a": 1}`, "the record needs `b` and `c` where `a` is there"},
		{`{"additionalProperties": false}`, `{"b": 1, "a": 1}`, "the record has no fields `a` and `b`"},
		{`{"additionalProperties": false}`, `{"b": 1}`, "the record has no field `b`"},
		{`{"propertyNames": {"maxLength": 2}}`, `{"abc": 1}`, "the record has no field of a name like `abc`"},
		{`{"minProperties": 1}`, `{}`, "the record needs at least 1 field, and has 0"},
		{`{"maxProperties": 2}`, `{"a": 1, "b": 1, "c": 1}`, "the record takes at most 2 fields, and has 3"},
		{`{"minItems": 1}`, `[]`, "the record needs at least 1 element, and has 0"},
		{`{"maxItems": 2}`, `[1, 2, 3]`, "the record takes at most 2 elements, and has 3"},
		{`{"$schema": "http://json-schema.org/draft-07/schema", "items": [{}], "additionalItems": false}`, `[1, 2]`, "the record has 1 element too many"},
		{`{"uniqueItems": true}`, `[1, 2, 1]`, "the record may not hold the same element twice, as elements 0 and 2 are"},
		{`{"contains": {"const": 1}}`, `[2]`, "the record has no element of the kind that it needs (`contains`)"},
		{`{"contains": {"const": 1}, "minContains": 2}`, `[1]`, "the record needs at least 2 elements of a kind (`contains`), and has 1"},
		{`{"contains": {"const": 1}, "maxContains": 1}`, `[1, 1]`, "the record takes at most 1 element of a kind (`contains`), and has 2"},
		{`{"minLength": 2}`, `"ї"`, "the record needs at least 2 characters, and has 1"},
		{`{"maxLength": 1}`, `"їх"`, "the record takes at most 1 character, and has 2"},
		{`{"pattern": "^[0-9]+$"}`, `"x"`, "the record must match `^[0-9]+$`, and is \"x\""},
		{`{"minimum": 0.5}`, `0.25`, "the record must be at least 0.5, and is 0.25"},
		{`{"maximum": 12345678901234567890}`, `12345678901234567891`, "the record must be at most 12345678901234567890, and is 12345678901234567891"},
		{`{"exclusiveMinimum": 0}`, `0`, "the record must be more than 0, and is 0"},
		{`{"exclusiveMaximum": 1}`, `1e2`, "the record must be less than 1, and is 100"},
		{`{"multipleOf": 0.01}`, `0.005`, "the record must be a multiple of 0.01, and is 0.005"},

		// Forms: what they differ in, and not all of it as if all were needed.
		{`{"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]}`, `{}`, "the record needs one of `a`, `b` and `c`"},
		{`{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{}`, "the record needs one of `a`, `b`"},
		{`{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{"a": 1, "b": 1}`, "the record may have only one of the forms that its schema allows (`oneOf`), and has the 1st and the 2nd"},
		{`{"oneOf": [{"const": 1, "title": "one"}, {"const": 2}]}`, `3`, "the record must be one of 1, 2, and is 3"},
		{`{"anyOf": [{"const": 1}, {"enum": [2, 3]}]}`, `"x"`, `the record must be one of 1, 2, 3, and is "x"`},
		{`{"anyOf": [{"type": "string"}, {"type": ["integer", "null"]}]}`, `true`, "the record must be text or null or a whole number, and is true or false"},
		{`{"anyOf": [{"type": "string", "maxLength": 2}, {"type": "array", "items": {"type": "string"}}]}`, `[1]`, "the record fits none of the forms that its schema allows: it must be text, and is an array; or it `0` must be text, and is a number"},
		{`{"anyOf": [{"required": ["a"]}, {"allOf": [{"$ref": "#/$defs/b"}]}], "$defs": {"b": {"required": ["b"]}}}`, `{}`, "the record needs one of `a`, `b`"},
		{`{"if": {"required": ["a"]}, "then": {"required": ["b"]}}`, `{"a": 1}`, "the record needs `b`"},

		// Several at once, each at its place.
		{`{"required": ["a"], "properties": {"l": {"items": {"required": ["b"]}}}}`, `{"l": [{"b": 1}, {}]}`, "the record needs `a`\n`l.1` needs `b`"},
		{`{"type": "object"}`, `{`, "the record is no JSON"},
		{`{"type": "object"}`, `{} {}`, "the record is more than one JSON value"},
		{`{"enum": [1,2,3,4,5,6,7,8,9,10,11,12,13]}`, `"` + strings.Repeat("ї", 80) + `"`, `the record must be one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …, and is "` + strings.Repeat("ї", 59) + "…"},
	} {
		t.Run(c.schema+" "+c.record, func(t *testing.T) {
			s, err := Parse([]byte(c.schema))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range s.Validate([]byte(c.record)) {
				got = append(got, v.String())
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWordsOfKinds checks that no kind of error is said in the library's words, those
// of other drafts and of keywords that are not asserted included.
func TestWordsOfKinds(t *testing.T) {
	half := big.NewRat(1, 3)
	for _, c := range []struct {
		kind jsonschema.ErrorKind
		want string
	}{
		{&kind.InvalidJsonValue{}, "is no JSON value"},
		{&kind.RefCycle{}, "cannot be checked: its schema refers to itself without an end"},
		{&kind.Schema{}, "does not fit its schema"},
		{&kind.Group{}, "does not fit its schema"},
		{&kind.Reference{}, "does not fit its schema"},
		{&kind.AllOf{}, "does not fit its schema"},
		{&kind.AnyOf{}, "fits none of the forms that its schema allows"},
		{&kind.OneOf{}, "fits none of the forms that its schema allows"},
		{&kind.Format{Got: "x", Want: "email"}, `must be an e-mail address, and is "x"`},
		{&kind.Format{Got: "x", Want: "date-time"}, `must be a date and time like 2024-01-02T03:04:05Z, and is "x"`},
		{&kind.Format{Got: "x", Want: "date"}, `must be a date like 2024-01-02, and is "x"`},
		{&kind.Format{Got: "x", Want: "time"}, `must be a time like 03:04:05Z, and is "x"`},
		{&kind.Format{Got: "x", Want: "uri"}, `must be a full URL, and is "x"`},
		{&kind.Format{Got: "x", Want: "hostname"}, `must be a host's name, and is "x"`},
		{&kind.Format{Got: "x", Want: "ipv6"}, `must be an address of IPv6, and is "x"`},
		{&kind.Format{Got: "x", Want: "uuid"}, `must be a UUID, and is "x"`},
		{&kind.Format{Got: "x", Want: "duration"}, `must be of the format duration, and is "x"`},
		{&kind.ContentEncoding{Want: "base64"}, "must be encoded as base64"},
		{&kind.ContentMediaType{Want: "application/json"}, "must hold application/json"},
		{&kind.ContentSchema{}, "holds what does not fit the schema of its content"},
		{&kind.Minimum{Got: half, Want: half}, "must be at least 0.333333, and is 0.333333"},
	} {
		if diff := cmp.Diff(c.want, words(&jsonschema.ValidationError{ErrorKind: c.kind})); diff != "" {
			t.Errorf("%T:\n%s", c.kind, diff)
		}
	}
}

func TestOrdinal(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 22: "22nd", 101: "101st", 112: "112th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
