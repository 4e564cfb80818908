package run

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/metrics"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// stopTimeout bounds each step of stopping.
const stopTimeout = 30 * time.Second

// engine is everything that runs under one configuration, wired together. It does not
// change: a reload makes another one, which shares what goes on.
type engine struct {
	*project.Project
	*running
	programs []*mapping.Program

	links map[string]*link
	gates map[string]*delivery.Gate
	lanes []*lane
	// earlier are mappings that made outcomes and do not run any more.
	earlier earlier
}

// maxAnswers is how many answers of lookups are kept.
const maxAnswers = 50_000

// run starts everything, waits until ctx ends or a part fails for good, and stops
// in the order of a record's way: no new webhooks, then what is at hand, then the
// processes, then the journal.
func (e *engine) run(ctx context.Context) (err error) {
	if t := e.Config.Ingress.TLS; t.Certificate != "" {
		if e.certificate, err = ingress.LoadCertificate(t.Certificate, t.Key, e.log); err != nil {
			return err
		}
	}
	in, err := listen(ctx, "webhooks", "--listen", e.Config.Ingress.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	var adminLn net.Listener
	if e.Config.Admin.Listen != "" {
		if adminLn, err = listenAdmin(ctx, e.Config.Admin.Listen); err != nil {
			return err
		}
		defer func() { _ = adminLn.Close() }()
	}

	e.journal, err = journal.Open(ctx, journal.Options{
		Dir: e.Config.Data, Cluster: clusterOf(e.Config), Logger: e.log,
		MaxEventBytes: e.Config.Storage.MaxEvents, MaxOutcomeBytes: e.Config.Storage.MaxOutcomes,
		MaxDeadBytes: e.Config.Storage.MaxDead, MaxUndecodedBytes: e.Config.Storage.MaxUndecoded, MinFreeDisk: e.Config.Storage.MinFreeDisk,
		Retention:  journal.Retention{Age: e.Config.Retention.Age, Bytes: e.Config.Retention.Bytes},
		MaxPayload: maxPayload(e.Config.Ingress.MaxBody),
	})
	if err != nil {
		return atKey(e.Config, err)
	}
	defer func() { err = errors.Join(err, bounded(e.journal.Close)) }() //nolint:contextcheck // the journal is closed after ctx has ended

	stopLinks := e.openLinks(ctx)
	defer stopLinks()
	return e.serve(ctx, in, adminLn)
}

// serve runs the lanes and the listeners until ctx ends or one of them fails.
func (e *engine) serve(ctx context.Context, in, adminLn net.Listener) error {
	r := e.running
	r.metrics = metrics.New(r.options.Version, measured{r})
	if err := e.newIngress(); err != nil {
		return err
	}
	r.answers = delivery.NewAnswerCache(maxAnswers)
	if err := e.makeGates(); err != nil {
		return err
	}
	if err := e.planLanes(ctx); err != nil {
		return err
	}
	if _, err := e.settle(ctx, r.options.Since); err != nil {
		return err
	}
	r.started = time.Now().UTC()
	r.put(e)
	e.followStops(r.engine)
	runs := make([]func(context.Context) error, len(e.lanes))
	for i, l := range e.lanes {
		var err error
		if runs[i], err = openLane(ctx, l, r.engine); err != nil {
			return err
		}
	}
	// The lanes outlive the listeners: what was accepted last is delivered too.
	deliver, stopDelivery := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDelivery()
	accept, stopAccepting := context.WithCancel(ctx)
	defer stopAccepting()
	r.deliver, r.reloads.life = deliver, accept
	r.followEngines(deliver)

	var (
		mu       sync.Mutex
		failures []error
	)
	fail := func(what string, err error) {
		if err == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		failures = append(failures, fmt.Errorf("%s: %w", what, err))
		stopAccepting()
	}

	var listeners sync.WaitGroup
	for i, l := range e.lanes {
		r.startLane(l, runs[i]) //nolint:contextcheck // lanes have a context of their own, which outlives ctx
	}
	listeners.Go(func() { fail("ingress", r.server.Serve(accept, in)) })
	listeners.Go(func() { fail("journal", e.renewal(accept)) })
	adminAddr := ""
	if adminLn != nil {
		adminAddr = adminLn.Addr().String()
		r.serveAdmin(e, adminLn)
		listeners.Go(func() { fail("admin", admin.Serve(accept, adminLn, r, r.log)) })
	}
	listeners.Go(func() { r.reloadOnSignal(accept, stopAccepting) })
	if r.options.Watch {
		listeners.Go(func() { r.reloadOnChange(accept) })
	}
	r.log.Info("ready", "version", r.options.Version, "ingress", in.Addr().String(), "admin", adminAddr,
		"connections", len(e.links), "mappings", len(e.programs))

	<-accept.Done()
	r.log.Info("stopping: no more webhooks are taken, what is at hand is finished")
	listeners.Wait()
	r.reloads.close()
	stopDelivery()
	r.background.Wait()
	mu.Lock()
	defer mu.Unlock()
	return errors.Join(failures...)
}

// openLinks starts every connection's process, all at once; the returned function
// ends them.
func (e *engine) openLinks(ctx context.Context) (stop func()) {
	e.links = map[string]*link{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	for _, c := range e.Config.Connections {
		l := newLink(c.Name, e.log)
		e.links[c.Name] = l
		l.openLater(ctx, func(ctx context.Context) (*pluginhost.Connection, error) { return e.openConnection(ctx, c, true) })
	}
	return func() { //nolint:contextcheck // the processes are ended after ctx has ended
		cancel()
		links := e.links
		if now := e.engine(); now != nil {
			links = now.links
		}
		var closing sync.WaitGroup
		for _, l := range links {
			closing.Go(func() {
				if err := bounded(l.close); err != nil {
					e.log.Warn("the connection did not stop in order", "connection", l.name, "error", err)
				}
			})
		}
		closing.Wait()
	}
}

// openConnection starts a connection's process and configures it. keepTrying has a
// first start that fails for a reason that may pass be none.
func (e *engine) openConnection(ctx context.Context, c *config.Connection, keepTrying bool) (*pluginhost.Connection, error) {
	spec, err := e.Host.Describe(ctx, c.Plugin, nil)
	if err != nil {
		return nil, err
	}
	cfg, err := c.JSON(spec.ConfigSchema)
	if err != nil {
		return nil, err
	}
	return e.Host.Open(ctx, pluginhost.Config{Name: c.Name, Plugin: c.Plugin, JSON: cfg, KeepTrying: keepTrying})
}

// listen opens a listener, with an error that says what it was for and which flag
// names another address.
func listen(ctx context.Context, what, flag, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("listen for %s: %w: end what listens there, perhaps another engine, or choose another address with %s", what, err, flag)
		}
		return nil, fmt.Errorf("listen for %s: %w", what, err)
	}
	return ln, nil
}

// listenAdmin opens the listener of the admin API, at an address or a socket.
func listenAdmin(ctx context.Context, addr string) (net.Listener, error) {
	if path, socket := strings.CutPrefix(addr, config.UnixPrefix); socket {
		return admin.ListenSocket(ctx, path)
	}
	return listen(ctx, "the admin API", "--admin", addr)
}

// bounded calls f with a context that ends after stopTimeout.
func bounded(f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return f(ctx)
}

// maxPayload is what the journal must take in one message for a body of at most
// maxBody bytes: the record and the body as it came, with what is around them.
func maxPayload(maxBody int64) int32 {
	const atLeast, atMost = journal.DefaultMaxPayload, 64 << 20
	return int32(min(max(4*maxBody+(64<<10), atLeast), atMost))
}
