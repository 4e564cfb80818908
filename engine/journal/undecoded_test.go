package journal_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// webhook makes a request of the lane's source as it came.
func webhook(body string) *event.Request {
	return &event.Request{
		Connection: lane.Source, Method: "POST", Path: "/замовлення", Query: "a=1&b=\xff%20",
		Header:     [][2]string{{"Content-Type", "application/json"}, {"X-Odd", "\xce\xeb\xe5"}},
		ReceivedAt: time.Date(2025, 3, 4, 12, 30, 1, 500, time.UTC), Body: []byte(body),
		Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
}

func keep(t testing.TB, j *journal.Journal, r *event.Request) uint64 {
	t.Helper()
	seq, err := j.Keep(t.Context(), r)
	if err != nil {
		t.Fatalf("keep: %v", err)
	}
	return seq
}

func waits(t testing.TB, j *journal.Journal, connection string, limit int) []event.Request {
	t.Helper()
	rs, err := j.Kept(t.Context(), connection, limit, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func undecoded(t testing.TB, j *journal.Journal) []journal.UndecodedStats {
	t.Helper()
	s, err := j.Undecoded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range s {
		s[i].Bytes, s[i].RefusedBytes, s[i].Kept = 0, 0, 0
	}
	return s
}

// part is an event that a kept request became.
func part(r *event.Request, n int, key string) *event.Event {
	e := order(key, "", fmt.Sprintf(`{"of":%q,"n":%d}`, r.ID, n))
	e.Part = r.Part(n)
	return e
}

func TestKeptRequestsAreReadBackInOrder(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	want := webhook(`{"id":1}`)
	keep(t, j, want)
	other := webhook(`{"id":2}`)
	other.Connection = "crm"
	keep(t, j, other)
	last := webhook("")
	last.Method, last.Path, last.Query, last.Header = "GET", "", "", nil
	keep(t, j, last)
	for range 2 {
		got := waits(t, j, lane.Source, 10)
		if len(got) != 2 || got[0].ID == got[1].ID || got[0].ID == "" || got[1].Sequence <= got[0].Sequence {
			t.Fatalf("got %+v", got)
		}
		want.ID, want.Sequence, last.ID, last.Sequence, last.Body = got[0].ID, got[0].Sequence, got[1].ID, got[1].Sequence, []byte{}
		if diff := cmp.Diff([]event.Request{*want, *last}, got); diff != "" {
			t.Errorf("kept (-want +got):\n%s", diff)
		}
		if n := j.Waiting(lane.Source); n != 2 {
			t.Errorf("%d wait", n)
		}
		stats := []journal.UndecodedStats{
			{Connection: "crm", Waiting: 1, Oldest: want.ReceivedAt}, {Connection: lane.Source, Waiting: 2, Oldest: want.ReceivedAt},
		}
		if diff := cmp.Diff(stats, undecoded(t, j)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
	}
	j.Decoded(t.Context(), lane.Source, waits(t, j, lane.Source, 1))
	if got := waits(t, j, lane.Source, 10); len(got) != 1 || got[0].Method != "GET" || j.Waiting(lane.Source) != 1 {
		t.Errorf("after the first was decoded: %+v, %d wait", got, j.Waiting(lane.Source))
	}
	j.Decoded(t.Context(), lane.Source, waits(t, j, lane.Source, 10))
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	if got := waits(t, j, lane.Source, 10); len(got) != 0 || j.Waiting(lane.Source) != 0 || j.Waiting("crm") != 1 {
		t.Errorf("after all were decoded: %+v, %d wait", got, j.Waiting(lane.Source))
	}
	if seq := keep(t, j, webhook("{}")); seq <= last.Sequence {
		t.Errorf("request %d was kept after request %d", seq, last.Sequence)
	}
}

// A kept request that repeated an event does so when it is decoded again after a kill,
// though what was stored behind it is newer now: an order would go back otherwise.
func TestRepeatsAmongPartsStayRepeats(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	accept(t, j, order("7", "", `{"v":1}`)) // its sender had no answer
	keep(t, j, webhook(`{"v":1}`))
	keep(t, j, webhook(`{"v":2}`))
	rs := waits(t, j, lane.Source, 10)
	for range 3 {
		for i, want := range []uint64{1, 2} {
			e := order("7", "", string(rs[i].Body))
			e.Part = rs[i].Part(0)
			if r := accept(t, j, e); r.Sequence != want {
				t.Errorf("the event of request %d is stored as %d, want %d", i, r.Sequence, want)
			}
		}
		closeJournal(t, j) // nothing was said of the requests: as after a kill
		j = open(t, journal.Options{Dir: dir})
	}
}

// A request that is decoded again after a kill becomes no event twice, though
// nothing but its parts tells its events from later ones of the same key.
func TestPartsAreStoredOnce(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	keep(t, j, webhook("a"))
	keep(t, j, webhook("b"))
	rs := waits(t, j, lane.Source, 10)
	a, b := &rs[0], &rs[1]
	events := []*event.Event{part(a, 0, "7"), part(a, 1, "7"), part(b, 0, "7")}
	for _, e := range events {
		accept(t, j, e)
	}
	for range 2 { // in the same run, after an answer that did not come, and in the next
		for i, e := range events {
			if r := accept(t, j, e); r != (journal.Receipt{Sequence: uint64(i + 1)}) {
				t.Errorf("event %d again: %+v", i, r)
			}
		}
		closeJournal(t, j) // nothing was said of the requests: as after a kill
		j = open(t, journal.Options{Dir: dir})
	}
	if r := accept(t, j, part(b, 1, "7")); r != (journal.Receipt{Sequence: 4}) {
		t.Errorf("a part that was not stored: %+v", r)
	}
	j.Decoded(t.Context(), lane.Source, waits(t, j, lane.Source, 10))
	// What is known of parts is forgotten with their requests.
	if r := accept(t, j, part(a, 0, "7")); r.Sequence != 5 {
		t.Errorf("a part of a request that is gone: %+v", r)
	}
}

func TestRefusedRequests(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	why := event.Reason{Class: "INVALID", Code: "no_order", Message: "немає замовлення", Path: "data.id"}
	for _, body := range []string{"a", "b", "c"} {
		keep(t, j, webhook(body))
	}
	rs := waits(t, j, lane.Source, 10)
	for i := range rs[:2] {
		for range 2 { // once more, as where the first answer did not come
			if err := j.Refuse(t.Context(), &rs[i], why); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The engine ends before it removes them: they are decoded again, and refused again.
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	if got := undecoded(t, j); len(got) != 1 || got[0].Waiting != 3 || got[0].Refused != 2 {
		t.Errorf("after a restart: %+v", got)
	}
	rs = waits(t, j, lane.Source, 10)
	for i := range rs[:2] {
		if err := j.Refuse(t.Context(), &rs[i], why); err != nil {
			t.Fatal(err)
		}
	}
	j.Decoded(t.Context(), lane.Source, rs)
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	refused, err := j.Refused(t.Context(), "", 0, 10)
	if err != nil || len(refused) != 2 {
		t.Fatalf("refused: %+v, %v", refused, err)
	}
	for i := range refused {
		want := rs[i]
		want.Sequence, want.Reason, want.RefusedAt = refused[i].Sequence, &why, refused[i].RefusedAt
		if diff := cmp.Diff(want, refused[i]); diff != "" || refused[i].RefusedAt.IsZero() {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
	}
	if got, err := j.Refused(t.Context(), lane.Source, refused[0].Sequence, 10); err != nil || len(got) != 1 || got[0].ID != refused[1].ID {
		t.Errorf("behind the first: %+v, %v", got, err)
	}
	if got, err := j.Refused(t.Context(), "crm", 0, 10); err != nil || len(got) != 0 {
		t.Errorf("of another connection: %+v, %v", got, err)
	}
	// One is put back, and goes the same way; the other is given up.
	if err := j.RetryRequest(t.Context(), refused[0].Sequence); err != nil {
		t.Fatal(err)
	}
	if err := j.DropRequest(t.Context(), refused[1].Sequence); err != nil {
		t.Fatal(err)
	}
	for _, act := range []func() error{
		func() error { return j.RetryRequest(t.Context(), refused[0].Sequence) },
		func() error { return j.DropRequest(t.Context(), refused[1].Sequence) },
		func() error { return j.DropRequest(t.Context(), waits(t, j, lane.Source, 1)[0].Sequence) },
		func() error { _, err := j.RefusedRequest(t.Context(), 4711); return err },
	} {
		if err := act(); !errors.Is(err, journal.ErrNoRequest) {
			t.Errorf("of a request that is not refused: %v", err)
		}
	}
	for range 2 {
		if got := undecoded(t, j); len(got) != 1 || got[0].Waiting != 1 || got[0].Refused != 0 {
			t.Errorf("in the end: %+v", got)
		}
		if got := waits(t, j, lane.Source, 10); len(got) != 1 || got[0].ID != refused[0].ID || string(got[0].Body) != "a" || got[0].Reason != nil {
			t.Errorf("what was put back: %+v", got)
		}
		closeJournal(t, j)
		j = open(t, journal.Options{Dir: dir})
	}
}

// A refused request that was put back, where the engine ended before it could remove
// the refused one, does not stand in both places.
func TestRetryOfRequestIsMended(t *testing.T) {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir})
	keep(t, j, webhook("a"))
	rs := waits(t, j, lane.Source, 1)
	if err := j.Refuse(t.Context(), &rs[0], event.Reason{Class: "INVALID", Code: "x", Message: "y"}); err != nil {
		t.Fatal(err)
	}
	j.Decoded(t.Context(), lane.Source, rs)
	if err := journal.KeepAgain(t.Context(), j, rs[0]); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	j = open(t, journal.Options{Dir: dir})
	if got := undecoded(t, j); len(got) != 1 || got[0].Waiting != 1 || got[0].Refused != 0 {
		t.Errorf("after the start: %+v", got)
	}
	if got, err := j.Refused(t.Context(), "", 0, 10); err != nil || len(got) != 0 {
		t.Errorf("refused: %+v, %v", got, err)
	}
}

func TestRoomForRequestsIsBounded(t *testing.T) {
	dir := t.TempDir()
	o := journal.Options{Dir: dir, MaxUndecodedBytes: journal.MinUndecodedBytes}
	j := open(t, o)
	body := strings.Repeat("x", 2<<20)
	n := 0
	var err error
	for ; err == nil && n < 200; n++ {
		_, err = j.Keep(t.Context(), webhook(body))
	}
	un, ok := errors.AsType[*journal.UnavailableError](err)
	if !ok || un.RetryAfter < time.Second || !strings.Contains(un.Reason, "are used up") {
		t.Fatalf("after %d requests: %v", n, err)
	}
	if n--; j.Waiting(lane.Source) != n || n != 15 {
		t.Errorf("%d of %d wait", j.Waiting(lane.Source), n)
	}
	// Events are accepted as before, and what waits can be refused in the full room.
	accept(t, j, order("1", "a", `{}`))
	closeJournal(t, j)
	j = open(t, o)
	if _, err := j.Keep(t.Context(), webhook(body)); err == nil {
		t.Error("after a restart there is room")
	}
	for j.Waiting(lane.Source) > 0 {
		rs := waits(t, j, lane.Source, 64)
		for i := range rs {
			if err := j.Refuse(t.Context(), &rs[i], event.Reason{Class: "INVALID", Code: "x", Message: "y"}); err != nil {
				t.Fatal(err)
			}
		}
		j.Decoded(t.Context(), lane.Source, rs)
	}
	if _, err := j.Keep(t.Context(), webhook(body)); err == nil {
		t.Error("what was refused takes no room")
	}
	refused, err := j.Refused(t.Context(), "", 0, 1000)
	if err != nil || len(refused) != n {
		t.Fatalf("%d of %d are refused: %v", len(refused), n, err)
	}
	for _, r := range refused {
		if err := j.DropRequest(t.Context(), r.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, j, webhook(body))
	if _, err := journal.Open(t.Context(), journal.Options{Dir: t.TempDir(), MaxUndecodedBytes: 1 << 20}); err == nil {
		t.Error("a bound of 1 MiB is taken")
	}
}

// Many come at once and are decoded while more come: none is lost, none given twice.
func TestKeepAndDecodeTogether(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	const senders, each = 16, 60
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				if _, err := j.Keep(t.Context(), webhook(fmt.Sprintf("%d:%d", s, i))); err != nil {
					t.Errorf("keep: %v", err)
				}
			}
		})
	}
	next, got := map[int]int{}, 0
	for deadline := time.Now().Add(2 * time.Minute); got < senders*each; {
		rs := waits(t, j, lane.Source, 64)
		for _, r := range rs {
			var s, i int
			if _, err := fmt.Sscanf(string(r.Body), "%d:%d", &s, &i); err != nil || next[s] != i {
				t.Fatalf("sender %d: request %d where %d is due", s, i, next[s])
			}
			next[s]++
		}
		got += len(rs)
		j.Decoded(t.Context(), lane.Source, rs)
		if time.Now().After(deadline) {
			t.Fatalf("only %d", got)
		}
	}
	sending.Wait()
	if n := j.Waiting(lane.Source); n != 0 {
		t.Errorf("%d wait in the end", n)
	}
}
