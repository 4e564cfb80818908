package journal

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// answerWait is how long the journal waits for JetStream's answer before it
	// holds the store for broken: JetStream does not answer after a write error,
	// nor does it store any more.
	answerWait = 30 * time.Second
	// clusterAnswer is the same on a cluster, where another server takes over from
	// one that is gone, and the store is never held for broken.
	clusterAnswer = 5 * time.Second
)

// publisher stores messages in one stream for many callers at a time. While some
// are being written others gather, and those go together.
type publisher struct {
	nc    *nats.Conn
	queue chan *publication
	quit  chan struct{} // closed to stop
	done  chan struct{} // closed when stopped
	// since is when the oldest publication that is not answered was sent, in
	// nanoseconds; 0 when all are answered.
	since atomic.Int64
	// patience is how long callers wait.
	patience time.Duration
	// answer is how long a publication may stay unanswered.
	answer time.Duration
	// broken is called once one stays so for longer, and tells whether anything is to
	// be sent after it.
	broken func(error) bool
	dead   atomic.Bool

	pace   pace      // run's alone
	alarms sync.Pool // of stopped timers

	ctx    context.Context //nolint:containedctx // it is the publisher's own life, ended by stop
	cancel context.CancelFunc
}

// publication is one message on its way.
type publication struct {
	msg *nats.Msg
	// settled is called once, by whoever learns the end of it, before ready is closed.
	settled func(ack, error)

	state atomic.Int32
	ready chan struct{}
	ack   ack
	err   error
}

// States of a publication: it is sent or given up, never both.
const (
	waiting int32 = iota
	sent
	givenUp
)

var (
	errGivenUp = errors.New("given up before it was sent")
	errDead    = errors.New("the store does not answer")
)

func newPublisher(nc *nats.Conn, patience, answer time.Duration, from int, broken func(error) bool) *publisher {
	ctx, cancel := context.WithCancel(context.Background())
	p := &publisher{
		nc: nc, queue: make(chan *publication, 2*maxBatch), quit: make(chan struct{}), done: make(chan struct{}),
		patience: patience, answer: answer, pace: pace{from: from}, broken: broken, ctx: ctx, cancel: cancel,
	}
	go p.run()
	return p
}

// publish stores m and waits for it, at most until ctx is done. settled is called
// exactly once, maybe later than publish returns: a publication that stays
// unanswered is settled when its answer comes or the store is held for broken.
func (p *publisher) publish(ctx context.Context, m *nats.Msg, settled func(ack, error)) (ack, error) {
	return p.publishUntil(ctx, time.Time{}, m, settled)
}

// publishUntil is publish with an end of the waiting beside ctx's, where until is not
// zero; the error is context.DeadlineExceeded then.
func (p *publisher) publishUntil(ctx context.Context, until time.Time, m *nats.Msg, settled func(ack, error)) (ack, error) {
	var late <-chan time.Time
	if !until.IsZero() {
		alarm := p.alarm(time.Until(until))
		defer p.alarms.Put(alarm)
		defer alarm.Stop() // nothing is in its channel then
		late = alarm.C
	}
	it := &publication{msg: m, settled: settled, ready: make(chan struct{})}
	select {
	case p.queue <- it:
	default:
		var err error
		select {
		case p.queue <- it:
		case <-ctx.Done():
			err = ctx.Err()
		case <-late:
			err = context.DeadlineExceeded
		case <-p.quit:
			err = ErrClosed
		}
		if err != nil {
			it.state.Store(givenUp)
			it.settle(ack{}, errGivenUp)
			return ack{}, err
		}
	}
	var err error
	select {
	case <-it.ready:
		return it.ack, it.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-late:
		err = context.DeadlineExceeded
	case <-p.done:
		err = ErrClosed
	}
	if it.state.CompareAndSwap(waiting, givenUp) {
		it.settle(ack{}, errGivenUp)
	}
	return ack{}, err
}

// alarm gives a timer of those that are used again and again.
func (p *publisher) alarm(d time.Duration) *time.Timer {
	if t, ok := p.alarms.Get().(*time.Timer); ok {
		t.Reset(d)
		return t
	}
	return time.NewTimer(d)
}

