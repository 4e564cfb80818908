package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// followPause is the pause before a stream is followed anew.
	followPause = 250 * time.Millisecond
	// goneTail is how often a consumer is asked again that does not answer.
	goneTail = 4
	// blindFor is for how long nothing may be heard of a stream before what this
	// engine knows of it counts as old.
	blindFor = 20 * time.Second
	// reachWait is how long it may take to read what is in a stream by now.
	reachWait = 30 * time.Second
)

// follower reads what all engines of a cluster write, this one among them: on a
// cluster nothing else fills the index of duplicates, the history and the counts,
// so that they are the same in each engine, in the order of the streams.
type follower struct {
	events, outcomes, dead, acts, lives, requests, stops *tail

	ctx  context.Context //nolint:containedctx // it is the follower's own life, ended by stop
	stop context.CancelFunc
	all  sync.WaitGroup
}

// tail reads one stream from where the start has read it on.
type tail struct {
	j           *Journal
	stream      jetstream.Stream
	name        string
	headersOnly bool
	take        func(seq uint64, m *nats.Msg) error

	mu      sync.Mutex
	at      uint64 // up to where it was read
	heard   time.Time
	waiting []waiter // by sequence

	asking rounds
}

// waiter wants to know when a message was read.
type waiter struct {
	seq uint64
	do  func()
}

// startFollowing goes on where rebuild has ended.
func (j *Journal) startFollowing(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	now := time.Now()
	follow := func(stream jetstream.Stream, name string, headersOnly bool, take func(seq uint64, m *nats.Msg) error) *tail {
		t := &tail{j: j, stream: stream, name: name, headersOnly: headersOnly, take: take, at: j.read[name], heard: now}
		t.asking.ask = func() (uint64, error) {
			ctx, cancel := context.WithTimeout(ctx, j.o.AcceptWait)
			defer cancel()
			return t.last(ctx)
		}
		return t
	}
	f := &follower{
		events: follow(j.events, streamEvents, true, j.noteEvent),
		outcomes: follow(j.outcomes, streamOutcomes, true, func(seq uint64, m *nats.Msg) error {
			_, err := j.noteOutcome(seq, m)
			return err
		}),
		dead: follow(j.dead, streamDead, true, j.noteDead),
		acts: follow(j.acts, streamActs, false, func(seq uint64, m *nats.Msg) error {
			_, err := j.noteAct(seq, m)
			return err
		}),
		lives:    follow(j.lifes, streamLives, false, j.noteLife),
		requests: follow(j.requests, streamRequests, true, j.noteRequest),
		stops:    follow(j.stopped, streamStops, false, j.noteStop),
		ctx:      ctx, stop: cancel,
	}
	j.follow = f
	for _, t := range f.tails() {
		f.all.Go(func() { t.run(ctx) })
	}
}

func (f *follower) tails() []*tail {
	return []*tail{f.events, f.outcomes, f.dead, f.acts, f.lives, f.requests, f.stops}
}

// close stops it; whoever waits is told.
func (f *follower) close() {
	f.stop()
	f.all.Wait()
	for _, t := range f.tails() {
		t.reached(^uint64(0))
	}
}

// blind says which stream nothing was heard of for long, "" if there is none.
func (f *follower) blind() string {
	for _, t := range f.tails() {
		t.mu.Lock()
		silent := time.Since(t.heard)
		t.mu.Unlock()
		if silent > blindFor {
			return t.name
		}
	}
	return ""
}

func (t *tail) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := t.read(ctx); err != nil && ctx.Err() == nil {
			t.j.log.Debug("a stream is followed anew", "stream", t.name, "error", err)
		}
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
		}
	}
}

