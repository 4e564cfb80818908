package mapping_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// BenchmarkMap maps a Horoshop order of 0.9 KB and a SalesDrive order of 6 KB. Beside
// each stands gjson.Valid of the same bytes: one validating scan, the least that
// reading them can cost.
func BenchmarkMap(b *testing.B) {
	for _, c := range []struct{ name, record, file string }{
		{"horoshop", "horoshop.json", "horoshop.yaml"},
		{"salesdrive", "salesdrive.json", "salesdrive.yaml"},
	} {
		read := func(name string) []byte {
			text, err := os.ReadFile(filepath.Join("testdata", "bench", name))
			if err != nil {
				b.Fatal(err)
			}
			return text
		}
		record := read(c.record)
		p := compile(b, string(read(c.file)))
		b.Run(c.name, func(b *testing.B) {
			ev := &mapping.Event{Connection: "shop", Key: "1", Record: record}
			buf := make([]byte, 0, 4096)
			b.ReportAllocs()
			b.SetBytes(int64(len(record)))
			for b.Loop() {
				r, err := p.Map(ev, buf[:0])
				if err != nil {
					b.Fatal(err)
				}
				buf = r.Record
			}
		})
		b.Run(c.name+"/gjson.Valid", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(record)))
			for b.Loop() {
				if !gjson.ValidBytes(record) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
