package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// GateOptions are what a Gate needs. Zero numbers and durations mean the default.
type GateOptions struct {
	// Connection names the sink's connection, in the log.
	Connection string
	// Rate is how many records a second may go to the sink in the long run, and
	// Burst how many at once; 0: as many as there are.
	Rate  float64
	Burst int
	// Concurrency bounds the records that are at the sink at once: 256.
	Concurrency int
	// Backoff is how long the sink is left alone after a failure that concerns all
	// records: 1 s to 5 min.
	Backoff Backoff
	// Probe asks the far system whether it can be reached with the connection's
	// credentials, and changes nothing there. Where it is nil, a record tries that.
	Probe  func(ctx context.Context) error
	Logger *slog.Logger
}

// GateState says how the way to a sink stands.
type GateState string

// The states of a Gate.
const (
	// GateOpen: records go.
	GateOpen GateState = "open"
	// GateLimited: the sink asked to be asked less often.
	GateLimited GateState = "limited"
	// GateBroken: the sink failed for every key that was tried.
	GateBroken GateState = "broken"
	// GatePaused: the sink refuses the connection's credentials.
	GatePaused GateState = "paused"
	// GateStopped: an operator has stopped it.
	GateStopped GateState = "stopped"
)

const (
	// tripAt is for how many different keys the sink must fail, with no record
	// passing in between, to be held for broken. A few orders that never pass do not
	// stop the others with it (D3).
	tripAt = 5
	// brokenMax bounds how long a broken sink goes without a probe.
	brokenMax = 30 * time.Second
	// probeTimeout bounds a probe.
	probeTimeout = 30 * time.Second
	// gather is how long free places of a busy sink are gathered, so that they share
	// a call.
	gather = 2 * time.Millisecond
	// doubtfulAtLeast is how many records whose last attempt got no answer may be at
	// the sink at once at first: they may hang again, and each holds a place.
	doubtfulAtLeast = 2
)

// Gate is the way to one sink connection, for all lanes that end there. It bounds
// how many records are at the sink and how many go in a second, and shuts while the
// sink as a whole is not to be asked (D4): it limits its callers, it refuses the
// credentials, or it fails for every key. While it is shut nothing is given up.
// When its time has come, a probe asks whether the sink works, then one record goes
// first, and with each answer more, so that what still holds is not met by
// everything at once. It is safe for concurrent use.
type Gate struct {
	log *slog.Logger

	mu     sync.Mutex
	o      GateOptions
	bucket *rate.Limiter // nil: no limit
	ports  []*port
	// queue are the ports that wait for room, the longest first; gathering is since
	// when free places are gathered.
	queue     []*port
	gathering time.Time
	// out counts the records at the sink, heard is when a result came last.
	out   int
	heard time.Time

	stopped bool
	// why is the failure that shut it, nil once a record has passed again; kind is
	// what that makes of it, since when, and until when nothing goes.
	why          *wire.Failure
	kind         GateState
	since, until time.Time
	// closures counts in turn the closures without a record passing between.
	closures int
	// probing tells that a probe is under way, probed that it went well.
	probing, probed bool
	// hearsay tells that nobody but another engine says why it is shut.
	hearsay bool
	// generation counts closures; current is how many records of this generation
	// are at the sink, and ramp how many may be.
	generation    uint64
	current, ramp int
	// reopened counts the times that it opened after a closure that held up what had
	// been tried before.
	reopened uint64

	// passes counts the records that passed, failing are the keys that failed since.
	passes  uint64
	failing map[string]struct{}
	// doubtful counts the records at the sink whose last attempt got no answer, and
	// allowed how many may be: more with each that gets one, fewer with each that
	// does not.
	doubtful, allowed int
	// turn gives a single free place to a fresh record or to a doubtful one.
	turn bool
}

// NewGate makes an open gate.
func NewGate(o GateOptions) (*Gate, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := o.fill(); err != nil {
		return nil, err
	}
	g := &Gate{
		o: o, log: o.Logger.With("sink", o.Connection), ramp: o.Concurrency,
		failing: map[string]struct{}{}, allowed: doubtfulAtLeast, heard: time.Now(), bucket: o.newBucket(),
	}
	return g, nil
}

// GateStats tell how a Gate stands at one moment.
type GateStats struct {
	State GateState
	// Failure is why it is shut, nil while it is open or stopped.
	Failure *wire.Failure
	// Since is when it shut, zero while it is open, and Until when the sink is tried
	// again; zero while it is stopped.
	Since, Until time.Time
	// Probed tells that a probe has passed since it shut: the next record decides.
	Probed bool
	// Hearsay tells that only another engine says that the credentials are refused.
	Hearsay bool
	// Sending counts the records at the sink.
	Sending int
	// Rate and Concurrency are its bounds; Rate is 0 where there is none.
	Rate        float64
	Concurrency int
}

// Stats tells how it stands.
func (g *Gate) Stats() GateStats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := GateStats{State: GateOpen, Sending: g.out, Rate: g.o.Rate, Concurrency: g.o.Concurrency}
	if g.why != nil {
		s.State, s.Failure, s.Since, s.Until = g.kind, g.why, g.since, g.until
		s.Probed, s.Hearsay = g.probed, g.hearsay
	}
	if g.stopped {
		s.State, s.Until = GateStopped, time.Time{}
	}
	return s
}

