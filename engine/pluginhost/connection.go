package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// defaultConcurrency is what Config.Concurrency is when it is 0.
const defaultConcurrency = wire.MaxBatch

// Config is what a connection is opened with.
type Config struct {
	// Name is the connection's name.
	Name string
	// Plugin is the plugin's name.
	Plugin string
	// JSON is the configuration, a JSON object, secrets included; {} if it is nil.
	JSON json.RawMessage
	// Concurrency bounds the records and questions that are at hand in the process
	// at once, over all calls; 1024 if it is 0.
	Concurrency int
	// KeepTrying has Open give a connection that goes on starting its process when
	// the first start failed for a reason that may pass (a *LaunchError). Its spec
	// is then the last one that Describe gave, if any.
	KeepTrying bool
}

// Connection is a configured plugin with its process. It is safe for concurrent
// use.
type Connection struct {
	host   *Host
	config Config
	logs   *logs
	slots  *semaphore.Weighted
	decode decoder

	// end has the process end; finished is closed when it has.
	end      context.CancelFunc
	finished chan struct{}
	// suspicion wakes the supervisor to a health call before its time.
	suspicion chan struct{}

	mu      sync.Mutex
	spec    wire.Spec
	sum     string
	proc    *process
	state   State
	failed  error
	changed chan struct{}
	closing bool
	calls   sync.WaitGroup
}

// Open starts the process of a connection, configures it and keeps it running
// until Close. Errors: *NotFoundError, *LaunchError, and *ConfigError where the
// plugin refuses the configuration; ctx bounds the start alone.
func (h *Host) Open(ctx context.Context, config Config) (*Connection, error) {
	if config.Name == "" {
		return nil, errors.New("open a connection: it has no name")
	}
	if config.Concurrency <= 0 {
		config.Concurrency = defaultConcurrency
	}
	if len(config.JSON) == 0 {
		config.JSON = json.RawMessage("{}")
	}
	leave, err := h.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := h.within(ctx)
	defer cancel()

	c := &Connection{
		host: h, config: config,
		logs:     newLogs(h.opts.Logger.With("connection", config.Name, "plugin", config.Plugin)),
		slots:    semaphore.NewWeighted(int64(config.Concurrency)),
		finished: make(chan struct{}), suspicion: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	c.decode.wake = make(chan struct{}, 1)
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	c.end = end
	p, err := c.start(ctx)
	if err != nil && !c.mayPass(ctx, err) {
		c.end()
		return nil, err
	}
	if err != nil {
		if spec, ok := h.lastSpec(config); ok {
			c.spec = spec
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		c.end()
		if p != nil {
			p.fail(ErrClosed)
			<-p.done
		}
		return nil, fmt.Errorf("plugin host: %w", ErrClosed)
	}
	h.connections[c] = struct{}{}
	if p != nil {
		c.setUp(p)
	}
	go c.supervise(life, p, err)
	return c, nil
}

// mayPass tells whether a connection that did not start may do so later.
func (c *Connection) mayPass(ctx context.Context, err error) bool {
	var launch *LaunchError
	var version *VersionError
	return c.config.KeepTrying && ctx.Err() == nil && errors.As(err, &launch) && !errors.As(err, &version)
}

// lastSpec gives a spec of the plugin as it is now, as near to the configuration
// as one is known.
func (h *Host) lastSpec(config Config) (wire.Spec, bool) {
	_, info, err := h.find(config.Plugin)
	if err != nil {
		return wire.Spec{}, false
	}
	bare, ok := h.known(keyOf(config.Plugin, info, nil), info)
	if !ok {
		return wire.Spec{}, false
	}
	if clean, err := WithoutSecrets(bare.ConfigSchema, config.JSON); err == nil {
		if spec, ok := h.known(keyOf(config.Plugin, info, clean), info); ok {
			return spec, true
		}
	}
	return bare, true
}

// Name gives the connection's name.
func (c *Connection) Name() string { return c.config.Name }

// Plugin gives the plugin's name.
func (c *Connection) Plugin() string { return c.config.Plugin }

// Spec gives the plugin's spec as it was under this configuration when the
// connection was opened.
func (c *Connection) Spec() wire.Spec {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spec
}

// Check asks whether the far system can be reached with these credentials; a
// *wire.Failure says why not. A process that is not up is a failure of class
// Transient.
func (c *Connection) Check(ctx context.Context) error {
	p, done, err := c.begin()
	if err != nil {
		return c.down(err)
	}
	defer done()
	err = p.client.Check(ctx)
	var failure *wire.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure):
		return c.hidden(failure)
	default:
		c.suspect()
		return &wire.Failure{Class: wire.Transient, Code: "plugin_lost", Message: c.lost(err)}
	}
}

