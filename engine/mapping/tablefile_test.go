package mapping_test

import (
	"io/fs"
	"strconv"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// TestTableFileInDigest: a program's digest changes with the text of a table's
// file, and is the mapping's own where there is none.
func TestTableFileInDigest(t *testing.T) {
	const text = "mapping: m\nfrom: any.event\nto: any.operation\ntables: {t: tables/t.csv}\nfields: {a: {path: a, table: t}}\n"
	with := func(csv string) string {
		p, found := mapping.CompileWith("m.yaml", []byte(text), catalog{}, mapping.Options{Tables: readTable(func(path string) (mapping.TableFile, error) {
			if path != "tables/t.csv" {
				return mapping.TableFile{}, fs.ErrNotExist
			}
			return mapping.TableFile{Name: path, Text: []byte(csv)}, nil
		})})
		if p == nil {
			t.Fatal(found.Err())
		}
		return p.SHA256()
	}
	one, again, other := with("k,v\n1,2\n"), with("k,v\n1,2\n"), with("k,v\n1,3\n")
	if one != again || one == other || len(one) != 64 {
		t.Errorf("digests %s, %s, %s", one, again, other)
	}
	plain := strings.Replace(text, "tables: {t: tables/t.csv}", "tables: {t: {1: 2}}", 1)
	// sha256sum of the text itself.
	if got := compile(t, plain).SHA256(); got != "28395528dfee96e3aa9ae9312ac556193fccb8bfdc59423b8eb9754892922e8e" {
		t.Errorf("digest without a file: %s", got)
	}
}

// TestLargeTableFile compiles a table of some hundred thousand rows, and maps with it.
func TestLargeTableFile(t *testing.T) {
	var b strings.Builder
	b.WriteString("k,v\n")
	for i := range 200_000 {
		b.WriteString(strconv.Itoa(i) + ",v" + strconv.Itoa(i) + "\n")
	}
	p, found := mapping.CompileWith("m.yaml", []byte("mapping: m\nfrom: any.event\nto: any.operation\ntables: {t: t.csv}\nfields: {a: {path: a, table: t}}\n"), catalog{},
		mapping.Options{Tables: readTable(func(path string) (mapping.TableFile, error) {
			return mapping.TableFile{Name: path, Text: []byte(b.String())}, nil
		})})
	if p == nil {
		t.Fatal(found.Err())
	}
	if r, err := mapRecord(t, p, `{"a":"199999"}`); err != nil || string(r.Record) != `{"a":"v199999"}` {
		t.Errorf("%s, %v", r.Record, err)
	}
}
