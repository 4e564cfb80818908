package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// until waits for something that another engine brings about.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// ready waits until engines take webhooks of the connection past its queue.
func ready(t testing.TB, js ...*journal.Journal) {
	t.Helper()
	for _, j := range js {
		until(t, "an engine knows what the others keep", func() bool { return !j.Queues(lane.Source) })
	}
}

// decodeAll has an engine decode the queue until it is closed or stop says so.
func decodeAll(ctx context.Context, j *journal.Journal, became func(r *event.Request) []*event.Event) error {
	defer j.Yield(context.WithoutCancel(ctx), lane.Source)
	for j.Waiting(lane.Source) > 0 {
		rs, err := j.Kept(ctx, lane.Source, 8, 1<<20)
		if err != nil {
			return err
		}
		for i := range rs {
			for _, e := range became(&rs[i]) {
				if _, err := j.Accept(ctx, e); err != nil {
					return err
				}
			}
		}
		j.Decoded(ctx, lane.Source, rs)
	}
	return nil
}

// records are what is in EVENTS, in its order.
func records(t testing.TB, j *journal.Journal) []string {
	t.Helper()
	out, err := journal.AllRecords(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// asKept is the event that a request's body becomes.
func asKept(r *event.Request) []*event.Event {
	e := order("7", "", string(r.Body))
	e.Part = r.Part(0)
	return []*event.Event{e}
}

// A request that one engine keeps comes before what another one is sent after it was
// answered, and one of them decodes all (D3).
func TestQueueIsAllEngines(t *testing.T) {
	s := natsServer(t)
	a, b := onCluster(t, s), onCluster(t, s)
	ready(t, a, b)
	var want []string
	for n := range 30 {
		body := fmt.Sprintf(`{"n":%d}`, n)
		want = append(want, body)
		by := []*journal.Journal{a, b}[n%2]
		if n > 0 && !by.Queues(lane.Source) {
			t.Fatalf("webhook %d would overtake what waits", n)
		}
		keep(t, by, webhook(body))
	}
	for _, j := range []*journal.Journal{a, b} {
		until(t, "both know what waits", func() bool { return j.Waiting(lane.Source) == len(want) })
	}
	var decoding sync.WaitGroup
	var errs [2]error
	for i, j := range []*journal.Journal{a, b} {
		decoding.Go(func() { errs[i] = decodeAll(t.Context(), j, asKept) })
	}
	decoding.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	ready(t, a, b)
	accept(t, b, order("7", "", `{"n":"direct"}`))
	if got, want := fmt.Sprint(records(t, a)), fmt.Sprint(append(want, `{"n":"direct"}`)); got != want {
		t.Errorf("EVENTS holds\n%s, want\n%s", got, want)
	}
	// What a start reads is the same.
	c := onCluster(t, s)
	ready(t, c)
	if n := c.Waiting(lane.Source); n != 0 {
		t.Errorf("%d wait for a new engine", n)
	}
}

// A queue is not closed over what another engine has kept in the meantime.
func TestQueueIsNotClosedTooEarly(t *testing.T) {
	s := natsServer(t)
	a, b := onCluster(t, s), onCluster(t, s)
	ready(t, a, b)
	keep(t, a, webhook(`{"n":1}`))
	rs, err := a.Kept(t.Context(), lane.Source, 10, 1<<20)
	if err != nil || len(rs) != 1 {
		t.Fatalf("%d requests: %v", len(rs), err)
	}
	accept(t, a, asKept(&rs[0])[0])
	a.Decoded(t.Context(), lane.Source, rs)
	keep(t, b, webhook(`{"n":2}`))
	if err := journal.CloseQueue(t.Context(), a, lane.Source, rs[0].Sequence); err != nil {
		t.Fatal(err)
	}
	if !a.Queues(lane.Source) || !b.Queues(lane.Source) {
		t.Fatal("the queue is closed")
	}
	if err := decodeAll(t.Context(), a, asKept); err != nil {
		t.Fatal(err)
	}
	ready(t, a, b)
	if got := fmt.Sprint(records(t, b)); got != `[{"n":1} {"n":2}]` {
		t.Errorf("EVENTS holds %s", got)
	}
}

// Where an engine does not answer, another one does not say that it keeps anything
// until the board has given that engine up, which then takes nothing either way.
func TestKeepWaitsForAllEngines(t *testing.T) {
	t.Parallel()
	s := natsServer(t)
	soon := func(o *journal.Options) { o.AcceptWait = 500 * time.Millisecond }
	a, b := onCluster(t, s, soon), onCluster(t, s)
	ready(t, a, b)
	t.Cleanup(journal.StopSigns(b)) // it gives no signs of life, and no answers
	resume := journal.StopHearing(b)
	t.Cleanup(resume)
	if _, err := a.Keep(t.Context(), webhook("{}")); err == nil {
		t.Fatal("kept while another engine may take webhooks past it")
	} else if un, ok := errors.AsType[*journal.UnavailableError](err); !ok || un.RetryAfter == 0 {
		t.Fatalf("kept: %v", err)
	}
	until(t, "the other engine is given up", func() bool {
		_, err := a.Keep(t.Context(), webhook("{}"))
		return err == nil
	})
	if !b.Queues(lane.Source) {
		t.Error("the engine that was given up takes webhooks past the queue")
	}
}

// The engine that decodes is stopped in the middle: another one goes on from there,
// nothing is stored twice, and the first stores nothing any more when it wakes (D2, D3).
func TestDecoderIsTakenOver(t *testing.T) {
	t.Parallel()
	s := natsServer(t)
	a, b := onCluster(t, s), onCluster(t, s)
	ready(t, a, b)
	var want []string
	for n := range 20 {
		body := fmt.Sprintf(`{"n":%d}`, n)
		want = append(want, body)
		keep(t, a, webhook(body))
	}
	rs, err := a.Kept(t.Context(), lane.Source, 10, 1<<20)
	if err != nil || len(rs) != 10 {
		t.Fatalf("%d requests: %v", len(rs), err)
	}
	for i := range rs[:7] { // and nothing was said of them
		accept(t, a, asKept(&rs[i])[0])
	}
	t.Cleanup(journal.StopSigns(a))
	if err := decodeAll(t.Context(), b, asKept); err != nil {
		t.Fatal(err)
	}
	for i := range rs {
		_, err := a.Accept(t.Context(), asKept(&rs[i])[0])
		if !errors.Is(err, journal.ErrLeaseLost) {
			t.Errorf("the engine before stores request %d: %v", i, err)
		}
	}
	journal.BelieveLease(a) // its clock tells it nothing
	for i := range rs {
		if r, err := a.Accept(t.Context(), asKept(&rs[i])[0]); err == nil && r.Sequence > uint64(len(want)) {
			t.Errorf("request %d is stored again as %d", i, r.Sequence)
		}
	}
	if got, want := fmt.Sprint(records(t, b)), fmt.Sprint(want); got != want {
		t.Errorf("EVENTS holds\n%s, want\n%s", got, want)
	}
}

// What the engine before found to be a repeat is one for the engine that decodes it
// again, though something newer is stored behind it by then (D1, D3).
func TestRepeatsAreTakenOver(t *testing.T) {
	for name, late := range map[string]bool{"by one that was there": false, "by one that comes later": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := natsServer(t)
			a, b := onCluster(t, s), onCluster(t, s)
			ready(t, a, b)
			for _, body := range []string{`{"v":1}`, `{"v":1}`, `{"v":2}`} {
				keep(t, a, webhook(body))
			}
			rs, err := a.Kept(t.Context(), lane.Source, 10, 1<<20)
			if err != nil || len(rs) != 3 {
				t.Fatalf("%d requests: %v", len(rs), err)
			}
			for i := range rs { // and nothing was said of them
				accept(t, a, asKept(&rs[i])[0])
			}
			t.Cleanup(journal.StopSigns(a))
			if late {
				b = onCluster(t, s)
			}
			if err := decodeAll(t.Context(), b, asKept); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(records(t, b)); got != `[{"v":1} {"v":2}]` {
				t.Errorf("EVENTS holds %s", got)
			}
		})
	}
}

