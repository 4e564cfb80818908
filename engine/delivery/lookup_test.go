package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// directory is a lookup that answers every question at once, unless reply says
// otherwise; it notes what it is asked.
type directory struct {
	mu    sync.Mutex
	calls [][]string
	// reply gives what becomes of a question; a nil answer and no failure is none.
	reply func(ctx context.Context, name string) (json.RawMessage, *wire.Failure)
}

func (d *directory) Find(ctx context.Context, connection, lookup string, questions []wire.Question, each func(wire.Answer)) error {
	if connection != "np" || lookup != "city" {
		return fmt.Errorf("asked %s.%s", connection, lookup)
	}
	var names []string
	for _, q := range questions {
		var args struct{ Name string }
		if err := json.Unmarshal(q.Args, &args); err != nil {
			return err
		}
		names = append(names, args.Name)
	}
	d.mu.Lock()
	d.calls = append(d.calls, names)
	d.mu.Unlock()
	for i, q := range questions {
		found, f := json.RawMessage(`{"ref":"`+names[i]+`-ref"}`), (*wire.Failure)(nil)
		if d.reply != nil {
			found, f = d.reply(ctx, names[i])
		}
		if found == nil && f == nil {
			continue
		}
		a := wire.Answer{Index: q.Index, Found: found, Failure: f}
		if f != nil && f.Class == wire.Ambiguous {
			a.Candidates = []json.RawMessage{json.RawMessage(`{"name":"A"}`)}
		}
		each(a)
	}
	return nil
}

// asked gives how many calls and questions there were.
func (d *directory) asked() (calls, questions int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.calls {
		questions += len(c)
	}
	return len(d.calls), questions
}

// asks makes a mapping ask for the city cities(key) before it gives its record.
func asks(m Mapping, keep time.Duration, city func(key string) string) Mapping {
	m.Lookups = 1
	plain := m.Map
	m.MapWith = func(ev *mapping.Event, answers mapping.Answers, buf []byte) (mapping.Result, error) {
		args, err := json.Marshal(map[string]string{"name": city(ev.Key)})
		if err != nil {
			return mapping.Result{}, err
		}
		q := mapping.Question{Lookup: "city", Connection: "np", Name: "city", Args: args, CacheFor: keep}
		a, ok := answers[q.Key()]
		switch {
		case !ok:
			return mapping.Result{Record: buf, Questions: []mapping.Question{q}}, nil
		case a.Refusal != nil:
			return mapping.Result{Record: buf}, &mapping.Error{Diagnostic: diag.Diagnostic{
				Rule: "CW314", Message: fmt.Sprintf("%s, %d candidates", a.Refusal.Message, len(a.Refusal.Candidates)), Position: diag.Position{File: "m.yaml", Line: 7},
			}}
		}
		return plain(ev, buf)
	}
	return m
}

func lookupWorld(t *testing.T, d *directory, keep time.Duration, city func(string) string) (*world, Options) {
	w := newWorld(t, asks(echo("order", "upsert_order", "order"), keep, city))
	o := w.options()
	o.Lookups = d
	return w, o
}

func same(string) string { return "Київ" }

// TestLookupsAreSharedAndKept: equal questions of many events are one question, and
// what may be kept is not asked again.
func TestLookupsAreSharedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := &directory{reply: func(ctx context.Context, name string) (json.RawMessage, *wire.Failure) {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return json.RawMessage(`{"ref":"k"}`), nil
		}}
		w, o := lookupWorld(t, d, time.Hour, same)
		for i := range 50 {
			w.add(fmt.Sprint("k", i))
		}
		_, stop := run(t, o)
		synctest.Wait()
		close(release)
		until(t, time.Minute, w.settled)
		if calls, questions := d.asked(); calls != 1 || questions != 1 {
			t.Errorf("%d calls, %d questions", calls, questions)
		}
		w.add("later")
		until(t, time.Minute, w.settled)
		if _, questions := d.asked(); questions != 1 {
			t.Errorf("asked again: %d", questions)
		}
		time.Sleep(2 * time.Hour)
		w.add("much later")
		until(t, time.Minute, w.settled)
		if _, questions := d.asked(); questions != 2 {
			t.Errorf("an answer was kept too long: %d", questions)
		}
		stop()
	})
}

// TestLookupsAreBatched: questions that wait together go in one call.
func TestLookupsAreBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{}
		w, o := lookupWorld(t, d, 0, func(key string) string { return key })
		for i := range 200 {
			w.add(fmt.Sprint("k", i))
		}
		_, stop := run(t, o)
		until(t, time.Minute, w.settled)
		if calls, questions := d.asked(); questions != 200 || calls > 100 {
			t.Errorf("%d calls for %d questions", calls, questions)
		}
		stop()
	})
}

