package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

const growthHead = "mapping: m\nfrom: shop.order_created\nto: any.operation\n"

// TestGrowthOfConstants compiles values that double with every step: what is known of
// them must not.
func TestGrowthOfConstants(t *testing.T) {
	for name, way := range map[string][2]string{
		"concat":   {"= [1, 1]", "= concat(@, @)"},
		"lists":    {"= [1, 1]", "= [@, @]"},
		"objects":  {"'= {x: 1}'", "'= {x: @, y: @}'"},
		"choices":  {"'= {x: 1}'", "'= if order_id == 1 { @ } else { {x: @} }'"},
		"coalesce": {"'= {x: 1}'", "'= coalesce(@, {x: @})'"},
		"texts":    {`= "ab"`, "= @ + @"},
		"joined":   {`= "ab"`, `= join([@, @], "-")`},
		"JSON":     {`= "ab"`, "= toJSON([@, @])"},
		"map":      {"= [1, 1]", "= map(@, concat(@, @))"},
		"ranges":   {"= 1..1000", "= concat(@, 1..1000, @)"},
		"repeated": {`= "ab"`, "= repeat(@, 2)"},
	} {
		t.Run(name, func(t *testing.T) {
			text := growthHead + "let:\n  a0: " + way[0] + "\n"
			for i := range 30 {
				text += fmt.Sprintf("  a%d: %s\n", i+1, strings.ReplaceAll(way[1], "@", fmt.Sprintf("a%d", i)))
			}
			used := allocated(func() {
				if p, found := mapping.Compile("m.yaml", []byte(text+"fields:\n  a: = toJSON(a30)\n"), catalog{}); p == nil {
					t.Errorf("it does not compile: %v", found)
				}
			})
			if used > 16<<20 {
				t.Errorf("it allocates %d MiB", used>>20)
			}
		})
	}
}

// TestGrowthOfLine compiles a table that stands in one line: the cost of a row must not
// grow with the line.
func TestGrowthOfLine(t *testing.T) {
	text := growthHead + "tables:\n  t: {0: 0"
	for i := range 8000 {
		text += fmt.Sprintf(", %d: 1", i+1)
	}
	used := allocated(func() {
		if p, found := mapping.Compile("m.yaml", []byte(text+"}\nfields:\n  a: {path: order_id, table: t}\n"), catalog{}); p == nil {
			t.Errorf("it does not compile: %v", found)
		}
	})
	if used > 64<<20 {
		t.Errorf("it allocates %d MiB", used>>20)
	}
}

// TestLongKey checks what is said of a key that YAML does not take for one.
func TestLongKey(t *testing.T) {
	for n, want := range map[int]string{
		1000:   "",
		10_001: "m.yaml:5:3: error CW101: this key has 10001 characters, and YAML reads keys of at most 1024",
	} {
		_, found := mapping.Compile("m.yaml", []byte(growthHead+"fields:\n  "+strings.Repeat("є", n)+": order_id\n"), catalog{})
		if got := strings.TrimSpace(fmt.Sprint(found.Err())); want == "" && found.HasErrors() || !strings.Contains(got, want) {
			t.Errorf("%d characters: %s, want %q", n, got, want)
		}
	}
}
