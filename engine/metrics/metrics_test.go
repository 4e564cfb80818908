package metrics_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/metrics"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
)

// fixed is an engine whose state does not change.
type fixed struct {
	state metrics.State
	err   error
}

func (f fixed) State(context.Context) (metrics.State, error) { return f.state, f.err }

// committing is a lane that stores nothing.
type committing struct {
	delivery.Lane
	err error
}

func (c committing) Commit(context.Context, []event.Outcome, []event.DeadLetter, []uint64) error {
	return c.err
}

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// everything has a number in each metric that there is.
func everything(t *testing.T) *metrics.Metrics {
	t.Helper()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m := metrics.New("1.2.3", fixed{state: metrics.State{
		Ready: true, DeadLetters: 3, Alarms: 1, Traces: tracing.Stats{Exported: 40, Dropped: 2, Refused: 1},
		Configuration: metrics.Configuration{AppliedAt: noon, Applied: 2, Unchanged: 1, Refused: 3},
		Ingress: ingress.Stats{
			Requests: 9, Refused: map[string]uint64{"bad_json": 2, "not_found": 1}, Strangers: map[string]uint64{"not_found": 1},
			Connections: []ingress.ConnectionStats{{
				Name: "shop", Requests: 8, Accepted: 5, Duplicates: 1, Kept: 3, Refused: map[string]uint64{"bad_json": 2}, LastAccepted: &noon,
			}},
		},
		Paused: []metrics.PausedMapping{
			{Lane: event.Lane{Source: "shop", Sink: "saleapp"}, Mapping: "refund", Backlog: 7, OldestAt: noon},
			{Lane: event.Lane{Source: "shop", Sink: "crm"}, Mapping: "client"},
		},
		Undecoded:   []metrics.Undecoded{{Connection: "shop", Waiting: 2, Bytes: 4096, OldestAt: noon, Refused: 1}, {Connection: "crm"}},
		Connections: []metrics.Connection{{Name: "shop", Plugin: "horoshop", Up: true, Restarts: 2}, {Name: "saleapp", Plugin: "saleapp", Gate: string(delivery.GatePaused), Since: noon, AtSink: 2}},
		Lanes: []metrics.Lane{{
			Lane: event.Lane{Source: "shop", Sink: "saleapp"}, Backlog: 4, OldestAt: noon,
			Delivery: &delivery.Stats{
				Totals:   delivery.Totals{Calls: 11, Failures: 6, Retries: 5, LookupCalls: 3, LookupFailures: 1},
				Retrying: 2, Sending: 1, Waiting: 1,
			},
		}, {Lane: event.Lane{Source: "shop", Sink: "crm"}}, {Lane: event.Lane{Source: "crm", Sink: "saleapp"}, Backlog: 5, OldestAt: noon, Uncounted: true}},
	}})
	m.Webhook("shop", 200, 3*time.Millisecond)
	m.Webhook("", 404, time.Millisecond)
	lane := m.Lane(committing{})
	at := event.Lane{Source: "shop", Sink: "saleapp"}
	m.Mapping(at, "order")
	outcomes := []event.Outcome{
		{Lane: at, Mapping: "order", Kind: event.Delivered, Attempts: 2, ReceivedAt: noon, At: noon.Add(20 * time.Millisecond)},
		{Lane: at, Mapping: "order", Kind: event.Delivered, Attempts: 1, ReceivedAt: noon, At: noon.Add(-time.Second)},
		{Lane: at, Mapping: "order", Kind: event.Skipped, ReceivedAt: noon, At: noon},
		{Lane: at, Mapping: "order", Kind: event.Dead, Attempts: 1, At: noon, Reason: &event.Reason{Class: "INVALID", Code: "bad_phone", Message: "380501112233"}},
		{Lane: at, Mapping: "order", Kind: event.Dead, At: noon, Reason: &event.Reason{Class: "MAPPING", Code: "CW301", Message: "380501112233"}},
	}
	if err := lane.Commit(t.Context(), outcomes, nil, nil); err != nil {
		t.Fatal(err)
	}
	// What is not stored is not counted: it is committed again.
	broken := errors.New("disk full")
	if err := m.Lane(committing{err: broken}).Commit(t.Context(), outcomes, nil, nil); !errors.Is(err, broken) {
		t.Fatalf("commit: %v", err)
	}
	return m
}

var changing = regexp.MustCompile(`(?m)^(# (HELP|TYPE) )?(go_|process_|promhttp_).*\n|,go="[^"]*"|go="[^"]*",`)

// What a scrape answers, in whole. UPDATE=1 writes it anew.
func TestScrape(t *testing.T) {
	got := changing.ReplaceAllString(scrape(t, everything(t)), "")
	file := filepath.Join("testdata", "scrape.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("scrape differs from %s:\n%s", file, got)
	}
	if strings.Contains(got, "380501112233") {
		t.Error("a value of a record is among the metrics")
	}
}

// Names, units and types are as Prometheus wants them.
func TestNames(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, everything(t)))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "crosswalk_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestStateThatCannotBeRead(t *testing.T) {
	got := scrape(t, metrics.New("1.2.3", fixed{err: errors.New("no answer")}))
	for _, want := range []string{"crosswalk_state_readable 0\n", "crosswalk_build_info{"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "crosswalk_ready") {
		t.Error("what is not known is told all the same")
	}
}

func TestOpenMetrics(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	everything(t).Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil || !strings.HasSuffix(string(body), "# EOF\n") {
		t.Errorf("%v, %q", err, w.Header().Get("Content-Type"))
	}
}
