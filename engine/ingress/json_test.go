package ingress

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckJSONPlaces(t *testing.T) {
	for _, c := range []struct{ document, want string }{
		{`{"a":1}`, ""},
		{` [1, -0, 0.5, 1e9, 1E-2, "x", true, false, null, {}, []] `, ""},
		{`"\u00e9\n\"\\\/ €😀"`, ""},
		{`123456789012345678901234567890`, ""},
		{"\xEF\xBB\xBF{}", ""},
		{"\xEF\xBB\xBF{,", "line 1, column 2: unexpected ',' where a name in quotes should begin"},
		{"\xFF\xFE{\x00}\x00", "line 1, column 1: the body is UTF-16, not UTF-8"},
		{"\xFE\xFF\x00{\x00}", "line 1, column 1: the body is UTF-16, not UTF-8"},
		{``, "line 1, column 1: there is no value, only the end of the body"},
		{"{\r\n\t\"a\": 1,\r\n}", "line 3, column 1: unexpected '}' where a name in quotes should begin"},
		{`{"a" 1}`, "line 1, column 6: unexpected '1' where a colon should follow the name"},
		{`{"a":1 "b":2}`, "line 1, column 8: unexpected '\"' where a comma or } should follow"},
		{`{a:1}`, "line 1, column 2: unexpected 'a' where a name in quotes should begin"},
		{`{'a':1}`, "line 1, column 2: unexpected '\\'' where a name in quotes should begin"},
		{`[1,]`, "line 1, column 4: unexpected ']' where a value should begin"},
		{`[1 2]`, "line 1, column 4: unexpected '2' where a comma or ] should follow"},
		{`[1`, "line 1, column 3: the body ends where a comma or ] should follow"},
		{`{"ім'я": "Оле`, "line 1, column 14: the body ends inside a text in quotes"},
		{"[\"a\nb\"]", "line 1, column 4: unexpected control character U+000A in a text: it must be escaped"},
		{"[1,\x00]", "line 1, column 4: unexpected control character U+0000 where a value should begin"},
		{`["\x"]`, "line 1, column 4: unexpected 'x' behind a backslash"},
		{`["\u12g4"]`, `line 1, column 7: unexpected 'g' where \u needs four hexadecimal digits`},
		{`01`, "line 1, column 2: unexpected '1' behind a leading zero"},
		{`-`, "line 1, column 2: the body ends where a number needs a digit"},
		{`1.`, "line 1, column 3: the body ends where a number needs a digit"},
		{`1e+`, "line 1, column 4: the body ends where a number needs a digit"},
		{`+1`, "line 1, column 1: unexpected '+' where a value should begin"},
		{`.5`, "line 1, column 1: unexpected '.' where a value should begin"},
		{`NaN`, "line 1, column 1: unexpected 'N' where a value should begin"},
		{`trux`, "line 1, column 4: unexpected 'x' in the word true"},
		{`nul`, "line 1, column 4: the body ends in the word null"},
		{"\"\xff\"", "line 1, column 2: the byte 0xFF is not UTF-8"},
		{"[\xc0\xaf]", "line 1, column 2: the byte 0xC0 is not UTF-8"},
		{"\"\xed\xa0\x80\"", "line 1, column 2: the byte 0xED is not UTF-8"},
		{"{\"a\": \u00a01}", "line 1, column 7: unexpected '\\u00a0' where a value should begin"},
		{`{} x`, "line 1, column 4: unexpected 'x' behind the end of the document"},
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), ""},
		{strings.Repeat("[", 65), "line 1, column 65: arrays and objects nest deeper than 64"},
	} {
		got := ""
		if err := CheckJSON("body", []byte(c.document)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%.60q\n got %s\nwant %s", c.document, got, c.want)
		}
	}
}

// FuzzCheckJSON compares with encoding/json, which does not look at UTF-8 and
// allows more depth.
func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,"\u00e9",null]}`, "[[[[]]]]", `"\ud800"`, "1e", "{\"a\":1,}", "\xEF\xBB\xBF1", "\"\x7f\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := CheckJSON("body", data)
		want := json.Valid([]byte(strings.TrimPrefix(string(data), "\uFEFF"))) && utf8.Valid(data)
		if err != nil && strings.HasSuffix(err.Error(), "deeper than 64") {
			if strings.Count(string(data), "[")+strings.Count(string(data), "{") <= maxDepth {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		if (err == nil) != want {
			t.Errorf("%q: %v, encoding/json says %v", data, err, want)
		}
	})
}

func BenchmarkCheckJSON(b *testing.B) {
	document := []byte(`{"order_id":1755,"currency":"UAH","products":[` + strings.Repeat(`{"title":"Чайник, 1.7 л","price":49.79,"quantity":2},`, 15) + `null]}`)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckJSON("body", document); err != nil {
			b.Fatal(err)
		}
	}
}