// begin gives the process and counts a call; the error says why there is none.
func (c *Connection) begin() (p *process, done func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil, nil, ErrClosed
	}
	if c.proc == nil {
		return nil, nil, fmt.Errorf("its process is %s", c.state)
	}
	c.calls.Add(1)
	return c.proc, c.calls.Done, nil
}

// Close lets the process finish what is at hand, tells it to drain and ends it:
// politely at first, and with its whole group in the end. It takes no longer than
// the host's DrainTimeout and EndTimeout, and does not wait at all once ctx has
// ended. Calls that come in the meantime fail with plugin_down.
func (c *Connection) Close(ctx context.Context) error {
	c.mu.Lock()
	first := !c.closing
	c.closing = true
	p := c.proc
	c.mu.Unlock()
	var err error
	if first {
		if p != nil {
			err = c.drain(ctx, p)
		}
		c.decode.close(fmt.Errorf("connection %s: %w", c.config.Name, ErrClosed))
		c.end()
	}
	select {
	case <-c.finished:
	case <-ctx.Done():
		// The supervisor stops waiting now, too.
		c.mu.Lock()
		if c.proc != nil {
			c.proc.fail(errors.New("the time to end it in was over"))
		}
		c.mu.Unlock()
		<-c.finished
	}
	if first {
		c.host.mu.Lock()
		delete(c.host.connections, c)
		c.host.mu.Unlock()
	}
	return err
}

// drain waits for the calls at hand and then for the process to say that it is
// done.
func (c *Connection) drain(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, c.host.opts.DrainTimeout)
	defer cancel()
	quiet := make(chan struct{})
	go func() {
		// Calls end at the latest when the process does.
		c.calls.Wait()
		close(quiet)
	}()
	select {
	case <-quiet:
	case <-p.gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("connection %s: drain: calls were still at hand after %s", c.config.Name, c.host.opts.DrainTimeout)
	}
	if err := p.client.Drain(ctx); err != nil {
		select {
		case <-p.gone:
			return nil
		case <-time.After(lastWords):
			return fmt.Errorf("connection %s: drain: %s", c.config.Name, c.lost(err))
		}
	}
	return nil
}

// WaitRunning blocks until the process is up. It gives the error of a
// configuration that was refused, ErrClosed, or ctx's.
func (c *Connection) WaitRunning(ctx context.Context) error {
	for {
		c.mu.Lock()
		state, failed, changed := c.state, c.failed, c.changed
		c.mu.Unlock()
		switch {
		case state.Phase == Running:
			return nil
		case failed != nil:
			return failed
		case state.Phase == Stopped:
			return fmt.Errorf("connection %s: %w", c.config.Name, ErrClosed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("connection %s: its process is %s: %w", c.config.Name, state, ctx.Err())
		}
	}
}

// has tells whether names has name, for operations and lookups.
func has[T any](list []T, name string, of func(T) string) bool {
	return slices.ContainsFunc(list, func(e T) bool { return of(e) == name })
}

// Phase is where in its life a connection's process is.
type Phase int

// The phases.
const (
	// Starting: the first start is under way.
	Starting Phase = iota
	// Running: it takes work.
	Running
	// Restarting: it ended, and is started again at State.Until.
	Restarting
	// Failed: it refuses its configuration; it is tried again at State.Until all
	// the same, because the executable may be replaced.
	Failed
	// Stopped: the connection is closed.
	Stopped
)

// String gives the phase in one lower-case word.
func (p Phase) String() string {
	switch p {
	case Starting:
		return "starting"
	case Running:
		return "running"
	case Restarting:
		return "restarting"
	case Failed:
		return "failed"
	case Stopped:
	}
	return "stopped"
}

// State is how a connection's process is.
type State struct {
	// Phase is where in its life it is.
	Phase Phase
	// Until is when it is started again; zero unless it is Restarting or Failed.
	Until time.Time
	// Restarts is how many times it has come up again.
	Restarts int
	// PID is the process's id; 0 unless it is Running.
	PID int
	// Version is what the process that ran last calls its own, "" before any did. It is
	// another than the spec's where the executable was replaced meanwhile.
	Version string
	// LastError is why it ended or did not start the last time, without secrets;
	// "" if it never did.
	LastError string
}

// String gives the state in a line.
func (s State) String() string {
	if s.LastError != "" && s.Phase != Running {
		return s.Phase.String() + " (" + s.LastError + ")"
	}
	return s.Phase.String()
}

// State gives how the process is.
func (c *Connection) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}
