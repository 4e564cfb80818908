package tracing_test

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/crosswalk-etl/crosswalk/engine/tracing"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
)

const (
	trace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	sender = "00-" + trace + "-00f067aa0ba902b7-01"
)

// collector takes spans while it is up.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	down  bool
	posts int
	spans []*tracev1.Span
	got   chan struct{}
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{got: make(chan struct{}, 1)}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := gzip.NewReader(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	raw, err := io.ReadAll(body)
	var m collectorv1.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(raw, &m) != nil {
		http.Error(w, "not readable", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() {
		select {
		case c.got <- struct{}{}:
		default:
		}
	}()
	c.posts++
	if c.down {
		http.Error(w, "down for now", http.StatusServiceUnavailable)
		return
	}
	for _, of := range m.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

func (c *collector) set(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// wait waits until the collector has been asked so often.
func (c *collector) wait(t *testing.T, what string, until func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		c.mu.Lock()
		done := until()
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-c.got:
		case <-deadline:
			t.Fatal("waited a minute for", what)
		}
	}
}

func newTracer(t *testing.T, s tracing.Settings) (*tracing.Tracer, *sdktest.Log) {
	t.Helper()
	log := &sdktest.Log{}
	tr, err := tracing.New(t.Context(), "1.2.3", log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Set(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = tr.Close(ctx)
	})
	return tr, log
}

// TestSpans: what is told has the right parents, and says what it is about.
func TestSpans(t *testing.T) {
	c := newCollector(t)
	tr, _ := newTracer(t, tracing.Settings{Endpoint: c.URL + "/v1/traces"})
	at := time.Unix(1_700_000_000, 5)
	w := tr.Webhook(sender, "webhook", at)
	p := w.Child(tracing.Producer, "publish", at)
	if w.TraceID() != trace || tracing.IDOf(p.Parent()) != trace {
		t.Errorf("the trace is %s, then %s", w.TraceID(), p.Parent())
	}
	tr.Record(p.Parent(), tracing.Client, "send", at.Add(time.Hour), at.Add(2*time.Hour), &tracing.About{
		Mapping: "order", EventID: strings.Repeat("x", 300), Attempt: 3, Action: "Перевертайло", Class: "INVALID", Code: "phone +380671112233 is bad",
	})
	p.End(at, &tracing.About{Sequence: 7, Duplicate: true})
	w.End(at, nil)
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	ids := map[string]string{"00f067aa0ba902b7": "the sender"}
	for _, s := range c.spans {
		ids[hex.EncodeToString(s.GetSpanId())] = s.GetName()
	}
	for _, s := range c.spans {
		line := fmt.Sprintf("%s below %s, %s, took %s,", s.GetName(), ids[hex.EncodeToString(s.GetParentSpanId())], s.GetStatus().GetCode(),
			time.Duration(s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano()))
		for _, a := range s.GetAttributes() {
			line += fmt.Sprintf(" %s=%v", a.GetKey(), a.GetValue().GetStringValue()+fmt.Sprint(a.GetValue().GetIntValue(), a.GetValue().GetBoolValue()))
		}
		got = append(got, line)
	}
	want := []string{
		"send below publish, STATUS_CODE_ERROR, took 1h0m0s, crosswalk.mapping=order0 false crosswalk.attempt=3 false crosswalk.action=other0 false error.type=INVALID0 false crosswalk.code=other0 false",
		"publish below webhook, STATUS_CODE_UNSET, took 0s, crosswalk.sequence=7 false crosswalk.duplicate=0 true",
		"webhook below the sender, STATUS_CODE_UNSET, took 0s,",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s := tr.Stats(); s != (tracing.Stats{Exported: 3}) {
		t.Errorf("%+v", s)
	}
}

// TestSample: the sender decides where it says so, and the share where it does not.
func TestSample(t *testing.T) {
	c := newCollector(t)
	for share, own := range map[float64]bool{0: false, 1: true} {
		tr, _ := newTracer(t, tracing.Settings{Endpoint: c.URL, Sample: share})
		for parent, want := range map[string]bool{
			sender: true, strings.TrimSuffix(sender, "1") + "0": false, "": own, "no trace": own, "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01": own,
		} {
			if s := tr.Webhook(parent, "webhook", time.Now()); (s != nil) != want {
				t.Errorf("share %g, traceparent %q: traced is %t", share, parent, s != nil)
			}
		}
	}
}

// TestOff: without an endpoint nothing is made and nothing is paid.
func TestOff(t *testing.T) {
	off, _ := newTracer(t, tracing.Settings{})
	c := newCollector(t)
	unsampled, _ := newTracer(t, tracing.Settings{Endpoint: c.URL})
	var none *tracing.Tracer
	now := time.Now()
	for name, tr := range map[string]*tracing.Tracer{"none": none, "off": off, "on, of an event without a trace": unsampled} {
		if n := testing.AllocsPerRun(100, func() {
			if tr != unsampled {
				if tr.On() || tr.Webhook(sender, "webhook", now) != nil || tr.Start(sender, tracing.Client, "send", now) != nil {
					t.Error("it makes a span")
				}
			}
			s := tr.Start("", tracing.Client, "send", now)
			child := s.Child(tracing.Client, "decode", now)
			child.Link(s)
			if child.Parent()+child.TraceID() != "" {
				t.Error("no span has a name")
			}
			child.End(now, nil)
			tr.Record("", tracing.Client, "map", now, now, nil)
		}); n != 0 {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
	if err := none.Close(t.Context()); err != nil || none.Stats() != (tracing.Stats{}) {
		t.Error(err, none.Stats())
	}
}

// TestCollectorDown: what ends spans never waits for the collector; what there is no
// room for is counted, and told of in the log.
func TestCollectorDown(t *testing.T) {
	c := newCollector(t)
	c.set(true)
	tr, log := newTracer(t, tracing.Settings{Endpoint: c.URL + "/v1/traces", Headers: map[string]string{"Authorization": "Bearer geheim"}})
	end := func(n int) {
		for range n {
			tr.Record(sender, tracing.Client, "send", time.Now(), time.Now(), nil)
		}
	}
	end(512)
	c.wait(t, "the first post", func() bool { return c.posts > 0 })
	end(10_000) // with nobody to take them
	s := tr.Stats()
	if s.Exported != 0 || s.Dropped < 1000 || s.Dropped > 3000 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
	c.set(false)
	left := 10_512 - int(s.Dropped)
	c.wait(t, "what was kept", func() bool { return len(c.spans) == left })
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := tr.Stats(); int(s.Exported) != left {
		t.Errorf("%+v, want %d exported", s, left)
	}
	text := log.String()
	if strings.Count(text, "the collector does not take traces") != 1 || !strings.Contains(text, "down for now") || !strings.Contains(text, "takes traces again") ||
		!strings.Contains(text, fmt.Sprint("dropped=", s.Dropped)) || strings.Contains(text, "geheim") {
		t.Errorf("the log says\n%s", text)
	}
}

// TestElsewhere: what waits goes to the collector that is set then, and nowhere once
// tracing is off.
func TestElsewhere(t *testing.T) {
	from, to := newCollector(t), newCollector(t)
	from.set(true)
	tr, _ := newTracer(t, tracing.Settings{Endpoint: from.URL})
	tr.Record(sender, tracing.Client, "first", time.Now(), time.Now(), nil)
	from.wait(t, "a post", func() bool { return from.posts > 0 })
	if err := tr.Set(t.Context(), tracing.Settings{Endpoint: to.URL}); err != nil {
		t.Fatal(err)
	}
	to.wait(t, "the span", func() bool { return len(to.spans) == 1 })
	if err := tr.Set(t.Context(), tracing.Settings{}); err != nil {
		t.Fatal(err)
	}
	if tr.On() || tr.Start(sender, tracing.Client, "second", time.Now()) != nil {
		t.Error("it is not off")
	}
}

// TestCloseIsBounded: a collector that hangs does not keep the engine from ending.
func TestCloseIsBounded(t *testing.T) {
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(hang) })
	tr, _ := newTracer(t, tracing.Settings{Endpoint: s.URL})
	tr.Record(sender, tracing.Client, "send", time.Now(), time.Now(), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := tr.Close(ctx); err == nil {
		t.Error("it was told to nobody, and nothing says so")
	}
}
