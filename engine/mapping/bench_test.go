package mapping_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// shippedCatalog serves the schemas of the connectors that the shipped mappings are
// written for, and knows nothing of others.
type shippedCatalog struct{ testing.TB }

func (c shippedCatalog) Event(connection, _ string) (*schema.Schema, error) {
	file := map[string]string{"shop": "horoshop/schema/order_created.json", "salesdrive": "salesdrive/schema/order.json"}[connection]
	return schema.Parse(c.read("..", "..", "plugins", filepath.FromSlash(file)))
}

func (shippedCatalog) Lookup(string, string) (mapping.LookupSchema, error) {
	return mapping.LookupSchema{}, nil
}

func (c shippedCatalog) Operation(string, string) (*schema.Schema, error) {
	return schema.Parse(c.read("testdata", "bench", "saleapp.json"))
}

func (c shippedCatalog) read(path ...string) []byte {
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		c.Fatal(err)
	}
	return text
}

func compileIn(b *testing.B, cat mapping.Catalog, file string, text []byte) *mapping.Program {
	b.Helper()
	p, found := mapping.Compile(file, text, cat)
	if p == nil {
		var out strings.Builder
		_ = found.WriteText(&out)
		b.Fatalf("%s does not compile:\n%s", file, out.String())
	}
	return p
}

// measure maps a record and scans it with gjson.Valid by turns, so that both meet
// the same load. It reports Map's ns and allocations, the scan's ns, and their ratio.
// It returns Map's ns.
func measure(b *testing.B, p *mapping.Program, record []byte) (ns float64) {
	b.Helper()
	ev := &mapping.Event{Connection: "shop", Type: "order_created", Key: "1", Record: record}
	buf := make([]byte, 0, 2*len(record)+4096)
	var mapped, scanned time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	const turn = 100
	for done := 0; done < b.N; done += turn {
		n := min(turn, b.N-done)
		start := time.Now()
		for range n {
			r, err := p.Map(ev, buf[:0])
			if err != nil {
				b.Fatal(err)
			}
			buf = r.Record
		}
		middle := time.Now()
		for range n {
			if !gjson.ValidBytes(record) {
				b.Fatal("not valid")
			}
		}
		mapped += middle.Sub(start)
		scanned += time.Since(middle)
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(b.N) }
	b.ReportMetric(each(mapped), "ns/op")
	b.ReportMetric(each(scanned), "scan-ns/op")
	b.ReportMetric(float64(mapped)/float64(scanned), "times-the-scan")
	return each(mapped)
}

// BenchmarkMap maps an order of 0.9 KB by the shipped Horoshop mapping, one of 6 KB
// by the shipped SalesDrive mapping, and the first one by rules without expressions.
// Beside each stands gjson.Valid of the same bytes: one validating scan, the least
// that reading them can cost.
func BenchmarkMap(b *testing.B) {
	cat := shippedCatalog{b}
	for _, name := range []string{"horoshop", "salesdrive"} {
		text := cat.read("..", "..", "mappings", name+"-order", "mapping.yaml")
		p := compileIn(b, cat, name, text)
		record := cat.read("testdata", "bench", name+".json")
		b.Run(name, func(b *testing.B) { measure(b, p, record) })
	}
	p := compileIn(b, cat, "paths", cat.read("testdata", "bench", "paths.yaml"))
	b.Run("horoshop/without-expressions", func(b *testing.B) { measure(b, p, cat.read("testdata", "bench", "horoshop.json")) })
}

// BenchmarkSize maps documents of 1 KB to 10 MB, most of it lines of an order.
func BenchmarkSize(b *testing.B) {
	cat := shippedCatalog{b}
	p := compileIn(b, cat, "paths", cat.read("testdata", "bench", "paths.yaml"))
	line := `{"article":"THERMO-075","price":599.75,"quantity":2,"title":"Термос 0.75 л"},`
	for _, size := range []int{1 << 10, 10 << 10, 100 << 10, 1 << 20, 10 << 20} {
		record := []byte(`{"order_id":20417,"delivery_type":{"id":3},"delivery_name":"Марія Коваленко","delivery_phone":"0675551234","products":[` +
			strings.TrimSuffix(strings.Repeat(line, size/len(line)), ",") + `]}`)
		b.Run(fmt.Sprintf("%d_KB", size>>10), func(b *testing.B) {
			b.ReportMetric(measure(b, p, record)*1024/float64(len(record)), "ns/KB")
		})
	}
}

// BenchmarkRules maps one document of 200 fields by 1 to 200 rules.
func BenchmarkRules(b *testing.B) {
	var record bytes.Buffer
	for i := range 200 {
		fmt.Fprintf(&record, `,"field_%03d":"value %d"`, i, i)
	}
	doc := []byte("{" + record.String()[1:] + "}")
	for _, n := range []int{1, 10, 50, 100, 200} {
		var text strings.Builder
		text.WriteString("mapping: rules\nfrom: any.event\nto: any.operation\nfields:\n")
		for i := range n {
			fmt.Fprintf(&text, "  out_%03d: field_%03d\n", i, i)
		}
		p := compileIn(b, catalog{}, "rules", []byte(text.String()))
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			b.ReportMetric(measure(b, p, doc)/float64(n), "ns/rule")
		})
	}
}
