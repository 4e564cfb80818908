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

func (c shippedCatalog) Lookup(connection, name string) (mapping.LookupSchema, error) {
	folder := filepath.Join("..", "..", "plugins", connection, "schema")
	args, err := schema.Parse(c.read(folder, name+".args.json"))
	if err != nil {
		return mapping.LookupSchema{}, err
	}
	answer, err := schema.Parse(c.read(folder, name+".answer.json"))
	return mapping.LookupSchema{Args: args, Answer: answer, CacheFor: time.Hour}, err
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

func compileIn(b testing.TB, cat mapping.Catalog, file string, text []byte) *mapping.Program {
	b.Helper()
	p, found := mapping.Compile(file, text, cat)
	if p == nil {
		var out strings.Builder
		_ = found.WriteText(&out)
		b.Fatalf("%s does not compile:\n%s", file, out.String())
	}
	return p
}

// foundBy gives what delivery holds for a record whose lookups are answered from
// its cache: the answers to all questions, by their keys.
func foundBy(b testing.TB, p *mapping.Program, ev *mapping.Event) mapping.Answers {
	b.Helper()
	if p.Lookups() == 0 {
		return nil
	}
	known := map[string]string{
		"city":   `{"ref":"db5c8892-391c-11dd-90d9-001a92567626","settlement_ref":"e7221a9a-4b33-11e4-ab6d-005056801329","name":"Полтава","area":"Полтавська","region":"","type":"м."}`,
		"branch": `{"ref":"47402e7b-e1c2-11e3-8c4a-0050568002cf","number":"13","description":"Відділення №13 (до 30 кг): вул. Соборності, 41","type":"branch","address":"Полтава, Соборності, 41","status":"Working"}`,
	}
	answers := mapping.Answers{}
	for {
		res, err := p.MapWith(ev, answers, nil)
		if err != nil {
			b.Fatal(err)
		}
		if len(res.Questions) == 0 {
			return answers
		}
		for _, q := range res.Questions {
			answers[q.Key()] = mapping.Found([]byte(known[q.Name]))
		}
	}
}

// measure maps a record and scans it with gjson.Valid by turns, so that both meet
// the same load. It reports Map's ns and allocations, the scan's ns, and their ratio.
// It returns Map's ns.
func measure(b *testing.B, p *mapping.Program, record []byte) (ns float64) {
	b.Helper()
	ev := &mapping.Event{Connection: "shop", Type: "order_created", Key: "1", Record: record}
	answers := foundBy(b, p, ev)
	buf := make([]byte, 0, 2*len(record)+4096)
	var mapped, scanned time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	const turn = 100
	for done := 0; done < b.N; done += turn {
		n := min(turn, b.N-done)
		start := time.Now()
		for range n {
			r, err := p.MapWith(ev, answers, buf[:0])
			if err != nil || len(r.Record) == 0 {
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
// Their lookups are answered, and what is asked is looked up in the answers by its
// key, as in delivery. Beside each stands gjson.Valid of the same bytes: one validating scan, the least
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
