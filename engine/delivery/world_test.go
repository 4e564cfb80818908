package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

var testLane = event.Lane{Source: "shop", Sink: "saleapp"}

// world is a journal and a far system that watch over the promises by themselves:
// whatever a test does, what breaks one is an error of the test.
type world struct {
	// late is the first event that does not come late.
	late uint64

	t *testing.T

	mu     sync.Mutex
	more   chan struct{}
	events []event.Event
	// outcomes by sequence and mapping; acked by sequence.
	outcomes map[uint64]map[string]event.Outcome
	acked    map[uint64]bool
	dead     []event.DeadLetter
	commits  []int // how many outcomes each commit stored
	loads    int
	// guarded are the mappings whose records are marked, marked the events by mapping.
	guarded []string
	marked  map[string]map[uint64]bool
	// reader counts the readers; what an earlier one does has no effect.
	reader int

	mappings []Mapping
	// commit is called at the start of each commit, and may wait, or refuse it.
	// stored tells whether a refused one is stored all the same.
	commit func(ctx context.Context) (stored bool, err error)

	// mark is called at the start of each mark, and may refuse it.
	mark func() error

	far farSystem
}

// farSystem is the system behind the sink.
type farSystem struct {
	busy    map[string]bool
	last    map[string]uint64 // key and operation -> sequence last written
	created map[string]int    // key -> how often created
	exists  map[string]bool
	// sent holds, for each event and mapping, the end of the last attempt that may
	// have taken effect.
	sent  map[string]lostAttempt
	calls [][]wire.Record
	// write decides what becomes of a record; it may wait. Where it says that the
	// answer is lost, the record is written late, within the settling time.
	write func(ctx context.Context, op string, rec wire.Record, n uint64) (fate, *wire.Failure)
}

type lostAttempt struct {
	at     time.Time
	reader int
}

// fate is what the far system does with a record.
type fate int

const (
	refused   fate = iota // nothing is changed
	written               // it is written and answered
	lostLate              // the answer is lost, and it is written later
	lostNever             // the answer is lost, and it is never written
)

const testSettle = 30 * time.Second

func newWorld(t *testing.T, mappings ...Mapping) *world {
	w := &world{
		t: t, more: make(chan struct{}), mappings: mappings,
		outcomes: map[uint64]map[string]event.Outcome{}, acked: map[uint64]bool{}, marked: map[string]map[uint64]bool{},
	}
	w.far = farSystem{
		busy: map[string]bool{}, last: map[string]uint64{}, created: map[string]int{},
		exists: map[string]bool{}, sent: map[string]lostAttempt{},
	}
	if len(mappings) == 0 {
		w.mappings = []Mapping{echo("order", "upsert_order", "order")}
	}
	return w
}

// echo is a mapping whose records say which event they are from.
func echo(name, operation string, types ...string) Mapping {
	return Mapping{
		Name: name, SHA256: "sha-" + name, Types: types, Operation: operation,
		Repeat: wire.RepeatFindFirst, Settle: testSettle,
		Map: func(ev *mapping.Event, buf []byte) (mapping.Result, error) {
			var in body
			if err := json.Unmarshal(ev.Record, &in); err != nil {
				return mapping.Result{}, err
			}
			switch in.Do[name] {
			case "skip":
				return mapping.Result{Record: buf, Skipped: true}, nil
			case "fail":
				return mapping.Result{Record: buf}, unmappable()
			case "panic":
				panic("this mapping panics")
			}
			return mapping.Result{Record: fmt.Appendf(buf, `{"n":%d,"m":%q}`, in.N, name)}, nil
		},
	}
}

func unmappable() error {
	return &mapping.Error{
		Diagnostic: diag.Diagnostic{
			Rule: "CW301", Message: "no row for `9` in table delivery", Hint: "add a row",
			Position: diag.Position{File: "orders/mapping.yaml", Line: 7, Column: 12},
		},
		Path: "delivery_type.id", Field: "delivery",
	}
}

// body is the record of a test's events.
type body struct {
	N  uint64            `json:"n"`
	Do map[string]string `json:"do,omitempty"`
}

// add accepts an event.
func (w *world) add(key string, change ...func(*event.Event, *body)) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := uint64(len(w.events) + 1)
	b := body{N: n}
	ev := event.Event{
		Sequence: n, ID: fmt.Sprintf("id-%d", n), Connection: testLane.Source, Type: "order", Key: key,
		ReceivedAt: time.Now().UTC(),
	}
	for _, c := range change {
		c(&ev, &b)
	}
	ev.Record, _ = json.Marshal(b)
	w.events = append(w.events, ev)
	close(w.more)
	w.more = make(chan struct{})
	return n
}

