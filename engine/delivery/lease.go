package delivery

import (
	"context"
	"errors"
)

// Lease is the right to read a lane, where another process may come to have it.
type Lease interface {
	// Lost is closed when nothing may be sent or stored any more.
	Lost() <-chan struct{}
	// Within gives a context that ends when the lease does. It fails where that is over
	// already, whatever Lost says so far.
	Within(ctx context.Context) (context.Context, context.CancelFunc, error)
}

// ErrLost is why Run ends when its lease is lost. What was at hand is possibly sent,
// and whoever has the lease sees to it.
var ErrLost = errors.New("the lease is lost")

// lost is the lease's Lost, nil where there is none.
func (o *Options) lost() <-chan struct{} {
	if o.Lease == nil {
		return nil
	}
	return o.Lease.Lost()
}

// within is the lease's Within.
func within(ctx context.Context, l Lease) (context.Context, context.CancelFunc, error) {
	if l == nil {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel, nil
	}
	return l.Within(ctx)
}
