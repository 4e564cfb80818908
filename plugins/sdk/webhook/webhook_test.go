package webhook_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/webhook"
)

func request(contentType, body string) *sdk.Request {
	r := &sdk.Request{Method: "POST", Body: []byte(body)}
	if contentType != "" {
		r.Header = []sdk.Header{{Name: "Content-Type", Value: contentType}}
	}
	return r
}

func TestObject(t *testing.T) {
	for _, tc := range []struct{ name, contentType, body, want string }{
		{"JSON", "application/json", `{"a":1.10}`, `{"a":1.10}`},
		{"charset", `application/json; charset="UTF-8"`, `{"a":1}`, `{"a":1}`},
		{"a vendor's JSON", "application/vnd.api+json", `{"a":1}`, `{"a":1}`},
		{"a byte order mark", "application/json", "\xEF\xBB\xBF{\"a\":1}\r\n", `{"a":1}`},
		{"JSON as text", "text/plain", `{"a":1}`, `{"a":1}`},
		{"JSON as a form", "application/x-www-form-urlencoded", ` {"a":1}`, `{"a":1}`},
		{"a header that cannot be read", "json;;", `{"a":1}`, `{"a":1}`},
		{"a form", "application/x-www-form-urlencoded", `a[b]=1`, `{"a":{"b":"1"}}`},
		{"a form whose first name begins with a brace", "application/x-www-form-urlencoded", `{a=1`, `{"{a":"1"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := webhook.Object(request(tc.contentType, tc.body))
			if err != nil || string(got) != tc.want {
				t.Errorf("%s, %v, want %s", got, err, tc.want)
			}
		})
	}
}

func TestObjectRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
		want                    string
	}{
		{"empty", "application/json", " \n", 400, "the body is empty"},
		{"an empty form", "application/x-www-form-urlencoded", "&", 400, "the form has no fields"},
		{"form fields as JSON", "application/json", "a=1", 400, "the body is not JSON: invalid character 'a' looking for beginning of value (line 1, column 1)"},
		{"cut short", "application/json", "{\"a\":\n\"Ї", 400, "the body is not JSON: unexpected end of JSON input (line 2, column 3)"},
		{"two values", "application/json", `{}{}`, 400, "the body is not JSON: invalid character '{' after top-level value (line 1, column 3)"},
		{"a letter outside ASCII", "application/json", `{"a":Ні}`, 400, "the body is not JSON: invalid character 'Н' looking for beginning of value (line 1, column 6)"},
		{"a line break in a text", "application/json", "{\"a\":\"x\ny\"}", 400, `the body is not JSON: invalid character '\n' in string literal (line 1, column 8)`},
		{"a list", "application/json", `[1]`, 422, "the body is JSON but no object: want {…}"},
		{"deep", "application/json", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), 400, "the body nests deeper than 64"},
		{"very deep", "application/json", strings.Repeat(`[`, 1<<20), 400, "the body nests deeper than 64"},
		{"not UTF-8", "application/json", "{\"a\":\"\xCA\"}", 415, "the body is not UTF-8 (line 1, column 7; Windows-1251, perhaps): send UTF-8"},
		{"UTF-16", "application/json", "\xFF\xFE{\x00}\x00", 415, "the body is UTF-16: send UTF-8"},
		{"UTF-16, big end first", "application/json", "\xFE\xFF\x00{\x00}", 415, "the body is UTF-16: send UTF-8"},
		{"XML", "text/xml", "<a/>", 415, "the body is neither JSON nor a form"},
		{"a conflict", "application/x-www-form-urlencoded", "a=1&a=2", 422, "field `a`: it is there twice with different values"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := webhook.Object(request(tc.contentType, tc.body))
			r, ok := errors.AsType[*sdk.Refusal](err)
			if !ok || r.Status != tc.status || !strings.HasPrefix(r.Message, tc.want) {
				t.Errorf("refused with %#v, want %d %s", err, tc.status, tc.want)
			}
		})
	}
}

func TestKey(t *testing.T) {
	for _, tc := range []struct{ record, key, want string }{
		{`{"id":42}`, "42", ""},
		{`{"id":" 42C "}`, "42C", ""},
		{`{"id":"№ 7"}`, "№ 7", ""},
		{`{}`, "", "id is missing: send it"},
		{`{"id":null}`, "", "id is missing: send it"},
		{`{"id":"  "}`, "", "id is empty: send it"},
		{`{"id":4.0}`, "", "id is not a whole number: send it"},
		{`{"id":1e9}`, "", "id is not a whole number: send it"},
		{`{"id":true}`, "", "id is neither a number nor text: send it"},
		{`{"id":"a\nb"}`, "", "id holds control characters: send it"},
		{`{"id":"\ud800"}`, "", "id holds control characters: send it"},
		{`{"id":"` + strings.Repeat("x", 201) + `"}`, "", "id is longer than 200 bytes: send it"},
	} {
		key, err := webhook.Key([]byte(tc.record), "id", "send it")
		got := ""
		if r, ok := errors.AsType[*sdk.Refusal](err); ok && r.Status == 422 && r.Path == "id" {
			got = r.Message
		}
		if key != tc.key || got != tc.want {
			t.Errorf("%s: key %q, refusal %q, want %q, %q", tc.record, key, got, tc.key, tc.want)
		}
	}
}

func TestMethod(t *testing.T) {
	if err := webhook.Method(&sdk.Request{Method: "POST"}, "", "PUT", "POST"); err != nil {
		t.Error(err)
	}
	r, ok := errors.AsType[*sdk.Refusal](webhook.Method(&sdk.Request{Method: "GET"}, "the shop sends PUT", "PUT"))
	if !ok || r.Status != 405 || r.Message != "GET is not taken here, only PUT: the shop sends PUT" {
		t.Errorf("refusal %+v", r)
	}
}

// FuzzObject checks that a body becomes JSON in UTF-8 that encoding/json takes
// too, or is refused on one line.
func FuzzObject(f *testing.F) {
	f.Add("application/json", `{"a":[1,"\ud800",-0.1e+5,null]}`)
	f.Add("application/json", "{\"a\":\"\x00\"}")
	f.Add("application/x-www-form-urlencoded", `a[b]=%00`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		got, err := webhook.Object(request(contentType, body))
		if err != nil {
			r, ok := errors.AsType[*sdk.Refusal](err)
			if !ok || r.Status < 400 || r.Status > 499 || strings.ContainsAny(r.Message, "\r\n") || !utf8.ValidString(r.Message) {
				t.Fatalf("refusal %#v", err)
			}
			return
		}
		if !json.Valid(got) || got[0] != '{' || !utf8.Valid(got) {
			t.Fatalf("%q became %q", body, got)
		}
	})
}