// TestD4LookupFailuresDelay: whatever a lookup suffers for a time delays, drops
// nothing, and keeps the order of each key; other keys go on.
func TestD4LookupFailuresDelay(t *testing.T) {
	for _, class := range []wire.Class{wire.Transient, wire.RateLimited, wire.Auth, wire.Unknown} {
		t.Run(class.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				began := time.Now()
				d := &directory{reply: func(_ context.Context, name string) (json.RawMessage, *wire.Failure) {
					mu.Lock()
					defer mu.Unlock()
					if time.Since(began) < 10*time.Minute && name != "fine" {
						return nil, &wire.Failure{Class: class, Code: "down", Message: "no"}
					}
					return json.RawMessage(`{"ref":"k"}`), nil
				}}
				w, o := lookupWorld(t, d, 0, func(key string) string {
					if strings.HasPrefix(key, "fine") {
						return "fine"
					}
					return key
				})
				for i := range 30 {
					w.add(fmt.Sprint("k", i%5))
				}
				fine := w.add("fine")
				r, stop := run(t, o)
				time.Sleep(5 * time.Minute)
				if class == wire.Transient && w.outcome(fine, "order").Kind != event.Delivered {
					t.Error("a key waits for others")
				}
				if n := len(r.Retrying(100)); n == 0 {
					t.Error("no event waits")
				}
				time.Sleep(20 * time.Minute)
				until(t, time.Minute, w.settled)
				if s := r.Stats(); s.Delivered != 31 || s.Dead != 0 || s.AtHand() != 0 {
					t.Errorf("%+v", s)
				}
				if calls, _ := d.asked(); calls > 2000 {
					t.Errorf("asked %d times within the outage", calls)
				}
				stop()
			})
		})
	}
}

// TestLookupRefusals: what can never be answered makes a dead letter with the
// rule's place, and nothing is sent.
func TestLookupRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory{reply: func(_ context.Context, name string) (json.RawMessage, *wire.Failure) {
			switch name {
			case "ambiguous":
				return nil, &wire.Failure{Class: wire.Ambiguous, Code: "ambiguous", Message: "several"}
			case "invalid":
				return nil, &wire.Failure{Class: wire.Invalid, Code: "bad", Message: "too short"}
			case "absent":
				return nil, &wire.Failure{Class: wire.NotFound, Code: "not_found", Message: "none"}
			}
			return json.RawMessage(`{"ref":"k"}`), nil
		}}
		w, o := lookupWorld(t, d, time.Hour, func(key string) string { return key })
		ambiguous, invalid, absent := w.add("ambiguous"), w.add("invalid"), w.add("absent")
		_, stop := run(t, o)
		until(t, time.Minute, w.settled)
		for seq, want := range map[uint64]string{ambiguous: "several, 1 candidates", invalid: "too short, 0 candidates"} {
			got := w.outcome(seq, "order")
			if got.Kind != event.Dead || got.Reason.Code != "CW314" || got.Reason.Message != want || got.Reason.Line != 7 || got.Attempts != 0 {
				t.Errorf("%d: %+v %+v", seq, got, got.Reason)
			}
		}
		if got := w.outcome(absent, "order"); got.Kind != event.Delivered {
			t.Errorf("not found is %v", got.Kind)
		}
		stop()
	})
}

// TestLookupThatHangs: a lookup without an answer is broken off and asked again, and
// the end of the runner does not wait for it.
func TestLookupThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		times := 0
		d := &directory{reply: func(ctx context.Context, name string) (json.RawMessage, *wire.Failure) {
			mu.Lock()
			times++
			n := times
			mu.Unlock()
			if n == 1 || name == "never" {
				<-ctx.Done()
				return nil, nil
			}
			if n == 2 {
				panic("a fault")
			}
			return json.RawMessage(`{"ref":"k"}`), nil
		}}
		w, o := lookupWorld(t, d, 0, func(key string) string { return key })
		seq := w.add("k")
		r, stop := run(t, o)
		until(t, time.Hour, w.settled)
		if got := w.outcome(seq, "order"); got.Kind != event.Delivered {
			t.Errorf("%+v", got)
		}
		w.add("never")
		synctest.Wait()
		if s := r.Stats(); s.Asking != 1 {
			t.Errorf("%+v", s)
		}
		began := time.Now()
		stop()
		if d := time.Since(began); d > time.Minute {
			t.Errorf("the end waited %s", d)
		}
	})
}

func TestAnswerCache(t *testing.T) {
	c, now := NewAnswerCache(2), time.Now()
	put := func(key string, size int) {
		c.put(key, mapping.Answer{Found: make([]byte, size)}, now.Add(time.Minute))
	}
	there := func(key string, at time.Time) bool { _, ok := c.get(key, at); return ok }
	put("a", 1)
	put("b", 1)
	if !there("a", now) {
		t.Error("a is gone")
	}
	put("c", 1) // b was not used the longest
	put("large", maxCachedAnswer+1)
	if there("b", now) || !there("a", now) || !there("c", now) || there("large", now) {
		t.Error("the wrong ones are kept")
	}
	if there("a", now.Add(time.Minute)) || there("a", now) {
		t.Error("a is kept too long")
	}
	put("c", 2)
	if a, _ := c.get("c", now); len(a.Found) != 2 {
		t.Error("c is old")
	}
}
