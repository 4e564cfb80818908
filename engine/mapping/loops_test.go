package mapping_test

import (
	"strings"
	"testing"
)

// TestLoops runs filter and map in each other, with bodies that need expr's machine
// and bodies that do not.
func TestLoops(t *testing.T) {
	const record = `{"a": [1, 2, 3, 4], "b": [{"n": 2, "l": [1, 5]}, {"n": 7, "l": [9]}], "t": "x@ @y"}`
	for expression, want := range map[string]string{
		`filter(a, # > 2)`:                                            `[3,4]`,
		`map(a, # * 2)`:                                               `[2,4,6,8]`,
		`map(filter(a, # != 2), # + 1)`:                               `[2,4,5]`,
		`filter(a, #index > 1)`:                                       `[3,4]`,
		`map(b, filter(#.l, # > 4))`:                                  `[[5],[9]]`,
		`filter(b, sum(#.l) > 6)`:                                     `[{"n":7,"l":[9]}]`,
		`map(b, map(#.l, # + 1)[0] + #.n)`:                            `[4,17]`,
		`map(b, #.n + len(filter(#.l, # > 4)) + #.n)`:                 `[5,15]`,
		`map(a, if # > 2 { big } else { # })`:                         `[1,2,[3,4],[3,4]]`,
		`map(filter(a, # in big), #)`:                                 `[3,4]`,
		`join(filter(split(t, "@"), trim(#) != ""), "+")`:             `"x+y"`,
		`filter(a, let x = #; x > 3)`:                                 `[4]`,
		`reduce(filter(a, # > 1), #acc + #, 0)`:                       `9`,
		`all(filter(a, # > 1), # > 1) and any(map(a, # - 1), # == 0)`: `true`,
	} {
		p := compile(t, "mapping: loops\nfrom: any.event\nto: any.operation\nlet:\n  big: '= filter(a, # > 2)'\nfields:\n  unused: big\n  x: |-\n    = "+expression+"\n")
		for range 2 { // the second time with the memory of the first
			r, err := mapRecord(t, p, record)
			if err != nil {
				t.Errorf("%s: %v", expression, err)
			} else if got := strings.TrimSuffix(strings.SplitN(string(r.Record), `"x":`, 2)[1], "}"); strings.ReplaceAll(got, " ", "") != want {
				t.Errorf("%s gives %s, want %s", expression, got, want)
			}
		}
	}
	// A body that fails leaves nothing behind.
	p := compile(t, "mapping: loops\nfrom: any.event\nto: any.operation\nfields:\n  x: {expr: 'map(a, 1 / (# - 2))', on_error: omit}\n  y: '= filter(a, # > 3)'\n")
	if r, err := mapRecord(t, p, record); err != nil || string(r.Record) != `{"y":[4]}` {
		t.Errorf("%s, %v", r.Record, err)
	}
}
