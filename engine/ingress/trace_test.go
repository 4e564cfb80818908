package ingress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const sendersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

// traceTo posts a body in a trace of the sender's.
func (r *rig) postTraced(t *testing.T, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.addr+"/in/shop/"+token, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Traceparent", "00-"+sendersTrace+"-00f067aa0ba902b7-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// A sender's trace goes on with the plugin and with each event, also where the request
// is kept as it came and decoded later, and the log names the trace and the events.
func TestTrace(t *testing.T) {
	tracer, err := tracing.New(t.Context(), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	// Nobody is there; what is told is of no interest here.
	if err := tracer.Set(t.Context(), tracing.Settings{Endpoint: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = tracer.Close(ctx)
	})
	var (
		mu   sync.Mutex
		down bool
		told []string
	)
	keeper := &shelf{}
	r := start(t, func(_ context.Context, q wire.Request) (wire.Decoded, error) {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return wire.Decoded{}, errors.New("down")
		}
		told = append(told, q.Traceparent)
		var ids []string
		if err := json.Unmarshal(q.Body, &ids); err != nil {
			return wire.Decoded{}, err
		}
		var d wire.Decoded
		for _, id := range ids {
			d.Events = append(d.Events, wire.Event{Type: "order", ID: id, Key: id, Record: fmt.Appendf(nil, `{"id":%q}`, id)})
		}
		return d, nil
	}, func(o *ingress.Options) { o.Tracer, o.Keeper = tracer, keeper })
	if code := r.postTraced(t, `["a"]`); code != http.StatusOK {
		t.Fatal(code)
	}
	if code := r.postTraced(t, `["b","c"]`); code != http.StatusOK {
		t.Fatal(code)
	}
	mu.Lock()
	down = true
	mu.Unlock()
	if code := r.postTraced(t, `["d"]`); code != http.StatusAccepted {
		t.Fatal(code)
	}
	mu.Lock()
	down = false
	mu.Unlock()
	deadline := time.Now().Add(time.Minute)
	for len(r.journal.all()) < 4 {
		if time.Now().After(deadline) {
			t.Fatal("what was kept is not decoded")
		}
		time.Sleep(10 * time.Millisecond)
	}
	events := r.journal.all()
	seen := map[string]bool{}
	for _, e := range events {
		if tracing.IDOf(e.Trace) != sendersTrace || seen[e.Trace] {
			t.Errorf("event %s has the trace %q, and the span of no other event", e.ID, e.Trace)
		}
		seen[e.Trace] = true
	}
	mu.Lock()
	defer mu.Unlock()
	for _, parent := range told {
		if tracing.IDOf(parent) != sendersTrace || seen[parent] {
			t.Errorf("the plugin is told %q", parent)
		}
		seen[parent] = true
	}
	if len(told) != 3 {
		t.Errorf("the plugin was asked %d times", len(told))
	}
	for _, want := range []string{
		"trace_id=" + sendersTrace + " sequence=1 event_id=a accepted=1",
		"sequences=\"[2 3]\" event_ids=\"[b c]\" accepted=2",
		"connection=shop sequence=4 event_id=d",
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, r.log)
		}
	}
}
