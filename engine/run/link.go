package run

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// link is a connection as ingress and delivery see it, also while its plugin
// cannot be started, and while another process takes the place of one: one
// connection that does not work keeps no other from working.
type link struct {
	name   string
	log    *slog.Logger
	opened chan struct{}
	// problem is why it is not open yet.
	problem atomic.Pointer[string]
	// stop ends the opening, and idle is closed when that has ended; nil for one that
	// is made open.
	stop context.CancelFunc
	idle chan struct{}

	mu  sync.Mutex
	use *use
	// restarts counts those of the processes before.
	restarts int
}

// use is a process and those who call it now.
type use struct {
	conn    *pluginhost.Connection
	callers sync.WaitGroup
}

func newLink(name string, log *slog.Logger) *link {
	return &link{name: name, log: log, opened: make(chan struct{})}
}

// openLater tries to open the connection until it is open or ctx ends.
func (l *link) openLater(ctx context.Context, try func(context.Context) (*pluginhost.Connection, error)) {
	ctx, l.stop = context.WithCancel(ctx)
	l.idle = make(chan struct{})
	go func() {
		defer close(l.idle)
		l.open(ctx, try)
	}()
}

func (l *link) open(ctx context.Context, try func(context.Context) (*pluginhost.Connection, error)) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = time.Second
	wait.MaxInterval = time.Minute
	for {
		conn, err := try(ctx)
		if err == nil {
			l.set(conn)
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

// set has calls go to conn from now on, and gives what they went to before.
func (l *link) set(conn *pluginhost.Connection) (before *use) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.use = l.use, &use{conn: conn}
	if before != nil {
		l.restarts += before.conn.State().Restarts
	} else {
		close(l.opened)
	}
	l.problem.Store(nil)
	return before
}

// replace has calls go to conn from now on; those that are at hand finish where they
// began.
func (l *link) replace(conn *pluginhost.Connection) (before *use) {
	if l.stop != nil {
		l.stop()
		<-l.idle
	}
	return l.set(conn)
}

// begin gives the process and counts a caller of it, who says when he is done; nil
// while there is none.
func (l *link) begin() (conn *pluginhost.Connection, done func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.use == nil {
		return nil, nil
	}
	l.use.callers.Add(1)
	return l.use.conn, l.use.callers.Done
}

// sum is that of the binary that the connection was opened with, "" where none was.
func (l *link) sum() string {
	conn, done := l.begin()
	if conn == nil {
		return ""
	}
	defer done()
	return conn.Sum()
}

// state says how the connection's process is.
func (l *link) state() pluginhost.State {
	if conn, done := l.begin(); conn != nil {
		defer done()
		st := conn.State()
		l.mu.Lock()
		defer l.mu.Unlock()
		st.Restarts += l.restarts
		return st
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
		conn, done := l.begin()
		defer done()
		return conn.Decode(ctx, r)
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
	why := &wire.Failure{Class: wire.Transient, Code: "plugin_down", Message: errNotOpen.Error()}
	if conn, done := l.begin(); conn != nil {
		defer done()
		err := conn.Write(ctx, operation, records, each)
		if err == nil {
			return nil
		}
		// Nothing was sent: the plugin was replaced, and has no such operation any more.
		why = &wire.Failure{Class: wire.Transient, Code: "no_operation", Message: err.Error()}
	}
	for _, r := range records {
		each(wire.WriteResult{Index: r.Index, Failure: why})
	}
	return nil
}

// close ends the connection.
func (l *link) close(ctx context.Context) error {
	if u := l.retired(); u != nil {
		return u.conn.Close(ctx)
	}
	return nil
}

// retired ends the opening and gives what calls went to, nil where nothing was opened.
func (l *link) retired() *use {
	if l.stop != nil {
		l.stop()
		<-l.idle
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.use
}

// retireTimeout is how long the calls at hand may take when their process is replaced.
// Then they are broken off, and what was sent with them was possibly sent.
const retireTimeout = 3 * time.Minute

// retire ends a process that nothing goes to any more, once the calls at hand are
// done, and at the latest when ctx ends.
func (u *use) retire(ctx context.Context) error {
	quiet := make(chan struct{})
	go func() {
		u.callers.Wait() // they end at the latest when the process does
		close(quiet)
	}()
	patience := time.NewTimer(retireTimeout)
	defer patience.Stop()
	select {
	case <-quiet:
	case <-patience.C:
	case <-ctx.Done():
	}
	return bounded(u.conn.Close) //nolint:contextcheck // the process is ended after ctx has ended, too
}

// check asks whether the connection's far system takes its credentials.
func (l *link) check(ctx context.Context) error {
	if conn, done := l.begin(); conn != nil {
		defer done()
		return conn.Check(ctx)
	}
	return &wire.Failure{Class: wire.Transient, Code: "plugin_down", Message: errNotOpen.Error()}
}
