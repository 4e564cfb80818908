package delivery

import (
	"cmp"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// fill puts the defaults in and checks the bounds.
func (o *GateOptions) fill() error {
	o.Concurrency = cmp.Or(o.Concurrency, 256)
	o.Backoff.Initial = cmp.Or(o.Backoff.Initial, time.Second)
	o.Backoff.Max = cmp.Or(o.Backoff.Max, 5*time.Minute)
	if o.Rate > 0 {
		o.Burst = cmp.Or(o.Burst, max(1, int(o.Rate)))
	}
	if o.Concurrency < 1 || o.Rate < 0 || o.Burst < 0 || o.Backoff.Initial < 0 || o.Backoff.Max < o.Backoff.Initial {
		return fmt.Errorf("gate to %s: the bounds %+v cannot be", o.Connection, *o)
	}
	return nil
}

func (o *GateOptions) newBucket() *rate.Limiter {
	if o.Rate <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(o.Rate), o.Burst)
}

// Set changes the gate's rate, burst, concurrency and backoff to those of o; the
// rest of o does not count. What of the burst is used up stays so. What shut the gate
// stays, and so does what is at the sink already: it counts against the new bounds.
// After an error the old ones hold.
func (g *Gate) Set(o GateOptions) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	o.Connection, o.Probe, o.Logger = g.o.Connection, g.o.Probe, g.o.Logger
	if err := o.fill(); err != nil {
		return err
	}
	switch {
	case g.bucket == nil || o.Rate <= 0:
		g.bucket = o.newBucket()
	case o.Rate != g.o.Rate || o.Burst != g.o.Burst:
		g.bucket.SetLimit(rate.Limit(o.Rate))
		g.bucket.SetBurst(o.Burst)
	}
	if g.ramp >= g.o.Concurrency { // it is not being tried anew
		g.ramp = o.Concurrency
	}
	g.ramp = min(g.ramp, o.Concurrency)
	g.allowed = min(g.allowed, max(doubtfulAtLeast, o.Concurrency))
	g.o = o
	g.wakeAll()
	return nil
}