// read reads on until something is wrong.
func (t *tail) read(ctx context.Context) error {
	t.mu.Lock()
	from := t.at + 1
	t.mu.Unlock()
	cons, err := t.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       from,
		AckPolicy:         jetstream.AckNonePolicy,
		HeadersOnly:       t.headersOnly,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: time.Minute,
	})
	if err != nil {
		return err
	}
	p, err := t.j.newPuller(t.name, cons.CachedInfo().Name, 2000, int64(t.j.o.MaxPayload)+overhead)
	if err != nil {
		return err
	}
	defer func() {
		if err := p.stop(); err != nil {
			t.j.log.Debug("a stream is left", "stream", t.name, "error", err)
		}
	}()
	// Its consumer does not outlive the server that has it.
	p.heard, p.patience = t.hear, goneTail
	t.hear()
	for {
		m, meta, err := p.message(ctx, true)
		if err != nil {
			return err
		}
		t.hear()
		if err := t.take(meta.Sequence.Stream, m); err != nil {
			// What is not understood is passed over, or nothing after it would be known.
			t.j.log.Error("a message of another engine is not understood", "stream", t.name, "sequence", meta.Sequence.Stream, "error", err)
		}
		t.reached(meta.Sequence.Stream)
	}
}

func (t *tail) hear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard = time.Now()
}

// reached tells those who wait for what was read.
func (t *tail) reached(seq uint64) {
	t.mu.Lock()
	t.at = max(t.at, seq)
	n := 0
	for n < len(t.waiting) && t.waiting[n].seq <= t.at {
		n++
	}
	due := slices.Clone(t.waiting[:n])
	t.waiting = slices.Delete(t.waiting, 0, n)
	t.mu.Unlock()
	for _, w := range due {
		w.do()
	}
}

// after calls do once the message at seq was read.
func (t *tail) after(seq uint64, do func()) {
	t.mu.Lock()
	if seq <= t.at {
		t.mu.Unlock()
		do()
		return
	}
	at, _ := slices.BinarySearchFunc(t.waiting, seq+1, func(w waiter, seq uint64) int { return cmp.Compare(w.seq, seq) })
	t.waiting = slices.Insert(t.waiting, at, waiter{seq, do})
	t.mu.Unlock()
}

// reach waits until the message at seq was read.
func (t *tail) reach(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, reachWait)
	defer cancel()
	done := make(chan struct{})
	t.after(seq, func() { close(done) })
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("read stream %s up to %d: %w", t.name, seq, ctx.Err())
	}
}

// levelTogether is level for many callers at a time, who share what it asks.
func (t *tail) levelTogether(ctx context.Context) error {
	it := t.asking.join()
	select {
	case <-it.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if it.err != nil {
		return it.err
	}
	return t.reach(ctx, it.last)
}

// level waits until all was read that is in the stream at this moment.
func (t *tail) level(ctx context.Context) (last uint64, err error) {
	if last, err = t.last(ctx); err != nil {
		return 0, err
	}
	return last, t.reach(ctx, last)
}

// last gives the sequence of what was stored last.
func (t *tail) last(ctx context.Context) (uint64, error) {
	info, err := t.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	if info.State.Msgs == 0 { // all that there was has left
		t.reached(info.State.LastSeq)
	}
	return info.State.LastSeq, nil
}

// level waits until what engines did with dead letters, and what became of them, is
// known here as far as it is stored at this moment.
func (j *Journal) level(ctx context.Context) error {
	if j.follow == nil {
		return nil
	}
	for _, t := range []*tail{j.follow.events, j.follow.outcomes, j.follow.acts} {
		if _, err := t.level(ctx); err != nil {
			return unavailable(retrySoon, err, "what other engines stored is not known yet")
		}
	}
	return nil
}

// levelSparse is level for a stream of which single messages are taken out.
func (t *tail) levelSparse(ctx context.Context) error {
	info, err := t.stream.Info(ctx)
	if err != nil {
		return err
	}
	last := info.State.LastSeq
	for {
		t.mu.Lock()
		at := t.at
		t.mu.Unlock()
		if at >= last {
			return nil
		}
		next, err := t.stream.GetMsg(ctx, at+1, jetstream.WithGetMsgSubject(">"))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			t.reached(last)
			return nil
		case err != nil:
			return err
		case next.Sequence > last:
			t.reached(last)
			return nil
		}
		if err := t.reach(ctx, next.Sequence); err != nil {
			return err
		}
	}
}
