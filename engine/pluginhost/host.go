package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Options are a host's. Durations that are 0 get the values named with them.
type Options struct {
	// Dir is the plugins directory.
	Dir string
	// Logger takes the host's and the plugins' lines; nil: none are kept.
	Logger *slog.Logger
	// StartTimeout bounds a process's start, up to and with Configure; 20 s.
	StartTimeout time.Duration
	// CallTimeout bounds the answer to a health call; a process that does not
	// answer in time hangs and is killed. 10 s.
	CallTimeout time.Duration
	// HealthInterval is the time between health calls; 5 s.
	HealthInterval time.Duration
	// DecodeTimeout bounds the answer to a webhook that was sent to a process; one
	// that does not answer in time hangs and is killed. 30 s.
	DecodeTimeout time.Duration
	// DrainTimeout bounds how long a closing connection finishes what is at hand;
	// 10 s.
	DrainTimeout time.Duration
	// EndTimeout bounds how long a process that was asked to end may take; 2 s.
	EndTimeout time.Duration
	// BackoffMin and BackoffMax bound the time, without its jitter of half of it,
	// before a process is started again; it doubles from one to the other. 100 ms
	// and 30 s.
	BackoffMin, BackoffMax time.Duration
	// SteadyAfter is how long a process has to have run for the next backoff to
	// begin anew; 1 min.
	SteadyAfter time.Duration
	// Env are further variables for plugins: NAME=VALUE sets one, NAME passes the
	// engine's. Without, they see where programs and certificates are, proxies,
	// time zone and language, and nothing else.
	Env []string
	// Lock is the file of the plugins' checksums (see Lock): a plugin that it does not
	// name, or names with another sum, is not started. "", or no file of that name when
	// the host is made: anything is.
	Lock string
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.StartTimeout, 20*time.Second)
	def(&o.CallTimeout, 10*time.Second)
	def(&o.HealthInterval, 5*time.Second)
	def(&o.DecodeTimeout, 30*time.Second)
	def(&o.DrainTimeout, 10*time.Second)
	def(&o.EndTimeout, 2*time.Second)
	def(&o.BackoffMin, 100*time.Millisecond)
	def(&o.BackoffMax, 30*time.Second)
	def(&o.SteadyAfter, time.Minute)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Host starts plugins' processes. It is safe for concurrent use.
type Host struct {
	opts     Options
	sockets  *sockets
	launcher *launcher

	mu          sync.Mutex
	closed      bool
	connections map[*Connection]struct{}
	describing  sync.WaitGroup
	specs       map[specKey]knownSpec
	sums        map[string]summed
	turns       map[string]chan struct{}
	// locked tells that the lock's file was seen.
	locked atomic.Bool
	// life ends when the host closes.
	life context.Context
	end  context.CancelCauseFunc
}

// New makes a host. The plugins directory need not exist yet.
func New(o Options) (*Host, error) {
	if o.Dir == "" {
		return nil, errors.New("plugin host: no plugins directory is given")
	}
	temp, err := socketsParent(os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("plugin host: %w", err)
	}
	sockets, err := newSockets(temp)
	if err != nil {
		return nil, fmt.Errorf("plugin host: %w", err)
	}
	life, end := context.WithCancelCause(context.Background())
	return &Host{
		opts: o.withDefaults(), sockets: sockets, launcher: newLauncher(),
		connections: map[*Connection]struct{}{}, specs: map[specKey]knownSpec{}, sums: map[string]summed{}, turns: map[string]chan struct{}{},
		life: life, end: end,
	}, nil
}

// Dir gives the plugins directory.
func (h *Host) Dir() string { return h.opts.Dir }

// Close closes every connection, each as Connection.Close does, and ends what
// else was started. It gives the errors of all.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	open := make([]*Connection, 0, len(h.connections))
	for c := range h.connections {
		open = append(open, c)
	}
	h.mu.Unlock()

	errs := make([]error, len(open))
	var wg sync.WaitGroup
	for i, c := range open {
		wg.Go(func() { errs[i] = c.Close(ctx) })
	}
	h.end(ErrClosed)
	wg.Wait()
	h.describing.Wait()
	h.launcher.close()
	if err := h.sockets.remove(); err != nil {
		errs = append(errs, fmt.Errorf("plugin host: %w", err))
	}
	return errors.Join(errs...)
}

// enter counts a start that Close has to wait for.
func (h *Host) enter() (leave func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fmt.Errorf("plugin host: %w", ErrClosed)
	}
	h.describing.Add(1)
	return h.describing.Done, nil
}

// within gives a context that ends with ctx and with the host.
func (h *Host) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(h.life, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(context.Canceled)
	}
}