func (it *publication) settle(a ack, err error) {
	it.ack, it.err = a, err
	if it.settled != nil {
		it.settled(a, err)
	}
	close(it.ready)
}

// stalled tells whether something is unanswered for longer than callers wait.
func (p *publisher) stalled() bool {
	since := p.since.Load()
	return since != 0 && time.Since(time.Unix(0, since)) > p.patience
}

// stop lets what was queued be stored, until ctx is done, and ends the publisher.
func (p *publisher) stop(ctx context.Context) {
	close(p.quit)
	select {
	case <-p.done:
	case <-ctx.Done():
	}
	p.cancel()
	<-p.done
}

// giveUp ends what is unanswered; nothing is sent any more.
func (p *publisher) giveUp() {
	p.dead.Store(true)
	p.cancel()
}

func (p *publisher) run() {
	defer close(p.done)
	for {
		select {
		case it := <-p.queue:
			p.cycle(it)
		case <-p.quit:
			for {
				select {
				case it := <-p.queue:
					p.cycle(it)
				default:
					return
				}
			}
		}
	}
}

// cycle stores first and all that wait with it, as far as a batch may hold.
func (p *publisher) cycle(first *publication) {
	var items []*publication
	size := 0
	take := func(it *publication) {
		if it.state.CompareAndSwap(waiting, sent) {
			items = append(items, it)
			size += len(it.msg.Data)
		}
	}
	take(first)
	p.wait()
	for more := true; more && len(items) < maxBatch && size < maxBatchBytes; {
		select {
		case it := <-p.queue:
			take(it)
		default:
			more = false
		}
	}
	if len(items) == 0 {
		return
	}
	if p.dead.Load() {
		for _, it := range items {
			it.settle(ack{}, errDead)
		}
		return
	}
	began := time.Now()
	p.since.Store(began.UnixNano())
	defer p.since.Store(0)
	if len(items) < p.pace.least() || !p.batch(items) {
		p.single(items)
		p.pace.single(len(items), time.Since(began))
		return
	}
	p.pace.batch(len(items), time.Since(began))
}

// wait lets more gather while many come.
func (p *publisher) wait() {
	if p.pace.gather == 0 || len(p.queue) >= gatherUpTo {
		return
	}
	enough := time.NewTimer(p.pace.gather)
	defer enough.Stop()
	select {
	case <-enough.C:
	case <-p.quit:
	}
}

// batch stores items in one atomic batch; false means that the batch was refused
// and nothing is stored.
func (p *publisher) batch(items []*publication) bool {
	ctx, cancel := context.WithTimeout(p.ctx, p.answer)
	defer cancel()
	msgs := make([]*nats.Msg, len(items))
	for i, it := range items {
		msgs[i] = it.msg
	}
	a, err := publishBatch(ctx, p.nc, msgs)
	if err != nil {
		if refused(err) != nil {
			return false
		}
		p.unanswered(err)
	}
	for i, it := range items {
		mine := ack{Sequence: a.Sequence - uint64(len(items)-1-i)} //nolint:gosec // i is below len(items)
		if err != nil {
			mine = ack{}
		}
		it.settle(mine, err)
	}
	return true
}

// single stores items each by itself, all on their way at once. They are written
// one after another, so that each answer gives the others time anew.
func (p *publisher) single(items []*publication) {
	ctx, cancel := context.WithCancelCause(p.ctx)
	defer cancel(nil)
	silence := time.AfterFunc(p.answer, func() { cancel(context.DeadlineExceeded) })
	defer silence.Stop()
	store := func(it *publication) {
		a, err := publishOne(ctx, p.nc, it.msg)
		if err == nil {
			silence.Reset(p.answer)
		} else if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil && refused(err) == nil {
			p.unanswered(err)
		}
		it.settle(a, err)
	}
	var wg sync.WaitGroup
	for _, it := range items[1:] {
		wg.Go(func() { store(it) })
	}
	store(items[0])
	wg.Wait()
}

// unanswered reports the store as broken, except where the publisher itself was stopped.
func (p *publisher) unanswered(err error) {
	if p.ctx.Err() == nil && p.broken(err) {
		p.dead.Store(true)
	}
}
