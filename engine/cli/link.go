package cli

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// link is a connection as ingress and delivery see it, also while its plugin
// cannot be started: one connection that does not work keeps no other from
// working.
type link struct {
	name   string
	log    *slog.Logger
	conn   atomic.Pointer[pluginhost.Connection]
	opened chan struct{}
	// problem is why it is not open yet.
	problem atomic.Pointer[string]
}

func newLink(name string, log *slog.Logger) *link {
	return &link{name: name, log: log, opened: make(chan struct{})}
}

// open tries to open the connection until it is open or ctx ends.
func (l *link) open(ctx context.Context, try func(context.Context) (*pluginhost.Connection, error)) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = time.Second
	wait.MaxInterval = time.Minute
	for {
		conn, err := try(ctx)
		if err == nil {
			l.conn.Store(conn)
			l.problem.Store(nil)
			close(l.opened)
			return
		}
		if ctx.Err() != nil {
			return
		}
		text := err.Error()
		pause := wait.NextBackOff()
		if old := l.problem.Swap(&text); old == nil || *old != text {
			l.log.Error("the connection cannot be opened; the others go on", "connection", l.name, "error", text)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// state says how the connection's process is.
func (l *link) state() pluginhost.State {
	if conn := l.conn.Load(); conn != nil {
		return conn.State()
	}
	st := pluginhost.State{Phase: pluginhost.Starting}
	if text := l.problem.Load(); text != nil {
		st.Phase, st.LastError = pluginhost.Failed, *text
	}
	return st
}

// Decode lets the plugin decode a webhook, waiting for it to be there.
func (l *link) Decode(ctx context.Context, r wire.Request) (wire.Decoded, error) {
	select {
	case <-l.opened:
		return l.conn.Load().Decode(ctx, r)
	case <-ctx.Done():
		return wire.Decoded{}, errors.Join(ctx.Err(), errNotOpen)
	}
}

var errNotOpen = errors.New("the connection is not open")

// openWait is how long records wait for a connection that is being opened.
const openWait = 5 * time.Second

// Write lets the plugin write records; while it is not there they are to be
// tried again.
func (l *link) Write(ctx context.Context, operation string, records []wire.Record, each func(wire.WriteResult)) error {
	if l.problem.Load() == nil {
		wait, cancel := context.WithTimeout(ctx, openWait)
		defer cancel()
		select {
		case <-l.opened:
		case <-wait.Done():
		}
	}
	if conn := l.conn.Load(); conn != nil {
		return conn.Write(ctx, operation, records, each)
	}
	for _, r := range records {
		each(wire.WriteResult{Index: r.Index, Failure: &wire.Failure{
			Class: wire.Transient, Code: "plugin_down", Message: errNotOpen.Error(),
		}})
	}
	return nil
}

func (l *link) close(ctx context.Context) error {
	if conn := l.conn.Load(); conn != nil {
		return conn.Close(ctx)
	}
	return nil
}
