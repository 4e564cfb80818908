package journal

import (
	"context"
	"errors"
	"sync"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// ErrLeaseLost is returned for what may no longer be done with a partition, because
// another engine may have it by now.
var ErrLeaseLost = errors.New("the lease of the partition is lost")

// Lease is an engine's right to read a partition of a lane, to send its records and
// to store what became of them. In an embedded journal there is nobody to share
// with, and it is never lost.
type Lease struct {
	board *board // nil in an embedded journal
	part  lanePart

	lost, wanted chan struct{}
	once, asked  sync.Once
}

// Hold waits until this engine is the one to read a partition, or until ctx is done.
// The engines of a cluster share the partitions of a lane evenly.
func (j *Journal) Hold(ctx context.Context, lane event.Lane, partition int) (*Lease, error) {
	p := lanePart{lane, partition}
	if j.board == nil {
		return &Lease{part: p}, nil
	}
	return j.board.hold(ctx, p)
}

// Lost is closed when nothing may be sent or stored any more.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Wanted is closed when the partition is to be left to another engine: finish what
// is at hand, then Release.
func (l *Lease) Wanted() <-chan struct{} { return l.wanted }

// Within gives a context for something that must not be done, nor go on, once the
// lease is lost. It fails with ErrLeaseLost where it is lost already.
func (l *Lease) Within(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if l.board == nil {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel, nil
	}
	if !l.valid() {
		return nil, nil, ErrLeaseLost
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-l.lost:
			cancel(ErrLeaseLost)
		case <-done:
		}
	}()
	var once sync.Once
	return ctx, func() {
		once.Do(func() { close(done) })
		cancel(nil)
	}, nil
}

// valid tells whether the lease holds now. A process that was stopped for a while
// finds out here first.
func (l *Lease) valid() bool {
	if l.board == nil {
		return true
	}
	select {
	case <-l.lost:
		return false
	default:
		return l.board.valid()
	}
}

// Release gives the partition back, once nothing of it is at hand any more.
func (l *Lease) Release() {
	if l.board != nil {
		l.lose()
		l.board.release(l)
	}
}

func (l *Lease) lose() { l.once.Do(func() { close(l.lost) }) }
func (l *Lease) ask()  { l.asked.Do(func() { close(l.wanted) }) }
