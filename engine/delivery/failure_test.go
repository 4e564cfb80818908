package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// TestReasonsOfAMapping checks that a dead letter has every reason, and its message how
// many more there are.
func TestReasonsOfAMapping(t *testing.T) {
	failed := func(rule, field string) *mapping.Error {
		return &mapping.Error{Diagnostic: diag.Diagnostic{Rule: rule, Message: "no " + field, Position: diag.Position{File: "m.yaml", Line: 3}}, Field: field}
	}
	e := failed("CW301", "phone")
	e.More = []*mapping.Error{failed("CW302", "name"), failed("CW305", "city")}
	got := reasonOfMapping(e)
	reason := func(code, message, path string) event.Reason {
		return event.Reason{Class: classMapping, Code: code, Message: message, Path: path, File: "m.yaml", Line: 3}
	}
	want := reason("CW301", "no phone (and 2 more)", "phone")
	want.More = []event.Reason{reason("CW302", "no name", "name"), reason("CW305", "no city", "city")}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDeadLettersSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		do     string
		fates  []any
		want   event.Reason
		sent   int
		logged string
	}{
		"the sink refuses it": {
			fates: []any{wire.Transient, &wire.Failure{Class: wire.Invalid, Code: "bad_city", Message: "no such city", Path: "city_ref"}},
			want:  event.Reason{Class: "INVALID", Code: "bad_city", Message: "no such city", Path: "city_ref"}, sent: 2,
		},
		"it is not found": {
			fates: []any{&wire.Failure{Class: wire.NotFound, Message: "no order 7"}},
			want:  event.Reason{Class: "INVALID", Code: "not_found", Message: "no order 7"}, sent: 1,
		},
		"several fit": {
			fates: []any{&wire.Failure{Class: wire.Ambiguous, Code: "two_orders", Message: "two orders fit"}},
			want:  event.Reason{Class: "INVALID", Code: "two_orders", Message: "two orders fit"}, sent: 1,
		},
		"no word of why, after a lost answer": {
			fates: []any{wire.Unknown, &wire.Failure{Class: wire.Invalid}},
			want: event.Reason{
				Class: "INVALID", Code: "invalid", Message: "the sink refuses the record and does not say why",
				Hint: "the answer to an earlier attempt was lost: see in the far system whether that one took effect",
			}, sent: 2,
		},
		"it cannot be mapped": {
			do: "fail",
			want: event.Reason{
				Class: "MAPPING", Code: "CW301", Message: "no row for `9` in table delivery", Path: "delivery_type.id",
				File: "orders/mapping.yaml", Line: 7, Column: 12, Hint: "add a row",
			},
		},
		"the mapping panics": {
			do: "panic",
			want: event.Reason{
				Class: "MAPPING", Code: "panic", Message: "the mapping panicked on this event: this mapping panics",
				Hint: "this is a fault of the engine and not of the event; the stack is in the log",
			},
			logged: "world_test.go",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				script(w, map[uint64][]any{1: c.fates})
				o := w.options()
				var out bytes.Buffer
				o.Logger = slog.New(slog.NewTextHandler(&out, nil))
				_, stop := run(t, o)
				w.add("A", do("order", c.do))
				w.add("A")
				until(t, time.Hour, w.settled)
				stop()
				if len(w.dead) != 1 || w.dead[0].Event.Sequence != 1 || w.dead[0].Event.ID != "id-1" {
					t.Fatalf("dead letters: %+v", w.dead)
				}
				got := w.dead[0].Outcome
				if diff := cmp.Diff(&c.want, got.Reason); diff != "" {
					t.Errorf("reason (-want +got):\n%s", diff)
				}
				if got.Attempts != c.sent || got.Operation != "upsert_order" {
					t.Errorf("outcome %+v, want %d attempts", got, c.sent)
				}
				if next := w.outcome(2, "order"); next.Kind != event.Delivered {
					t.Errorf("the next event of the key is %q", next.Kind)
				}
				if !strings.Contains(out.String(), c.logged) {
					t.Errorf("the log lacks %q:\n%s", c.logged, out.String())
				}
			})
		})
	}
}

func TestFaultyMappingIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := echo("order", "upsert_order", "order")
		m.Map = func(ev *mapping.Event, buf []byte) (mapping.Result, error) {
			if ev.Key == "short" {
				return mapping.Result{Record: nil}, nil
			}
			return mapping.Result{Record: append(buf, "{}"...)}, errors.New("of no known type")
		}
		w := newWorld(t, m)
		_, stop := run(t, w.options())
		w.add("A")
		w.add("short")
		until(t, time.Minute, w.settled)
		stop()
		for n, message := range map[uint64]string{1: "of no known type", 2: "the mapping made no record"} {
			if r := w.outcome(n, "order").Reason; r == nil || r.Class != "MAPPING" || r.Code != "internal" || r.Message != message {
				t.Errorf("reason %+v", r)
			}
		}
	})
}

// sinkFunc is a sink that is one function.
type sinkFunc func(ctx context.Context, records []wire.Record, each func(wire.WriteResult)) error

func (f sinkFunc) Write(ctx context.Context, _ string, records []wire.Record, each func(wire.WriteResult)) error {
	return f(ctx, records, each)
}

