package shape_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
)

const schema = `{
	"type": "object",
	"properties": {
		"id": {"type": "integer"},
		"name": {"type": "string"},
		"paid": {"type": "boolean"},
		"note": {"type": ["string", "null"]},
		"sum": {"type": "number", "x-crosswalk-also": "total"},
		"total": {"type": "number"},
		"kind": {"type": "string", "oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]},
		"mode": {"type": "string", "enum": ["", "x"]},
		"any": {"title": "whatever"},
		"phone": {"type": "string", "x-crosswalk-all": "phones"},
		"phones": {"type": "array", "items": {"type": "string"}},
		"address": {"$ref": "#/$defs/address"},
		"own": {"type": "object", "additionalProperties": true},
		"labels": {"type": "object", "additionalProperties": {"$ref": "#/$defs/address"}},
		"items": {"type": "array", "items": {"type": "object", "properties": {"qty": {"type": "number"}, "tags": {"type": "array"}}}}
	},
	"$defs": {"address": {"type": "object", "properties": {"city": {"type": "string"}, "index": {"type": "integer"}}}}
}`

func compile(t testing.TB) *shape.Shape {
	t.Helper()
	s, err := shape.Compile(json.RawMessage(schema))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestApply(t *testing.T) {
	s := compile(t)
	for _, tc := range []struct{ name, in, want string }{
		{"nothing to do", `{"id":1,"name":"Ї","sum":1.10,"total":1.1,"items":[{"qty":0.30}]}`, `{"id":1,"name":"Ї","sum":1.10,"total":1.1,"items":[{"qty":0.30}]}`},
		{"numbers keep their digits", `{"id":123456789012345678901234567890,"sum":1e-7,"x":1.000}`, `{"id":123456789012345678901234567890,"sum":1e-7,"x":1.000,"total":1e-7}`},
		{"null", `{"id":null,"name":null,"address":null,"items":null}`, `{}`},
		{"null where it is allowed", `{"note":null,"any":null,"unknown":null}`, `{"note":null,"any":null,"unknown":null}`},
		{"empty text is no number", `{"id":"","paid":"","address":"","items":"","name":"","unknown":""}`, `{"name":"","unknown":""}`},
		{"empty text is in no enum", `{"kind":"","mode":""}`, `{"mode":""}`},
		{"text for a number stays", `{"id":"15","paid":"1","kind":"c"}`, `{"id":"15","paid":"1","kind":"c"}`},
		{"PHP's empty object", `{"address":[],"own":[],"labels":[],"items":[],"any":[],"unknown":[]}`, `{"own":{},"labels":{},"items":[],"any":[],"unknown":[]}`},
		{"an array that is no object stays", `{"address":[1]}`, `{"address":[1]}`},
		{"an object that is no list stays", `{"items":{"a":{}},"phones":{}}`, `{"items":{"a":{}},"phones":{}}`},
		{"a list by ids", `{"items":{"7":{"qty":""},"9":{"qty":2}}}`, `{"items":[{},{"qty":2}]}`},
		{"entries keep their places", `{"items":[null,"",{"qty":null}]}`, `{"items":[null,"",{}]}`},
		{"JSON in a text", `{"items":" [{\"qty\":\"\"}] ","address":"{\"city\":\"Лебедин\",\"index\":\"\"}","name":"[1]"}`, `{"items":[{}],"address":{"city":"Лебедин"},"name":"[1]"}`},
		{"broken JSON in a text stays", `{"items":"[{]"}`, `{"items":"[{]"}`},
		{"a map's entries", `{"labels":{"work":{"city":null,"index":5},"1":[]}}`, `{"labels":{"work":{"index":5}}}`},
		{"either name", `{"total":5}`, `{"total":5,"sum":5}`},
		{"neither name", `{"sum":"","total":null}`, `{}`},
		{"one name without a value", `{"sum":null,"total":5.50}`, `{"total":5.50,"sum":5.50}`},
		{"both names keep their values", `{"sum":1,"total":2}`, `{"sum":1,"total":2}`},
		{"one phone", `{"phone":"1"}`, `{"phone":"1","phones":["1"]}`},
		{"phones", `{"phone":[null," ","2",3]}`, `{"phone":"2","phones":["2",3]}`},
		{"phones beside phone", `{"phone":["2"],"phones":["9"]}`, `{"phone":"2","phones":["9"]}`},
		{"no phone", `{"phone":[]}`, `{"phones":[]}`},
		{"a name that needs escapes", `{"a\"\u0457":1,"n\u0061me":null}`, `{"a\"\u0457":1}`},
		{"white space", " { \"id\" : null , \"x\" : [ 1 ] } ", `{"x":[ 1 ]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := s.Apply([]byte(tc.in)); string(got) != tc.want {
				t.Errorf("%s\nbecame %s\nwant   %s", tc.in, got, tc.want)
			}
		})
	}
}

func TestApplyIsStable(t *testing.T) {
	s := compile(t)
	once := s.Apply([]byte(`{"phone":["1","2"],"total":"5","items":{"3":{"tags":{"0":"x"}}},"address":"{}"}`))
	if twice := s.Apply(once); string(twice) != string(once) {
		t.Errorf("%s\nbecame %s", once, twice)
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, tc := range []struct{ schema, want string }{
		{`{`, "compile shape: the schema is not JSON"},
		{`{"type":"array"}`, "compile shape: the schema is not one of an object"},
		{`{"type":"object","properties":{"a":{"$ref":"other.json"}}}`, "compile shape: a: $ref other.json: want one into $defs"},
		{`{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}}}`, "compile shape: a: $ref #/$defs/b leads nowhere"},
		{`{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"$ref":"#/$defs/a"}}}`, "compile shape: a: nested more than 32 deep"},
	} {
		if _, err := shape.Compile(json.RawMessage(tc.schema)); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", tc.schema, err, tc.want)
		}
	}
}

func TestNesting(t *testing.T) {
	for _, tc := range []struct {
		text string
		want int
	}{
		{`1`, 0},
		{`{"a":[1,{"b":[]}]}`, 4},
		{`"[[["`, 0},
		{`["\"[["]`, 1},
		{strings.Repeat("[", 1<<20), shape.MaxNesting + 1},
	} {
		if got := shape.Nesting(tc.text); got != tc.want {
			t.Errorf("%.30s nests %d deep, want %d", tc.text, got, tc.want)
		}
	}
}

// FuzzApply checks that an object stays one, that a second time changes nothing,
// and that fields which the schema does not name pass.
func FuzzApply(f *testing.F) {
	f.Add(`{"phone":["1"],"sum":null,"items":{"1":{"qty":""}},"address":"{}","labels":[]}`)
	f.Add(`{"id":null,"id":2,"phone":"","phone":["3"],"sum":1,"sum":2}`)
	s := compile(f)
	f.Fuzz(func(t *testing.T, record string) {
		if !json.Valid([]byte(record)) || !gjson.Parse(record).IsObject() || shape.Nesting(record) > shape.MaxNesting {
			return
		}
		once := s.Apply([]byte(record))
		if !json.Valid(once) || once[0] != '{' {
			t.Fatalf("%s became %s", record, once)
		}
		if twice := s.Apply(once); string(twice) != string(once) {
			t.Fatalf("%s became %s and then %s", record, once, twice)
		}
		gjson.Parse(record).ForEach(func(k, v gjson.Result) bool {
			if !gjson.Get(schema, "properties."+gjson.Escape(k.Str)).Exists() && !strings.Contains(string(once), v.Raw) {
				t.Fatalf("%s became %s: %s is lost", record, once, k.Raw)
			}
			return true
		})
	})
}
