package cli_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestOddFiles gives the commands files that no editor for text makes: each is
// answered by its name and one of the usual exit codes, never by a panic.
func TestOddFiles(t *testing.T) {
	odd := map[string]string{
		"empty":      "",
		"spaces":     " \n\t\n",
		"nul":        "\x00",
		"binary":     "\x7fELF\x02\x01\x01\x00\xff\xfe\x00",
		"latin1":     "mapping: caf\xe9\n",
		"utf16":      "\xff\xfem\x00a\x00p\x00",
		"null":       "null",
		"scalar":     "5",
		"list":       "[1, 2]",
		"brackets":   strings.Repeat("[", 100_000),
		"braces":     strings.Repeat(`{"a":`, 100_000),
		"large":      strings.Repeat("# comment\n", 1<<20),
		"documents":  "a: 1\n---\nb: 2\n",
		"control":    "mapping: \x1b[31mred\n",
		"unfinished": `{"order_id": 5, "products": [`,
	}
	for name, text := range odd {
		t.Run(name, func(t *testing.T) {
			dir := shopFolder(t, shopMapping)
			writeFile(t, dir, "odd", text)
			for _, run := range []struct {
				codes string
				args  []string
			}{
				{"12", []string{"validate", "odd", "--plugins", plugins}},
				{"12", []string{"validate", "--config", "odd", "--plugins", plugins}},
				{"1", []string{"map", "mapping.yaml", "--input", "odd", "--plugins", plugins}},
			} {
				code, out := try(t, dir, run.args...)
				said := out.stdout + out.stderr
				if !strings.Contains(run.codes, code) || strings.Contains(said, "goroutine ") || said == "" {
					t.Errorf("crosswalk %v: exit code %s, want one of %s:\n%s", run.args, code, run.codes, said)
				}
				if strings.ContainsAny(said, "\x00\x1b\x7f") {
					t.Errorf("crosswalk %v prints control characters: %q", run.args, said)
				}
				if len(said) > 64<<10 {
					t.Errorf("crosswalk %v prints %d bytes", run.args, len(said))
				}
			}
		})
	}
}

// TestOtherEditors takes files with Windows line ends and a byte order mark.
func TestOtherEditors(t *testing.T) {
	windows := func(s string) string { return "\ufeff" + strings.ReplaceAll(s, "\n", "\r\n") }
	dir := t.TempDir()
	writeFile(t, dir, "crosswalk.yaml", windows(shopConfig))
	writeFile(t, dir, "mapping.yaml", windows(shopMapping))
	writeFile(t, dir, "body.json", windows("{\"order_id\": 1,\n \"products\": [{\"article\": \"a\", \"quantity\": 1, \"price\": 2}]}\n"))
	crosswalk(t, dir, 0, "validate", "--strict", "--plugins", plugins)
	crosswalk(t, dir, 0, "map", "mapping.yaml", "--input", "body.json", "--plugins", plugins)
	writeFile(t, dir, "mapping.yaml", windows(strings.Replace(shopMapping, "order_id", "order_idd", 1)))
	out := crosswalk(t, dir, 1, "validate", "--plugins", plugins)
	want := "mapping.yaml:5:16: error CW121: "
	if !strings.HasPrefix(out.stdout, want) || strings.Contains(out.stdout, "\r") {
		t.Errorf("want it to begin with %q and hold no \\r:\n%q", want, out.stdout)
	}
}

// TestLargeBodies maps a body of many megabytes, and refuses one that is larger
// than any webhook may be.
func TestLargeBodies(t *testing.T) {
	dir := shopFolder(t, shopMapping)
	line := `{"article": "a", "quantity": 1, "price": 2, "title": "` + strings.Repeat("x", 1000) + `"},`
	body := `{"order_id": 1, "products": [` + strings.TrimSuffix(strings.Repeat(line, 8000), ",") + `]}`
	writeFile(t, dir, "large.json", body)
	out := crosswalk(t, dir, 0, "map", "mapping.yaml", "--input", "large.json", "--plugins", plugins)
	if n := strings.Count(out.stdout, `"sku"`); n != 8000 {
		t.Errorf("the record has %d products, want 8000", n)
	}
	writeFile(t, dir, "huge.json", string(bytes.Repeat([]byte(" "), 64<<20+1)))
	refused := crosswalk(t, dir, 2, "map", "mapping.yaml", "--input", "huge.json", "--plugins", plugins)
	if want := "crosswalk: the body huge.json cannot be read: it holds more than 64 MiB\n"; refused.stderr != want {
		t.Errorf("it says %q, want %q", refused.stderr, want)
	}
}

// TestLargeMapping says one thing of mappings that are larger than any may be, however
// large they are.
func TestLargeMapping(t *testing.T) {
	dir := shopFolder(t, "")
	for _, size := range []int{1<<20 + 1, 5 << 20, 9 << 20} {
		writeFile(t, dir, "mapping.yaml", shopMapping+strings.Repeat("#", size-len(shopMapping)))
		out := crosswalk(t, dir, 1, "validate", "mapping.yaml", "--plugins", plugins)
		want := "mapping.yaml: error CW100: the file is larger than 1 MiB (1048576 bytes), and a mapping has at most that\n"
		if !strings.HasPrefix(out.stdout, want) || strings.Count(out.stdout, "error") != 1 {
			t.Errorf("of %d bytes it says %q, want %q", size, out.stdout, want)
		}
	}
}

// TestDeviceInput reads no more of an endless file than it may.
func TestDeviceInput(t *testing.T) {
	const endless = "/dev/zero"
	if m, err := filepath.Glob(endless); err != nil || len(m) == 0 {
		t.Skip("there is no " + endless)
	}
	dir := shopFolder(t, shopMapping)
	crosswalk(t, dir, 1, "validate", endless, "--plugins", plugins)
	crosswalk(t, dir, 2, "map", "mapping.yaml", "--input", endless, "--plugins", plugins)
}