// Stop has nothing go until Resume is called. What is at the sink already is
// finished.
func (g *Gate) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stopped {
		g.stopped = true
		g.log.Warn("sending is stopped by an operator")
	}
}

// Resume ends a stop, and has what shut the gate tried again at once: one record
// goes first. It tells whether there was anything to resume.
func (g *Gate) Resume() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stopped && g.why == nil {
		return false
	}
	g.stopped = false
	g.probed, g.closures, g.until = true, 0, time.Now()
	g.log.Info("sending is resumed by an operator")
	g.wakeAll()
	return true
}

// Wait waits until at least one of most questions may go under the gate's rate, and
// gives how many may. A lookup is no record, and is held up by nothing else.
func (g *Gate) Wait(ctx context.Context, most int) (int, error) {
	g.mu.Lock()
	bucket, to := g.bucket, g.o.Connection
	g.mu.Unlock()
	if bucket == nil {
		return most, nil
	}
	if err := bucket.Wait(ctx); err != nil {
		return 0, fmt.Errorf("wait for %s under the rate of its limits: %w", to, err)
	}
	n := 1
	for n < most && bucket.Allow() {
		n++
	}
	return n, nil
}

// passage tells a lane whether records may go now.
type passage struct {
	open bool
	// most is how many records may be at the sink by now, while it is tried anew.
	most int
	// probe tells that the lane is to call Gate.probe.
	probe bool
	// until is when to ask again, zero if the lane will be woken.
	until time.Time
}

// look tells whether records may go. A lane that has work is told to probe when it
// is time for that.
func (g *Gate) look(now time.Time, work bool) passage {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.stopped:
		return passage{}
	case now.Before(g.until):
		return passage{until: g.until}
	case g.why == nil:
		return passage{open: true, most: math.MaxInt}
	case g.kind == GateLimited, g.probed, g.o.Probe == nil:
		return passage{open: true, most: g.ramp}
	case g.probing || !work:
		return passage{}
	}
	g.probing = true
	return passage{probe: true}
}

// probe asks the sink and opens the gate for a first record if it answers.
func (g *Gate) probe(ctx context.Context) {
	g.mu.Lock()
	asked, ask := g.generation, g.o.Probe
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := guard(func() error { return ask(ctx) })
	broken := errors.Is(ctx.Err(), context.Canceled)

	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.wakeAll()
	g.probing = false
	if broken || g.why == nil || g.probed || asked != g.generation {
		return // it tells nothing, or nothing new
	}
	switch {
	case err == nil && g.hearsay:
		g.believe("the sink takes this engine's credentials")
		return
	case err == nil:
		g.probed = true
		return
	}
	f, ok := errors.AsType[*wire.Failure](err)
	if !ok {
		f = &wire.Failure{Class: wire.Transient, Code: "probe_failed", Message: err.Error()}
	}
	if f.Class == wire.Auth {
		g.become(GatePaused, f)
	}
	g.closures++
	g.delay(f, time.Now())
}

// become notes why the gate is shut, and logs it once.
func (g *Gate) become(kind GateState, f *wire.Failure) {
	known := g.why != nil && g.kind == kind && !g.hearsay
	g.hearsay = false
	if g.why == nil {
		g.since = time.Now()
	}
	g.kind, g.why = kind, f
	if known {
		return
	}
	what := map[GateState]string{
		GateLimited: "sending is slowed down: the sink limits its callers",
		GateBroken:  "sending waits: the sink fails for every order",
		GatePaused:  "sending is paused: the sink refuses the connection's credentials; everything is kept until it takes them",
	}[kind]
	g.log.Warn(what, "class", f.Class.String(), "code", f.Code, "message", f.Message)
}

// delay sets when the sink is tried again.
func (g *Gate) delay(f *wire.Failure, now time.Time) {
	wait := g.o.Backoff.after(g.closures)
	if g.kind == GateBroken {
		wait = min(wait, brokenMax)
	}
	asked := min(f.RetryAfter, maxWait)
	if g.kind == GateLimited && asked > 0 {
		wait = asked // it knows best
	}
	if until := now.Add(max(wait, asked)); until.After(g.until) {
		g.until = until
	}
}

// shut closes the gate because of the failure of a record that was sent when
// nothing spoke against it.
func (g *Gate) shut(kind GateState, f *wire.Failure, now time.Time) {
	g.closures++
	g.generation++
	g.current, g.ramp = 0, 1
	g.probed = false
	clear(g.failing)
	g.become(kind, f)
	g.delay(f, now)
}

// passed notes that a record of this generation met nothing that concerns all.
// certain tells that the far system itself said so.
func (g *Gate) passed(certain bool, now time.Time) {
	g.ramp = min(g.ramp+1, g.o.Concurrency)
	if !certain || g.why == nil {
		return
	}
	outage := now.Sub(g.since)
	if g.kind != GateBroken || outage > 5*g.o.Backoff.Initial {
		g.reopened++
		g.wakeAll()
	}
	g.log.Info("sending goes on", "after", outage.Round(time.Second).String())
	g.why, g.closures, g.hearsay = nil, 0, false
}

// wakeAll has every lane look again.
func (g *Gate) wakeAll() {
	for _, p := range g.ports {
		p.wake()
	}
}
