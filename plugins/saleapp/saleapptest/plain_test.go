package saleapptest

import (
	"fmt"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPlainProducts: the short way finds what the long way finds, or is not taken.
func TestPlainProducts(t *testing.T) {
	catalog, err := ParseCatalog("c.json", []byte(`{"products":[{"id":40,"external_id":"2","sku":"UA23","name":"Термос"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	values := []string{`1`, `"1"`, `2.50`, `"UA23"`, `40`, `""`, `null`, `true`, `[]`, `{}`, `-1`, `0`, `"a\u0062"`, `1e3`, `"Кава"`}
	names := []string{"id", "external_id", "supplier_id", "sku", "qty", "cost", "discount_percent", "unknown", "QTY", `s\u006bu`}
	random := rand.New(rand.NewPCG(3, 4))
	texts := []string{
		`[]`, `null`, `{}`, `[1]`, `[null]`, `[`, `[{"sku":"a","qty":1}`, ` [ { "sku" : "a" , "qty" : 1 } ] `, `[{"sku":"a","qty":1},]`,
		`[{"sku":"a","qty":1}][]`, strings.Repeat("[", maxPlain+1),
	}
	for range 3000 {
		var rows []string
		for range 1 + random.IntN(2) {
			members := []string{`"sku":"UA23"`, fmt.Sprintf(`"qty":%d`, random.IntN(4))}
			for range random.IntN(3) {
				members = append(members, `"`+names[random.IntN(len(names))]+`":`+values[random.IntN(len(values))])
			}
			rows = append(rows, "{"+strings.Join(members, ",")+"}")
		}
		texts = append(texts, "["+strings.Join(rows, ",")+"]")
	}
	short := 0
	for _, s := range []*Server{New(Options{}), New(Options{Catalog: catalog})} {
		for _, c := range []caller{{}, {bound: &s.counterparty}} {
			for _, text := range texts {
				got := s.plainProducts(c, text)
				if got == nil {
					continue
				}
				short++
				want, problems := s.anyProducts(c, text)
				if diff := cmp.Diff(want, got); diff != "" || problems != nil {
					t.Fatalf("%s: %v %s", text, problems, diff)
				}
			}
		}
	}
	if short < len(texts) {
		t.Errorf("only %d of %d went the short way", short, 4*len(texts))
	}
}

// TestAnswersByHand: they are what encoding/json writes.
func TestAnswersByHand(t *testing.T) {
	for _, a := range []answer{
		success(""), success("Документ успішно створено!"),
		{Error: "false", CreateID: 134},
		{Error: "false", Response: []*Order{}},
		{Error: "false", Response: []*Order{{ID: "7"}}},
		{Error: "true", Deleted: []Deletion{}},
		{Error: "true", Deleted: []Deletion{{ID: "1"}}},
		refusal(`"A"`), refusal("a\\b", "<&>"), refusal("a\nb\x00\x7f"), refusal("\u2028 \u2029"), refusal("\xff"), refusal("\ufffd"), refusal("😀"),
	} {
		got, err := a.encode()
		if err != nil {
			t.Fatal(err)
		}
		want, err := encode(a)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%+v: %s, want %s", a, got, want)
		}
	}
}

// TestMediaType: what is read by hand is what mime reads.
func TestMediaType(t *testing.T) {
	for _, header := range []string{
		"multipart/form-data; boundary=" + strings.Repeat("aZ9-", 17), "multipart/form-data; boundary=" + strings.Repeat("a", 71),
		`multipart/form-data; boundary="a b"`, "multipart/form-data; boundary=a; charset=utf-8", "multipart/form-data; boundary=", "multipart/form-data",
		"Multipart/Form-Data; Boundary=x", "application/x-www-form-urlencoded; charset=utf-8", "", "text", "multipart/form-data; boundary=[x]", "multipart/form-data; boundary=я",
	} {
		kind, params, err := mime.ParseMediaType(header)
		if err != nil {
			kind, params = "", nil
		}
		if k, boundary := mediaType(header); k != kind || boundary != params["boundary"] {
			t.Errorf("%q: %q %q, want %q %q", header, k, boundary, kind, params["boundary"])
		}
	}
}

// TestLastFieldCounts: of several fields with one name, in either encoding, and
// whatever the others hold.
func TestLastFieldCounts(t *testing.T) {
	part := func(name, value string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for kind, body := range map[string]string{
		"multipart/form-data; boundary=x":   part("a", "\xff") + part("b", "2") + part("a", "3") + "--x--\r\n",
		"application/x-www-form-urlencoded": "a=%ff&b=2&a=3",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		f, _, problem := readForm(httptest.NewRecorder(), r)
		if problem != "" || f.text("a") != "3" || f.text("b") != "2" || f.has("c") || !f.has("c", "b") {
			t.Errorf("%s: %q %s", kind, f, problem)
		}
	}
}

// TestTimestamp: a second's text is not kept beyond it.
func TestTimestamp(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := newStore(func() time.Time { return now })
	for _, want := range []string{"2026-03-04 05:06:07", "2026-03-04 05:06:07", "2026-03-04 05:06:08", "2026-03-04 07:06:08"} {
		if got := s.timestamp(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if want == "2026-03-04 05:06:08" {
			now = now.In(time.FixedZone("", 7200))
		}
		if now.Location() == time.UTC {
			now = now.Add(500 * time.Millisecond)
		}
	}
}

// TestWritesKeepLittle: orders that are changed again and again cost what is said of
// each write, and not each request's body.
func TestWritesKeepLittle(t *testing.T) {
	s := New(Options{})
	const n, size = 300, 100_000
	s.store.create(StoredOrder{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range n {
		body := strings.Repeat("x", size) + "вул. Садова, 12"
		if !s.store.update(query{by: "id", value: "1"}, func(o *StoredOrder) { o.Addres = body[size:] }) {
			t.Fatal("there is no order")
		}
	}
	if after := heap(); after > before+n*size/10 {
		t.Errorf("%d changes keep %d bytes", n, after-before)
	}
	if w := s.Writes(); w[n].Addres != "вул. Садова, 12" {
		t.Errorf("the last write is %+v", w[n])
	}
}
