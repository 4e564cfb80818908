package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// tailed stands for an engine whose events are asked for.
type tailed struct {
	mu     sync.Mutex
	events []admin.EventSummary
	// fails is what it answers instead, 0 for nothing.
	fails int
	// before is done before an answer.
	before func(asked int)
	asked  int
}

func (e *tailed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	if e.before != nil {
		e.before(e.asked)
	}
	w.Header().Set("Cache-Control", "no-store")
	if e.fails != 0 {
		w.WriteHeader(e.fails)
		_, _ = w.Write([]byte(`{"error":{"code":"refused","message":"no"}}`))
		return
	}
	q := r.URL.Query()
	number := func(name string) uint64 {
		n, _ := strconv.ParseUint(q.Get(name), 10, 64) // 0 where it is not given
		return n
	}
	all := slices.DeleteFunc(slices.Clone(e.events), func(s admin.EventSummary) bool {
		return s.Sequence <= number("after") || number("before") > 0 && s.Sequence >= number("before") || q.Get("key") != "" && s.Key != q.Get("key")
	})
	if q.Get("order") != "oldest" {
		slices.Reverse(all)
	}
	_ = json.NewEncoder(w).Encode(admin.EventPage{Events: all[:min(len(all), int(number("limit")))]})
}

func came(seq uint64, key, state string, kind event.Kind) admin.EventSummary {
	s := admin.EventSummary{EventHead: admin.EventHead{Sequence: seq, Connection: "shop", Type: "order_created", Key: key}, StoredAt: now, State: state}
	if kind != "" {
		s.Outcomes = []event.Outcome{{Kind: kind, Mapping: "order"}}
	}
	return s
}

// output is what a tail prints, and ends it once that has a text.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	until string
	end   context.CancelFunc
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if o.until != "" && strings.Contains(o.text.String(), o.until) {
		o.end()
	}
	return n, err
}

// follow runs a tail until it has printed a text.
func follow(t *testing.T, e *tailed, f admin.EventFilter, until string, asJSON bool) (string, error) {
	t.Helper()
	srv := httptest.NewServer(e)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &output{until: until, end: cancel}
	c := client.New(strings.TrimPrefix(srv.URL, "http://"), "")
	defer c.Close()
	one := &tail{app: &app{stdout: out, stderr: out}, client: c, filter: f, every: time.Millisecond}
	one.show = one.table
	if asJSON {
		one.show = one.json
	}
	err := one.run(ctx, 2)
	return strings.ReplaceAll(out.text.String(), c.Addr(), "ADDR"), err
}

// TestTail shows the newest events, what comes, and what becomes of it, also while the
// engine does not answer for a time.
func TestTail(t *testing.T) {
	e := &tailed{events: []admin.EventSummary{
		came(1, "7", "done", event.Delivered), came(2, "8", "done", event.Delivered), came(3, "замовлення 9", "waiting", ""),
	}}
	e.before = func(asked int) {
		switch asked {
		case 5:
			e.fails = http.StatusServiceUnavailable
		case 9:
			e.fails = 0
			e.events[2] = came(3, "замовлення 9", "done", event.Dead)
			e.events = append(e.events, came(4, "10", "unwanted", ""))
		}
	}
	got, err := follow(t, e, admin.EventFilter{}, "unwanted", false)
	at := words.Clock(now)
	want := `EVENT  ACCEPTED             CONNECTION  TYPE           KEY           OUTCOME
2      ` + at + `  shop        order_created  8             delivered by order
3      ` + at + `  shop        order_created  замовлення 9  waiting
the engine at ADDR does not answer: waiting for it, until Ctrl-C
3      ` + at + `  shop        order_created  замовлення 9  dead by order
4      ` + at + `  shop        order_created  10            unwanted
`
	// That it answers again may be said before or after the rows.
	if diff := cmp.Diff(want, strings.ReplaceAll(got, "the engine answers again\n", "")); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestTailOfNone says that it waits, and shows nothing of what was there before and is
// not picked.
func TestTailOfNone(t *testing.T) {
	e := &tailed{events: []admin.EventSummary{came(1, "7", "done", event.Delivered), came(2, "8", "done", event.Delivered)}}
	e.before = func(asked int) {
		if asked == 4 {
			e.events = append(e.events, came(3, "7", "done", event.Delivered), came(4, "9", "done", event.Delivered))
		}
	}
	got, err := follow(t, e, admin.EventFilter{Key: "9"}, "delivered", true)
	first, line, _ := strings.Cut(got, "\n")
	var s admin.EventSummary
	if bad := json.Unmarshal([]byte(line), &s); err != nil || bad != nil || s.Sequence != 4 || strings.Count(got, "\n") != 2 ||
		first != "no such events yet: waiting for the first, until Ctrl-C" {
		t.Errorf("%v %v\n%s", err, bad, got)
	}
}

// TestTailIsRefused ends where waiting does not help.
func TestTailIsRefused(t *testing.T) {
	e := &tailed{events: []admin.EventSummary{came(1, "7", "done", event.Delivered)}}
	e.before = func(asked int) {
		if asked == 4 {
			e.fails = http.StatusUnauthorized
		}
	}
	if got, err := follow(t, e, admin.EventFilter{}, "", false); err == nil || !strings.Contains(err.Error(), "CROSSWALK_ADMIN_TOKEN") {
		t.Errorf("%v\n%s", err, got)
	}
}
