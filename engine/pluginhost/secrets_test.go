package pluginhost

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestWithoutSecrets(t *testing.T) {
	const schema = `{
	  "type": "object",
	  "properties": {
	    "url": {"type": "string"},
	    "key": {"type": "string", "writeOnly": true},
	    "limit": {"type": "number"},
	    "login": {"$ref": "#/$defs/lo~1gin"},
	    "keys": {"type": "array", "items": {"allOf": [{"properties": {"id": {}}}, {"properties": {"token": {"writeOnly": true}}}]}},
	    "headers": {"type": "object", "additionalProperties": {"writeOnly": true}},
	    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
	    "free": {"type": "object"},
	    "loop": {"$ref": "#/$defs/loop"},
	    "pin": {"type": "integer", "writeOnly": true}
	  },
	  "oneOf": [{"properties": {"other": {"writeOnly": true}}}, {"required": ["key"]}],
	  "$defs": {
	    "lo/gin": {"properties": {"user": {}, "password": {"writeOnly": true}}},
	    "loop": {"$ref": "#/$defs/loop"}
	  }
	}`
	for _, test := range []struct{ config, want, secrets string }{
		{`{"url":"https://a","key":"k1","limit":12345678901234567890.5}`, `{"limit":12345678901234567890.5,"url":"https://a"}`, "k1"},
		{`{"login":{"user":"u","password":"p1"}}`, `{"login":{"user":"u"}}`, "p1"},
		{`{"keys":[{"id":1,"token":"t1"},{"id":2,"token":{"deep":["t2"]}}]}`, `{"keys":[{"id":1},{"id":2}]}`, "t1,t2"},
		{`{"headers":{"X-Key":"h1"},"labels":{"a":"b"}}`, `{"headers":{},"labels":{"a":"b"}}`, "h1"},
		{`{"free":{"a":[1]},"kye":"misspelled"}`, `{"free":{"a":[1]}}`, "misspelled"},
		{`{"other":"o1","pin":4711}`, `{}`, "4711,o1"},
		{`{"loop":"l1"}`, `{}`, "l1"},
	} {
		got, secrets, err := splitSecrets(json.RawMessage(schema), json.RawMessage(test.config))
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, error %v; want %s", test.config, got, err, test.want)
		}
		for s := range strings.SplitSeq(test.secrets, ",") {
			if !strings.Contains(strings.Join(secrets, ","), s) {
				t.Errorf("%s: secrets %v, want %s", test.config, secrets, test.secrets)
			}
		}
	}
	if _, err := WithoutSecrets(json.RawMessage(schema), json.RawMessage(`{"key":"k1`)); err == nil || strings.Contains(err.Error(), "k1") {
		t.Errorf("broken JSON: %v", err)
	}
	if got, err := WithoutSecrets(json.RawMessage(schema), nil); err != nil || got != nil {
		t.Errorf("nothing: %s, %v", got, err)
	}
}

func TestRedactor(t *testing.T) {
	r := redactor([]string{"p&ss word", "p&ss word-longer", "abc", "ключ1"})
	for in, want := range map[string]string{
		"it is p&ss word.":            "it is [secret].",
		"it is p&ss word-longer.":     "it is [secret].",
		"?key=p%26ss+word&a=b":        "?key=[secret]&a=b",
		`{"key":"p\u0026ss word"}`:    `{"key":"[secret]"}`,
		"abc is too short to hide":    "abc is too short to hide",
		"мій ключ1 %D0%BA%D0%BB%D1":   "мій [secret] %D0%BA%D0%BB%D1",
		"%D0%BA%D0%BB%D1%8E%D1%871 x": "[secret] x",
	} {
		if got := r.Replace(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