func TestD5SinkThatGivesNoResultMayHaveWritten(t *testing.T) {
	for name, fault := range map[string]sinkFunc{
		"panics": func(context.Context, []wire.Record, func(wire.WriteResult)) error { panic("this sink panics") },
		"breaks off": func(context.Context, []wire.Record, func(wire.WriteResult)) error {
			return errors.New("the plugin is gone")
		},
		"says nothing": func(context.Context, []wire.Record, func(wire.WriteResult)) error { return nil },
		"hangs": func(ctx context.Context, _ []wire.Record, _ func(wire.WriteResult)) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"strange index": func(_ context.Context, _ []wire.Record, each func(wire.WriteResult)) error {
			each(wire.WriteResult{Index: 1 << 31})
			return nil
		},
		"answers late": func(_ context.Context, _ []wire.Record, each func(wire.WriteResult)) error {
			time.AfterFunc(time.Second, func() { each(wire.WriteResult{}) })
			return nil
		},
		"classes a failure anew": func(_ context.Context, _ []wire.Record, each func(wire.WriteResult)) error {
			each(wire.WriteResult{Failure: &wire.Failure{Class: 99}})
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				o := w.options()
				good, tries := o.Sink, 0
				o.Sink = sinkFunc(func(ctx context.Context, records []wire.Record, each func(wire.WriteResult)) error {
					if tries++; tries == 1 {
						return fault(ctx, records, each)
					}
					if !records[0].PossiblySent {
						t.Error("the record does not say that it was possibly sent")
					}
					return good.Write(ctx, "upsert_order", records, each)
				})
				_, stop := run(t, o)
				w.add("A")
				until(t, time.Hour, w.settled)
				stop()
				if got := w.outcome(1, "order"); got.Kind != event.Delivered || got.Attempts != 2 {
					t.Errorf("outcome %+v", got)
				}
			})
		})
	}
}

func TestD2RepeatedResultsCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options()
		o.Sink = sinkFunc(func(_ context.Context, records []wire.Record, each func(wire.WriteResult)) error {
			for _, rec := range records {
				each(wire.WriteResult{Index: rec.Index, Action: strings.Repeat("я", 1000), Answer: json.RawMessage("not JSON")})
				each(wire.WriteResult{Index: rec.Index, Failure: &wire.Failure{Class: wire.Invalid}})
			}
			return errors.New("and then it breaks")
		})
		r, stop := run(t, o)
		for i := range 50 {
			w.add(fmt.Sprint("key", i%20))
		}
		until(t, time.Minute, w.settled)
		stop()
		if s := r.Stats(); s.Delivered != 50 || s.Dead != 0 || s.Sending != 0 {
			t.Errorf("stats %+v", s)
		}
		if o := w.outcome(7, "order"); string(o.Answer) != `"not JSON"` || o.Action != strings.Repeat("я", maxAction/2) {
			t.Errorf("answer %s, action %s", o.Answer, o.Action)
		}
	})
}

func TestCallThatStreamsIsNotBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.far.write = func(ctx context.Context, _ string, _ wire.Record, n uint64) (fate, *wire.Failure) {
			if !sleep(ctx, time.Second+time.Duration(n-1)*time.Minute) {
				return lostNever, nil
			}
			return written, nil
		}
		o := w.options()
		o.CallTimeout = 90 * time.Second
		o.Concurrency = 1 // the others are ready when the first is done
		r, stop := run(t, o)
		w.add("first")
		time.Sleep(time.Second / 2)
		for i := range 10 {
			w.add(fmt.Sprint("key", i))
		}
		until(t, time.Hour, w.settled)
		stop()
		if s := r.Stats(); s.Retries != 0 || s.Calls != 2 {
			t.Errorf("a call that gives a result each minute took %d calls and %d retries", s.Calls, s.Retries)
		}
	})
}

func TestD2OutcomesAreKeptUntilTheJournalTakesThem(t *testing.T) {
	for name, fault := range map[string]func() (bool, error){
		"refuses":                  func() (bool, error) { return false, errors.New("no space left") },
		"stores and cannot answer": func() (bool, error) { return true, errors.New("no answer") },
		"panics":                   func() (bool, error) { panic("this journal panics") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				up := time.Now().Add(2 * time.Hour)
				w.commit = func(context.Context) (bool, error) {
					if time.Now().Before(up) {
						return fault()
					}
					return true, nil
				}
				o := w.options()
				var out bytes.Buffer
				o.Logger = slog.New(slog.NewTextHandler(&out, nil))
				o.MaxInFlight = 20
				r, stop := run(t, o)
				for i := range 5000 {
					w.add(fmt.Sprint("key", i), do("order", []string{"", "skip", "fail"}[i%3]))
				}
				time.Sleep(time.Hour)
				if s := r.Stats(); s.AtHand() > 2*o.MaxInFlight+2*maxCommit {
					t.Errorf("%d events are at hand while nothing can be stored", s.AtHand())
				}
				until(t, 2*time.Hour, w.settled)
				stop()
				if s := r.Stats(); s.Delivered != 1667 || s.Skipped != 1667 || s.Dead != 1666 {
					t.Errorf("stats %+v", s)
				}
				if n := strings.Count(out.String(), "storing outcomes fails"); n != 1 || strings.Count(out.String(), "storing outcomes works again") != 1 {
					t.Errorf("the failure is logged %d times, want once and its end", n)
				}
			})
		})
	}
}
