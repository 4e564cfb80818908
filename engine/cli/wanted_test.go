package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWanted holds what wanted files say against what was made: what is wrong with the
// file is told before what differs.
func TestWanted(t *testing.T) {
	const one, two = `{"id":1}`, `[{"id":1},{"$skip":true}]`
	for _, c := range []struct{ name, file, got, want string }{
		{"the same", one, one, ""},
		{"a byte order mark", "\ufeff" + one, one, ""},
		{"different", `{"id":2}`, one, "a.want.json (- wanted, + made)\n- id: 2\n+ id: 1"},
		{"a line end in a name", `{"a\n::error::pwn\u001b":2}`, one, "- a\\n::error::pwn\\x1b: 2\n+ id: 1"},
		{"broken", "{\n \"id\": 1,\n}", one, "a.want.json:3:1: this is not JSON: unexpected '}' where a name in quotes should begin"},
		{"empty", "", one, "a.want.json:1:1: this is not JSON: there is no value, only the end of the file"},
		{"UTF-16", "\xff\xfe{\x00}\x00", one, "a.want.json:1:1: this is not JSON: the file is UTF-16, not UTF-8"},
		{"an empty array", `[]`, one, `a.want.json: the body holds one event, which wants a record, {"$skip": true} or {"$error": "CW301"}: this is an empty array`},
		{"null", `null`, one, "this is null"},
		{"an array of one", `[` + one + `]`, one, "the body holds one event, which wants a record, "},
		{"a record for two", one, two, `the body holds 2 events, which want an array with one of these for each: a record, {"$skip": true} or {"$error": "CW301"}; this is an object`},
		{"null for the second", `[{"id":1},null]`, two, `a.want.json: [1]: an event wants a record, {"$skip": true} or {"$error": "CW301"}: this is null`},
		{"too few", `[{"id":1}]`, two, "+ [1].$skip: true"},
		{"no such rule", `{"$error":"CW999"}`, one, `a.want.json: $error: there is no rule "CW999"`},
		{"a rule as a number", `{"$error":305}`, one, `$error is the id of a rule in quotes, such as {"$error": "CW301"}: this is a number`},
		{"no such rule for the second", `[{"id":1},{"$error":"CW999"}]`, two, `[1]: $error: there is no rule "CW999"`},
		{"another rule", `{"$error":"CW305"}`, `{"$error":"CW301"}`, "- $error: \"CW305\"\n+ $error: \"CW301\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.want.json")
			if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			want, err := readWanted(file)
			if err == nil {
				err = heldAgainst(file, want, []byte(c.got))
			}
			switch {
			case err == nil && c.want != "":
				t.Errorf("nothing is told, want %s", c.want)
			case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}
