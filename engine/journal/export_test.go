package journal

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// StoreDeadOnly stores a letter without its outcome, as a crash may leave it.
func StoreDeadOnly(ctx context.Context, l *Lane, d event.DeadLetter) error {
	return l.storeDead(ctx, []*event.DeadLetter{&d})
}

// CountBatches counts the events that go in batches from now on.
func CountBatches(t *testing.T, j *Journal) func() int {
	t.Helper()
	var mu sync.Mutex
	n := 0
	sub, err := j.nc.Subscribe(subjectEvents+">", func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		if m.Header.Get(hdrBatchID) != "" {
			n++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() int {
		_ = sub.Drain()
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

func message(j *Journal, e *event.Event) *nats.Msg {
	h, data := encodeEvent(e)
	h[nats.MsgIdHdr] = []string{messageID(e, h.Get(hdrHash), 0)}
	return &nats.Msg{Subject: j.subjectOf(e), Header: h, Data: data}
}

// StoreBehindTheIndex stores an event that the index does not learn of.
func StoreBehindTheIndex(ctx context.Context, j *Journal, e *event.Event) error {
	_, err := publishOne(ctx, j.nc, message(j, e))
	return err
}

// PublishTogether publishes events in one cycle of the publisher.
func PublishTogether(j *Journal, events []*event.Event) ([]uint64, []error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &publisher{nc: j.nc, queue: make(chan *publication, len(events)), answer: j.answer, broken: j.broken, ctx: ctx, cancel: cancel}
	items := make([]*publication, len(events))
	for i, e := range events {
		items[i] = &publication{msg: message(j, e), ready: make(chan struct{})}
		if i > 0 {
			p.queue <- items[i]
		}
	}
	p.cycle(items[0])
	sequences, errs := make([]uint64, len(items)), make([]error, len(items))
	for i, it := range items {
		<-it.ready
		sequences[i], errs[i] = it.ack.Sequence, it.err
	}
	return sequences, errs
}

// HoldAnswers makes EVENTS take publications without answering, until the
// function that it returns is called; one publication may wait until then.
func HoldAnswers(t *testing.T, j *Journal) func() {
	t.Helper()
	cfg := j.events.CachedInfo().Config
	elsewhere := cfg
	elsewhere.Subjects = []string{"elsewhere"}
	js, err := jetstream.New(j.nc, jetstream.WithDefaultTimeout(answerWait))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.UpdateStream(t.Context(), elsewhere); err != nil {
		t.Fatal(err)
	}
	came := make(chan *nats.Msg, 10)
	sub, err := j.nc.ChanSubscribe(subjectEvents+">", came)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return func() {
		var m *nats.Msg
		select {
		case m = <-came:
		case <-time.After(time.Minute):
			t.Fatal("nothing was published")
		}
		if err := sub.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
		if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		answer, err := j.nc.RequestMsgWithContext(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.nc.Publish(m.Reply, answer.Data); err != nil {
			t.Fatal(err)
		}
	}
}

// BreakStore takes EVENTS away, so that nobody answers.
func BreakStore(t *testing.T, j *Journal) {
	t.Helper()
	js, err := jetstream.New(j.nc, jetstream.WithDefaultTimeout(answerWait))
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), streamEvents); err != nil {
		t.Fatal(err)
	}
}

// ResendWithoutAct puts a letter on its way and records nothing, as a crash may
// leave it.
func ResendWithoutAct(ctx context.Context, j *Journal, id LetterID, by Doer) error {
	d, err := j.deadLetter(ctx, id.letter())
	if err != nil {
		return err
	}
	e := d.Event
	e.Replay = &event.Replay{
		Of: id.Sequence, Origin: id.Sequence, Sink: id.Lane.Sink, Mapping: id.Mapping, Kind: event.Retry,
		By: by.By, At: e.ReceivedAt,
	}
	_, err = j.resend(ctx, &e, "lost")
	return err
}

// Sweep has the janitor sweep as if it were now.
func Sweep(ctx context.Context, j *Journal, now time.Time) error {
	_, err := j.sweep(ctx, now)
	return err
}

// Known is how many events the index and the past hold.
func Known(j *Journal) (indexed uint64, keys, tables int) {
	j.index.mu.Lock()
	defer j.index.mu.Unlock()
	j.past.mu.Lock()
	defer j.past.mu.Unlock()
	return j.index.count, j.index.last.used, len(j.past.newest) + len(j.past.outcomes)
}

// Floor is up to which event a lane is done.
func Floor(ctx context.Context, l *Lane) (uint64, error) {
	info, err := l.consumer.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.AckFloor.Stream, nil
}

// NameOf is a lane's name.
func NameOf(l *Lane) event.Lane { return l.name }