// What is refused is known to all, and gone for all when one drops it.
func TestRefusedOnACluster(t *testing.T) {
	s := natsServer(t)
	a, b := onCluster(t, s), onCluster(t, s)
	ready(t, a, b)
	keep(t, a, webhook(`{"n":"a"}`))
	keep(t, a, webhook(`{"n":"b"}`))
	why := event.Reason{Class: "INVALID", Code: "x", Message: "y"}
	rs, err := b.Kept(t.Context(), lane.Source, 10, 1<<20)
	if err != nil || len(rs) != 2 {
		t.Fatalf("%d requests: %v", len(rs), err)
	}
	for i := range rs {
		for range 2 {
			if err := b.Refuse(t.Context(), &rs[i], why); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.Decoded(t.Context(), lane.Source, rs)
	refused := func(j *journal.Journal, want int) func() bool {
		return func() bool {
			st := undecoded(t, j)
			return len(st) == 1 && st[0].Refused == want
		}
	}
	until(t, "the other engine knows both", refused(a, 2))
	all, err := a.Refused(t.Context(), "", 0, 10)
	if err != nil || len(all) != 2 {
		t.Fatalf("refused: %+v, %v", all, err)
	}
	if err := a.DropRequest(t.Context(), all[0].Sequence); err != nil {
		t.Fatal(err)
	}
	until(t, "one is dropped for both", refused(b, 1))
	if err := a.RetryRequest(t.Context(), all[1].Sequence); err != nil {
		t.Fatal(err)
	}
	if err := decodeAll(t.Context(), b, asKept); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(records(t, a)); got != `[{"n":"b"}]` {
		t.Errorf("EVENTS holds %s", got)
	}
}

// Three engines keep, decode and take directly at the same time: each sender's webhooks
// are stored once, in its order.
func TestQueuesUnderLoad(t *testing.T) {
	s := natsServer(t)
	engines := []*journal.Journal{onCluster(t, s), onCluster(t, s), onCluster(t, s)}
	ready(t, engines...)
	const senders, each = 6, 60
	ctx, cancel := context.WithCancel(t.Context())
	var background, sending sync.WaitGroup
	for _, j := range engines {
		background.Go(func() {
			for ctx.Err() == nil {
				_ = decodeAll(ctx, j, func(r *event.Request) []*event.Event {
					var key string
					if _, err := fmt.Sscanf(string(r.Body), `{"key":"%1s"`, &key); err != nil {
						t.Errorf("%s: %v", r.Body, err)
					}
					e := order(key, string(r.Body), string(r.Body))
					e.Part = r.Part(0)
					return []*event.Event{e}
				})
				time.Sleep(time.Millisecond)
			}
		})
	}
	var kept, direct atomic.Int64
	for sender := range senders {
		sending.Go(func() {
			for n := range each {
				body := fmt.Sprintf(`{"key":"%d","n":%d}`, sender, n)
				for try := n; ; try++ {
					j := engines[try%len(engines)]
					var err error
					switch {
					case j.Queues(lane.Source) || n%7 == sender%7: // its plugin is away
						if _, err = j.Keep(ctx, webhook(body)); err == nil {
							kept.Add(1)
						}
					default:
						if _, err = j.Accept(ctx, order(fmt.Sprint(sender), body, body)); err == nil {
							direct.Add(1)
						}
					}
					if err == nil {
						break
					}
					// As a sender that is answered 503 does; on a slow machine an engine may lose
					// its place on the board.
					if _, later := errors.AsType[*journal.UnavailableError](err); !later || try > 1000 {
						t.Errorf("webhook %s: %v", body, err)
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	sending.Wait()
	for _, j := range engines {
		until(t, "all are decoded", func() bool { return j.Waiting(lane.Source) == 0 })
	}
	cancel()
	background.Wait()
	next := map[string]int{}
	for _, r := range records(t, engines[0]) {
		var key string
		var n int
		if _, err := fmt.Sscanf(r, `{"key":"%1s","n":%d}`, &key, &n); err != nil {
			t.Fatal(err)
		}
		if n != next[key] {
			t.Fatalf("sender %s: %d where %d is due", key, n, next[key])
		}
		next[key]++
	}
	for key, n := range next {
		if n != each {
			t.Errorf("sender %s: %d of %d", key, n, each)
		}
	}
	if kept.Load() == 0 || direct.Load() == 0 || len(next) != senders {
		t.Errorf("%d kept, %d direct, %d senders", kept.Load(), direct.Load(), len(next))
	}
}

// An engine that the others do not wait for takes no webhooks, says so, and takes them
// again when it has a place among them.
func TestEngineWithoutPlaceTakesNoWebhooks(t *testing.T) {
	j := onCluster(t, natsServer(t), func(o *journal.Options) { o.Cluster.Lease = journal.MinLease })
	takes := func() bool { return j.TakesWebhooks() == nil }
	until(t, "it has a place", takes)
	resume := sync.OnceFunc(journal.StopSigns(j))
	t.Cleanup(resume)
	until(t, "its place is not valid any more", func() bool { return !takes() })
	_, err := j.Keep(t.Context(), webhook("{}"))
	for _, err := range []error{err, j.TakesWebhooks()} {
		var u *journal.UnavailableError
		if !errors.As(err, &u) || u.RetryAfter != 2*time.Second || !strings.Contains(u.Reason, "no valid place") {
			t.Errorf("without a place: %v", err)
		}
	}
	if !j.Queues(lane.Source) {
		t.Error("without a place a webhook may go past what others keep")
	}
	if err := j.Ready(); err != nil { // what is stored already goes on
		t.Error(err)
	}
	resume()
	until(t, "it has a place again", takes)
}
