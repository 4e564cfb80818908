package run

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/metrics"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
)

// running is what goes on while an engine runs one configuration after another.
type running struct {
	log   *slog.Logger
	level *slog.LevelVar
	// options are the command line's, which come before every configuration's keys.
	options Options
	started time.Time

	journal *journal.Journal
	metrics *metrics.Metrics
	server  *ingress.Server
	// tracer tells a collector the way of events, where one is configured.
	tracer *tracing.Tracer
	// answers are lookups', kept for all lanes.
	answers *delivery.AnswerCache
	// certificate is for webhooks over TLS, nil for plain HTTP.
	certificate *ingress.Certificate

	now     atomic.Pointer[engine]
	handler atomic.Pointer[http.Handler]
	// adminLn is where the admin API answers, nil for nowhere.
	adminLn net.Addr

	// deliver is the lanes' context. background are lanes, and processes that end.
	deliver    context.Context //nolint:containedctx // lanes begin with it whenever a reload makes them
	background sync.WaitGroup
	reloads    reloads
}

// engine is what runs now, nil before anything does.
func (r *running) engine() *engine { return r.now.Load() }

// put makes e what runs now.
func (r *running) put(e *engine) {
	r.now.Store(e)
	if r.adminLn != nil {
		r.makeHandler(e)
	}
}

// serveAdmin has the admin API answer for e at ln, and for what comes after it.
func (r *running) serveAdmin(e *engine, ln net.Listener) {
	r.adminLn = ln.Addr()
	r.makeHandler(e)
}

func (r *running) makeHandler(e *engine) {
	h := admin.New(view{e}, admin.Options{
		Token: e.Config.Admin.Token, Elsewhere: r.adminLn.Network() == "unix" || !e.Config.Admin.Local(),
		Metrics: r.metrics.Handler(), Logger: r.log,
	})
	r.handler.Store(&h)
}

// ServeHTTP answers by the admin API of what runs now.
func (r *running) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	(*r.handler.Load()).ServeHTTP(w, req)
}

// startLane runs an opened lane.
func (r *running) startLane(l *lane, run func(context.Context) error) {
	ctx, stop := context.WithCancel(r.deliver)
	l.stop = stop
	r.background.Go(func() {
		defer stop()
		r.runLane(ctx, l, run)
	})
}
