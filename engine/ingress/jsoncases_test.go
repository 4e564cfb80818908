package ingress_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/ingress"
)

// What RFC 8259 says of each text: y is JSON and accepted, n is not and refused, i is
// left to the receiver, and then the wanted status says what this one does.
type jsonCase struct {
	kind byte
	text string
	// status is wanted of an i.
	status int
}

func jsonCases() []jsonCase {
	var out []jsonCase
	add := func(kind byte, texts ...string) {
		for _, text := range texts {
			out = append(out, jsonCase{kind: kind, text: text})
		}
	}
	either := func(status int, texts ...string) {
		for _, text := range texts {
			out = append(out, jsonCase{kind: 'i', text: text, status: status})
		}
	}
	add('y', // values and white space
		"{}", "[]", "null", "true", "false", "0", "-0", `""`, " {} ", "\t[\n]\r\n", "[ ]", "{ }", "[[]]", "[{}]", `{"":0}`,
		`{"a":[{"b":[]}]}`, "[null,true,false]", "[1 , 2]", "{\"a\"\n:\t1}", "[[],[],{}]",
		// numbers
		"1", "-1", "10", "1.5", "-0.0", "0.1e1", "1e5", "1E5", "1e+5", "1e-5", "1E-05", "0e0", "0E+0", "-1e-1", "123456789012345678901234567890",
		"0."+strings.Repeat("0", 300)+"1", "[-9223372036854775809]", "[1.7976931348623157e308]", "20e1", "100",
		// texts
		`"a"`, `"\""`, `"\\"`, `"\/"`, `"\b\f\n\r\t"`, `"\u0041"`, `"\u00e9\u00E9"`, `"\uD83D\uDE00"`, `"\u0000"`, `"\u001f"`, `"é"`, `"Київ"`, `"😀"`,
		"\"\u007f\"", "\"\u2028\u2029\"", `"\u2028"`, "\"\uFEFF\"", "\"\uFFFF\"", "\"\U0010FFFF\"", `"//"`, `"/* a */"`, `" "`, `"\\u0041"`, `"{}"`,
		// objects
		`{"a":1}`, `{"a":1,"b":2}`, `{"a":null}`, `{"\u0061":1}`, `{"ключ":"знач"}`, `{"a b":{}}`, `{"\"":0}`, `{"a":{"a":{"a":1}}}`, `{"__proto__":{}}`,
	)
	add('n', // values and what surrounds them
		" ", "\n\t\r ", "nul", "nulll", "True", "TRUE", "tru", "falsee", "undefined", "NaN", "-NaN", "Infinity", "-Infinity", "a", "'a'", "`a`", "{}}", "[]]", "{}{}", "[][]",
		"1 2", "null null", "{},", ",", ":", "[", "]", "{", "}", "[1", "[1,", "[,1]", "[1,]", "[1,,2]", "[,]", "[1 2]", "[1:2]", "[\"a\":1]", "{]", "[}", "[1}", `{"a":1]`,
		"\f{}", "\v1", "\u00a01", "\u20281", "[\u2060]", "\x00", "{}\x00", "[1\x00]", "/* a */ 1", "1 // a", "# a\n1", "<a/>", "a=1",
		// numbers
		"+1", "++1", "--1", "-", "- 1", "01", "-01", "00", "1.", ".5", "-.5", "1.e5", "1e", "1e+", "1E-", "1ee5", "1e5.5", "1.2.3", "0x1F", "0b1", "0o7", "1_000", "1,5", "1a", "-a",
		"１", "[1e1e1]", "[0e]", "[1.5e+]", "2.e3", "[-2.]", "0.3e+", "1f", "[1\u00a0]",
		// texts
		`"`, `"a`, `"\"`, `"\`, `"\a"`, `"\'"`, `"\x41"`, `"\u"`, `"\u0"`, `"\u00"`, `"\u004"`, `"\u00G1"`, `"\U0041"`, `"\u{41}"`, `"\ "`, "\"\\\n\"", "\"a\nb\"", "\"a\tb\"", "\"\x00\"", "\"\x1f\"",
		`"a"b"`, `"a" "b"`, `"\u12`, `["a`, `["\uD800\u"]`, `["\uD800\uD80"]`, "\"\r\"", `"\e"`, `'`,
		// bytes that are no UTF-8
		"\"\xff\"", "\"\xc3\"", "\"\xc3\x28\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xc0\xaf\"", "\"\xf4\x90\x80\x80\"", "\"\xf8\x88\x80\x80\x80\"", "\"\x80\"", "[\xe5]", "\xe5{}", "{\"\xce\xeb\":1}",
		// objects
		`{"a"}`, `{"a":}`, `{:1}`, `{"a":1,}`, `{"a":1,,"b":2}`, `{,"a":1}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{null:1}`, `{"a" 1}`, `{"a"::1}`, `{"a":1 "b":2}`, `{"a":1:2}`, `{"a":1`, `{"a"`, `{"a":"b`, `{{}}`, `{[]:1}`,
		`{"a":1}/**/`, `{"a":1};`, `{"a":1}"b"`, `{"a"=1}`, `{"a":a}`, `{"a":1,"b"}`,
		// other encodings
		"\xff\xfe{\x00}\x00", "\xfe\xff\x00{\x00}", "{\x00}\x00", "\xef\xbb", "\xef\xbb\xbf",
	)
	either(200, // as encoding/json and the vendors have it
		"\xEF\xBB\xBF{}", `{"a":1,"a":2}`, `{"a":1,"a":1}`, `["\uD800"]`, `["\uDC00"]`, `["\uD83D\u0041"]`, `["\uDE00\uD83D"]`, `["\uFFFE"]`, "1e400", "-1e400", "1e-400", "[0.4e006699999999999999999999999]",
		"1"+strings.Repeat("0", 1000), strings.Repeat("[", 64)+strings.Repeat("]", 64), strings.Repeat(`{"a":`, 64)+"1"+strings.Repeat("}", 64),
	)
	either(400, strings.Repeat("[", 65)+strings.Repeat("]", 65), strings.Repeat(`{"a":`, 65)+"1"+strings.Repeat("}", 65), strings.Repeat("[", 100_000), strings.Repeat(`[{"":`, 50_000), "\xEF\xBB\xBF\xEF\xBB\xBF{}")
	return out
}

// TestJSON sends every case over HTTP: what is JSON is accepted, what is not is
// refused with its place, and nothing breaks.
func TestJSON(t *testing.T) {
	r := start(t, nil, nil)
	place := regexp.MustCompile(`^line \d+, column \d+: .`)
	cases := jsonCases()
	accepted, seen := 0, map[string]bool{}
	for i, c := range cases {
		if seen[c.text] {
			t.Errorf("%.40q stands twice", c.text)
		}
		seen[c.text] = true
		want := map[byte]int{'y': 200, 'n': 400, 'i': c.status}[c.kind]
		name := fmt.Sprintf("%c %d %.40q", c.kind, i, c.text)
		got := r.post(t, c.text, "Content-Type", "application/json")
		if got.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", name, got.StatusCode, got.text, want)
		}
		switch got.StatusCode {
		case 200:
			accepted++
		case 400:
			if got.code() != ingress.CodeJSON || !place.MatchString(got.message()) {
				t.Errorf("%s: %s", name, got.text)
			}
		}
	}
	if len(cases) < 150 {
		t.Errorf("only %d cases", len(cases))
	}
	if n := len(r.journal.all()); n != accepted {
		t.Errorf("%d events of %d accepted", n, accepted)
	}
	if strings.Contains(r.log.String(), "panicked") {
		t.Error("something panicked")
	}
}