func do(name, what string) func(*event.Event, *body) {
	return func(_ *event.Event, b *body) { b.Do = map[string]string{name: what} }
}

func version(v uint64) func(*event.Event, *body) {
	return func(ev *event.Event, _ *body) { ev.Version = v }
}

func (w *world) errorf(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf(format, args...)
}

// options are those of a Runner on this world, as a new reader.
func (w *world) options() Options {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reader++
	return Options{
		Lane: testLane, Mappings: w.mappings, Sink: &farSink{w, w.reader},
		Journal: &fakeLane{w: w, reader: w.reader, standing: uint64(len(w.events))},
		Logger:  slog.New(slog.DiscardHandler),
	}
}

// run runs a Runner until the returned function is called, which waits for it.
func run(t *testing.T, o Options) (*Runner, func()) {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel) // for a test that fails in between
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	return r, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// fakeLane is one reader's side of the journal.
type fakeLane struct {
	w        *world
	reader   int
	next     uint64
	standing uint64
	// guarded are the mappings that the reader before guarded, marked what it marked.
	guarded []string
	marked  map[string]map[uint64]bool
}

func (l *fakeLane) Next(ctx context.Context, limit int) ([]event.Pending, error) {
	for {
		l.w.mu.Lock()
		var out []event.Pending
		for l.next < uint64(len(l.w.events)) && len(out) < limit {
			ev := l.w.events[l.next]
			l.next++
			if l.w.acked[ev.Sequence] {
				continue
			}
			p := event.Pending{Event: ev, PossiblySent: ev.Sequence <= l.standing, Late: ev.Sequence < l.w.late}
			for _, name := range l.guarded {
				if p.PossiblySent && !l.marked[name][ev.Sequence] {
					p.Unsent = append(p.Unsent, name)
				}
			}
			for name, o := range l.w.outcomes[ev.Sequence] {
				if p.Done == nil {
					p.Done = map[string]event.Kind{}
				}
				p.Done[name] = o.Kind
			}
			out = append(out, p)
		}
		more := l.w.more
		l.w.mu.Unlock()
		if len(out) > 0 {
			return out, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *fakeLane) Load(_ context.Context, sequence uint64) (event.Event, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.loads++
	if sequence > l.next {
		l.w.errorf("event %d is loaded and was not read", sequence)
	}
	return l.w.events[sequence-1], nil
}

func (l *fakeLane) Guard(_ context.Context, mappings []string) error {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.guarded, l.marked = l.w.guarded, map[string]map[uint64]bool{}
	for _, name := range mappings {
		l.marked[name] = maps.Clone(l.w.marked[name])
		if !slices.Contains(l.w.guarded, name) {
			l.w.marked[name] = map[uint64]bool{}
			for n := range l.standing {
				l.w.marked[name][n+1] = true
			}
		}
	}
	l.w.guarded = mappings
	return nil
}

func (l *fakeLane) Mark(ctx context.Context, mapping string, sequences []uint64) error {
	if l.w.mark != nil {
		if err := l.w.mark(); err != nil {
			return err
		}
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.reader != l.w.reader || ctx.Err() != nil {
		return errors.New("this reader has been replaced")
	}
	for _, n := range sequences {
		l.w.marked[mapping][n] = true
	}
	return nil
}

func (l *fakeLane) Unmark(mapping string, sequences []uint64) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	for _, n := range sequences {
		delete(l.w.marked[mapping], n)
	}
}

func (l *fakeLane) Newest(_ context.Context, key string) (uint64, time.Time, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	for _, ev := range slices.Backward(l.w.events) {
		if ev.Key != key || ev.Version == 0 && ev.UpdatedAt.IsZero() {
			continue
		}
		for _, o := range l.w.outcomes[ev.Sequence] {
			if o.Kind == event.Delivered {
				return ev.Version, ev.UpdatedAt, nil
			}
		}
	}
	return 0, time.Time{}, nil
}

func (l *fakeLane) Commit(ctx context.Context, outcomes []event.Outcome, dead []event.DeadLetter, done []uint64) error {
	var refusal error
	if l.w.commit != nil {
		stored, err := l.w.commit(ctx)
		if err != nil && !stored {
			return err
		}
		refusal = err
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.reader != l.w.reader || ctx.Err() != nil {
		return errors.New("this reader has been replaced")
	}
	if len(outcomes) > maxCommit || len(dead) > maxCommit || len(done) > maxCommit {
		l.w.errorf("a commit of %d outcomes, %d dead, %d done", len(outcomes), len(dead), len(done))
	}
	l.w.commits = append(l.w.commits, len(outcomes))
	for _, o := range outcomes {
		l.w.keep(o)
	}
	for _, d := range dead {
		if o := l.w.outcomes[d.Outcome.Sequence][d.Outcome.Mapping]; o.Kind != event.Dead || o.Reason == nil {
			l.w.errorf("D2: dead letter %d without a dead outcome: %+v", d.Outcome.Sequence, o)
		}
		if string(d.Event.Record) != string(l.w.events[d.Outcome.Sequence-1].Record) {
			l.w.errorf("D6: dead letter %d does not keep its event: %s", d.Outcome.Sequence, d.Event.Record)
		}
		l.w.dead = append(l.w.dead, d)
	}
	for _, seq := range done {
		ev := l.w.events[seq-1]
		for _, m := range l.w.mappings {
			if _, ok := l.w.outcomes[seq][m.Name]; !ok && slices.Contains(m.Types, ev.Type) && seq >= m.From && ev.Replay.Wants(testLane.Sink, m.Name) {
				l.w.errorf("D2: event %d is acknowledged without an outcome of mapping %s", seq, m.Name)
			}
		}
		l.w.acked[seq] = true
	}
	return refusal
}

// keep stores an outcome. The same one again, after a commit whose answer was
// lost, is no second one.
func (w *world) keep(o event.Outcome) {
	ev := w.events[o.Sequence-1]
	if o.EventID != ev.ID || o.Type != ev.Type || o.Key != ev.Key || o.Lane != testLane || o.At.IsZero() {
		w.errorf("outcome %+v is not of event %d", o, o.Sequence)
	}
	if old, ok := w.outcomes[o.Sequence][o.Mapping]; ok && (old.Kind != o.Kind || !old.At.Equal(o.At)) {
		w.errorf("D2: event %d has two outcomes under %s: %s and %s", o.Sequence, o.Mapping, old.Kind, o.Kind)
	}
	if w.outcomes[o.Sequence] == nil {
		w.outcomes[o.Sequence] = map[string]event.Outcome{}
	}
	w.outcomes[o.Sequence][o.Mapping] = o
}

// farSink is the connection to the far system, as one reader has it.
type farSink struct {
	w      *world
	reader int
}

func (s *farSink) Write(ctx context.Context, op string, records []wire.Record, each func(wire.WriteResult)) error {
	s.w.mu.Lock()
	s.w.far.calls = append(s.w.far.calls, slices.Clone(records))
	s.w.mu.Unlock()
	var wg sync.WaitGroup
	for _, rec := range records {
		wg.Go(func() {
			if res, ok := s.one(ctx, op, rec); ok {
				each(res)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

func (s *farSink) one(ctx context.Context, op string, rec wire.Record) (wire.WriteResult, bool) {
	var in struct {
		N uint64
		M string
	}
	if err := json.Unmarshal(rec.Data, &in); err != nil {
		s.w.errorf("record %s: %v", rec.Data, err)
	}
	s.w.check(s.reader, rec, in.N, in.M)
	what, failure := written, (*wire.Failure)(nil)
	if s.w.far.write != nil {
		what, failure = s.w.far.write(ctx, op, rec, in.N)
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	delete(s.w.far.busy, fmt.Sprintf("%d/%s", s.reader, rec.Key))
	id := fmt.Sprintf("%d/%s", in.N, in.M)
	if ctx.Err() != nil && what == written {
		what = lostLate
	}
	res := wire.WriteResult{Index: rec.Index, Failure: failure}
	switch what {
	case refused:
	case written:
		res.Action = s.w.apply(op, rec, in.N)
		// Until its outcome is stored, a crash makes another attempt for it.
		s.w.far.sent[id] = lostAttempt{time.Time{}, s.reader}
	case lostLate, lostNever:
		s.w.far.sent[id] = lostAttempt{time.Now(), s.reader}
		if what == lostLate {
			late := rand.N(testSettle)
			found := s.w.far.exists[rec.Key]
			time.AfterFunc(late, func() {
				s.w.mu.Lock()
				defer s.w.mu.Unlock()
				// What found nothing when it began creates, whatever is there by now.
				if !found {
					s.w.far.created[rec.Key]++
				}
				s.w.far.exists[rec.Key] = true
				s.w.order(op, rec.Key, in.N)
			})
		}
		if ctx.Err() != nil {
			return res, false
		}
	}
	return res, true
}

// check looks at a record that comes to the far system.
func (w *world) check(reader int, rec wire.Record, n uint64, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if reader != w.reader {
		return
	}
	ev := w.events[n-1]
	busy := fmt.Sprintf("%d/%s", reader, rec.Key)
	if w.far.busy[busy] {
		w.errorf("D3: two records of key %s at once", rec.Key)
	}
	w.far.busy[busy] = true
	for _, earlier := range w.events[:n-1] {
		if earlier.Key == ev.Key && !w.acked[earlier.Sequence] && len(w.outcomes[earlier.Sequence]) == 0 && w.wanted(earlier) {
			w.errorf("D3: event %d of key %s goes out before the outcome of %d is stored", n, ev.Key, earlier.Sequence)
		}
	}
	for _, other := range w.events {
		if other.Key != ev.Key || ev.Version == 0 || ev.Version >= other.Version {
			continue
		}
		for _, o := range w.outcomes[other.Sequence] {
			if o.Kind == event.Delivered {
				w.errorf("D6: event %d with version %d goes out, and version %d was delivered", n, ev.Version, other.Version)
			}
		}
	}
	for _, m := range w.mappings {
		if m.Name == name && m.Repeat == wire.RepeatUnsafe && !w.marked[name][n] {
			w.errorf("D5: event %d goes out without a mark, and its operation must not be repeated", n)
		}
	}
	if _, ok := w.outcomes[n][name]; ok {
		w.errorf("D2: event %d goes out under %s and has its outcome", n, name)
	}
	if last, ok := w.far.sent[fmt.Sprintf("%d/%s", n, name)]; ok {
		if !rec.PossiblySent {
			w.errorf("D5: event %d was possibly sent, and the record does not say so", n)
		}
		if wait := time.Since(last.at); last.reader == reader && wait < testSettle {
			w.errorf("D5: event %d goes out again %s after its answer was lost", n, wait)
		}
		for _, m := range w.mappings {
			if m.Name == name && m.Repeat == wire.RepeatUnsafe {
				w.errorf("D5: event %d goes out again, and its operation must not be repeated", n)
			}
		}
	}
}

func (w *world) wanted(ev event.Event) bool {
	return slices.ContainsFunc(w.mappings, func(m Mapping) bool { return slices.Contains(m.Types, ev.Type) })
}

func (w *world) apply(op string, rec wire.Record, n uint64) string {
	w.order(op, rec.Key, n)
	if w.far.exists[rec.Key] {
		return "updated"
	}
	w.far.exists[rec.Key] = true
	w.far.created[rec.Key]++
	return "created"
}

// order notes what is written, which must not be older than what is there.
func (w *world) order(op, key string, n uint64) {
	if last := w.far.last[op+"/"+key]; n < last {
		w.errorf("D3: event %d of key %s is written after %d", n, key, last)
	}
	w.far.last[op+"/"+key] = n
}

// settled tells whether every event is acknowledged.
func (w *world) settled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked) == len(w.events)
}

func (w *world) outcome(seq uint64, name string) event.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.outcomes[seq][name]
}

// until waits, in a bubble's time, for done.
func until(t *testing.T, limit time.Duration, done func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !done(); {
		if time.Now().After(end) {
			t.Fatalf("not done after %s", limit)
		}
		time.Sleep(max(time.Millisecond, limit/10_000))
	}
}

// padTo makes a mapping's records longer than n bytes.
func padTo(n int) func(func(*mapping.Event, []byte) (mapping.Result, error)) func(*mapping.Event, []byte) (mapping.Result, error) {
	pad := bytes.Repeat([]byte(" "), n)
	return func(m func(*mapping.Event, []byte) (mapping.Result, error)) func(*mapping.Event, []byte) (mapping.Result, error) {
		return func(ev *mapping.Event, buf []byte) (mapping.Result, error) {
			res, err := m(ev, buf)
			res.Record = append(res.Record, pad...)
			return res, err
		}
	}
}
