package e2e

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collectorToken is what the engine has to bring to the collector.
const collectorToken = "e2e-collector-token"

// told is a span as the collector was told of it.
type told struct {
	trace, id, parent, name string
	failed                  bool
	// attrs has a span's, values as text.
	attrs map[string]string
}

// collector takes spans, as OTLP over HTTP has them.
type collector struct {
	url string

	mu    sync.Mutex
	spans []told
	// raw is everything that came, as it came.
	raw []byte
	// faults are requests that were not as they have to be.
	faults []string
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.url = s.URL
	return c
}

// config is the key tracing for an engine.
func (c *collector) config() string {
	return fmt.Sprintf("\ntracing: {endpoint: %q, headers: {Authorization: %q}}\n", c.url, "Bearer "+collectorToken)
}

// ServeHTTP takes a batch.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, spans, err := read(r)
	if err != nil {
		c.faults = append(c.faults, err.Error())
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.raw, c.spans = append(c.raw, raw...), append(c.spans, spans...)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func read(r *http.Request) (raw []byte, spans []told, err error) {
	if at := r.Method + " " + r.URL.Path; at != "POST /v1/traces" || r.Header.Get("Authorization") != "Bearer "+collectorToken {
		return nil, nil, fmt.Errorf("%s with Authorization %q", at, r.Header.Get("Authorization"))
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			return nil, nil, err
		}
	}
	if raw, err = io.ReadAll(body); err != nil {
		return nil, nil, err
	}
	var m collectorv1.ExportTraceServiceRequest
	if err := proto.Unmarshal(raw, &m); err != nil {
		return nil, nil, err
	}
	for _, of := range m.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				spans = append(spans, toldOf(s))
			}
		}
	}
	return raw, spans, nil
}

func toldOf(s *tracev1.Span) told {
	out := told{
		trace: hex.EncodeToString(s.GetTraceId()), id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()),
		name: s.GetName(), failed: s.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR, attrs: map[string]string{},
	}
	for _, a := range s.GetAttributes() {
		v := a.GetValue()
		text := v.GetStringValue()
		if n := v.GetIntValue(); n != 0 {
			text = strconv.FormatInt(n, 10)
		} else if v.GetBoolValue() {
			text = "true"
		}
		out.attrs[a.GetKey()] = text
	}
	return out
}

// all gives the spans that have come.
func (c *collector) all() []told {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// text gives everything that came.
func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.raw)
}

// check tells of requests that were not as they have to be.
func (c *collector) check(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.faults {
		t.Error("the collector was sent something else:", f)
	}
}

// find waits for a span of a trace by its name that fits, and gives it.
func (c *collector) find(t *testing.T, trace, name string, fits func(told) bool) told {
	t.Helper()
	var found told
	eventually(t, "the span "+name, func() error {
		var names []string
		for _, s := range c.all() {
			if s.trace == trace && s.name == name && (fits == nil || fits(s)) {
				found = s
				return nil
			}
			names = append(names, fmt.Sprint(s.name, s.attrs))
		}
		return fmt.Errorf("there are %v", names)
	})
	return found
}
