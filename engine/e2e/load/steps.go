package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// pollEvery is how often the engine is asked how far it is, which costs it something.
const pollEvery = 100 * time.Millisecond

// bench runs the steps and prints what they measured.
type bench struct {
	options
	*site
	out io.Writer
	gen *generator
}

func (b *bench) begin(ctx context.Context) error {
	if err := b.startSandbox(ctx); err != nil {
		return err
	}
	return b.start(ctx)
}

// start starts the engine and connects the generator to it.
func (b *bench) start(ctx context.Context) error {
	if err := b.startEngine(ctx); err != nil {
		return err
	}
	if err := b.running(ctx); err != nil {
		return err
	}
	next := 1
	if b.gen != nil {
		next = b.gen.next
		b.gen.close()
	}
	var err error
	if b.gen, err = newGenerator(b.ingress, b.connections); err != nil {
		return err
	}
	b.gen.next = next
	return nil
}

// running waits until each connection has its process.
func (b *bench) running(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < startWait; time.Sleep(10 * time.Millisecond) {
		st, err := b.status(ctx)
		if err != nil {
			return err
		}
		up := 0
		for _, c := range st.Connections {
			if c.PID != 0 {
				up++
			}
		}
		if up == len(st.Connections) && up > 0 {
			return nil
		}
	}
	return fmt.Errorf("the plugins were not up within %s; see engine.log", startWait)
}

func (b *bench) end() {
	if b.gen != nil {
		b.gen.close()
	}
	b.stop()
}

// send sends orders of so many bytes to a shop.
func (b *bench) send(ctx context.Context, shop string, size, n int, rate float64) (*sent, error) {
	s, err := b.gen.run(ctx, n, rate, requests(b.ingress, "/in/"+shop+"/"+token, size))
	if err == nil && s.refused > 0 {
		err = fmt.Errorf("%d of %d webhooks were refused; see engine.log", s.refused, n)
	}
	return s, err
}

// settle waits until so many events more than were there have been delivered and
// gives how long that took.
func (b *bench) settle(ctx context.Context, want uint64) (time.Duration, error) {
	began := time.Now()
	for {
		st, err := b.status(ctx)
		if err != nil {
			return 0, err
		}
		if st.Counters.Delivered >= want {
			return time.Since(began), nil
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// drain has all that was accepted be delivered.
func (b *bench) drain(ctx context.Context) error {
	if err := b.latency(ctx, 0); err != nil {
		return err
	}
	if err := b.sending(ctx, "resume"); err != nil {
		return err
	}
	st, err := b.status(ctx)
	if err != nil {
		return err
	}
	_, err = b.settle(ctx, st.Counters.Accepted)
	return err
}

// The columns of processor time, in µs an order.
const costColumns = "%8s %8s %8s %8s | %8s %8s"

// accept: the way to the sink is stopped, and what comes is decoded and stored.
func (b *bench) accept(ctx context.Context) error {
	b.head("accepting (nothing is sent meanwhile)", "%6s %8s %10s %9s %9s %9s | "+costColumns,
		"size", "asked/s", "accepted/s", "p50", "p99", "max", "engine", "source", "sink", "sum", "sandbox", "sender")
	if err := b.sending(ctx, "pause"); err != nil {
		return err
	}
	type row struct {
		size int
		rate float64
	}
	var rows []row
	for _, r := range b.rates {
		rows = append(rows, row{1 << 10, r})
	}
	top := slices.Max(b.rates)
	rows = append(rows, row{4 << 10, top / 2}, row{16 << 10, top / 8})
	for i, r := range rows {
		m, err := b.measure(ctx, "one", fmt.Sprintf("accept-%d", i))
		if err != nil {
			return err
		}
		s, err := b.send(ctx, "one", r.size, int(r.rate*b.step.Seconds()), r.rate)
		if err != nil {
			return err
		}
		c, err := m.done(s.accepted)
		if err != nil {
			return err
		}
		b.row("%4dKB %8.0f %10.0f %9s %9s %9s | %s", r.size>>10, r.rate, s.rate(), s.quantile(.5).Round(10*time.Microsecond),
			s.quantile(.99).Round(10*time.Microsecond), s.quantile(1).Round(10*time.Microsecond), c)
	}
	return b.drain(ctx)
}

// through: orders come at a fixed rate and are delivered meanwhile.
func (b *bench) through(ctx context.Context) error {
	b.head("from the webhook to the sink", "%6s %8s %8s %8s %10s %11s %9s %9s %9s %9s | "+costColumns,
		"size", "latency", "requests", "asked/s", "accepted/s", "delivered/s", "p50", "p99", "e2e p50", "e2e p99",
		"engine", "source", "sink", "sum", "sandbox", "sender")
	for i, r := range []struct {
		size    int
		latency time.Duration
		shop    string
		rate    float64
	}{
		{1 << 10, 0, "one", 500},
		{1 << 10, 0, "one", 1000},
		{1 << 10, 0, "one", 2500},
		{1 << 10, 0, "one", 5000},
		{4 << 10, 0, "one", 1000},
		{16 << 10, 0, "one", 250},
		{1 << 10, 0, "shop", 1000},
		{1 << 10, 20 * time.Millisecond, "one", 2500},
		{4 << 10, 20 * time.Millisecond, "one", 1000},
		{16 << 10, 20 * time.Millisecond, "one", 250},
		{1 << 10, 20 * time.Millisecond, "shop", 1000},
	} {
		if err := b.latency(ctx, r.latency); err != nil {
			return err
		}
		st, err := b.status(ctx)
		if err != nil {
			return err
		}
		m, err := b.measure(ctx, r.shop, fmt.Sprintf("through-%d", i))
		if err != nil {
			return err
		}
		n := int(r.rate * b.step.Seconds())
		s, err := b.send(ctx, r.shop, r.size, n, r.rate)
		if err != nil {
			return err
		}
		more, err := b.settle(ctx, st.Counters.Delivered+uint64(n)) //nolint:gosec // positive
		if err != nil {
			return err
		}
		c, err := m.done(n)
		if err != nil {
			return err
		}
		ages, err := b.ages(ctx, min(n, 2000))
		if err != nil {
			return err
		}
		requests := map[string]int{"one": 1, "shop": 2}[r.shop]
		b.row("%4dKB %8s %8d %8.0f %10.0f %11.0f %9s %9s %9s %9s | %s", r.size>>10, r.latency, requests, r.rate, s.rate(),
			float64(n)/(s.took+more).Seconds(), s.quantile(.5).Round(10*time.Microsecond), s.quantile(.99).Round(10*time.Microsecond),
			quantile(ages, .5).Round(100*time.Microsecond), quantile(ages, .99).Round(100*time.Microsecond), c)
	}
	return nil
}

func quantile(ages []time.Duration, q float64) time.Duration {
	if len(ages) == 0 {
		return 0
	}
	slices.Sort(ages)
	return ages[min(int(q*float64(len(ages))), len(ages)-1)]
}

// backlogs: how all of it changes while nothing is delivered for long.
func (b *bench) backlogs(ctx context.Context) error {
	b.head("with a backlog", "%9s %10s %9s %9s %11s | "+costColumns+" | %-30s",
		"events", "accepted/s", "p50", "p99", "delivered/s", "engine", "source", "sink", "sum", "sandbox", "sender", "MB resident (without files, at most)")
	var sizes []int
	for n := 1000; n < b.backlog; n *= 10 {
		sizes = append(sizes, n)
	}
	have := 0
	for i, n := range append(sizes, b.backlog) {
		if err := b.sending(ctx, "pause"); err != nil {
			return err
		}
		if _, err := b.send(ctx, "one", 1<<10, max(n-have, 1), 0); err != nil {
			return err
		}
		if err := b.atBacklog(ctx, i, n); err != nil {
			return err
		}
		st, err := b.status(ctx)
		if err != nil {
			return err
		}
		have = int(st.Counters.Accepted - st.Counters.Delivered) //nolint:gosec // both count from the start
	}
	return b.reopen(ctx)
}

// atBacklog measures accepting and delivering with a backlog of n events.
func (b *bench) atBacklog(ctx context.Context, i, n int) error {
	const rate = 1000
	m, err := b.measure(ctx, "one", fmt.Sprintf("backlog-%d-accept", i))
	if err != nil {
		return err
	}
	s, err := b.send(ctx, "one", 1<<10, int(rate*b.step.Seconds()), rate)
	if err != nil {
		return err
	}
	c, err := m.done(s.accepted)
	if err != nil {
		return err
	}
	memory, err := m.memory()
	if err != nil {
		return err
	}
	b.row("%9d %10.0f %9s %9s %11s | %s | %s", n, s.rate(), s.quantile(.5).Round(10*time.Microsecond),
		s.quantile(.99).Round(10*time.Microsecond), "", c, memory)

	st, err := b.status(ctx)
	if err != nil {
		return err
	}
	if m, err = b.measure(ctx, "one", fmt.Sprintf("backlog-%d-deliver", i)); err != nil {
		return err
	}
	if err := b.sending(ctx, "resume"); err != nil {
		return err
	}
	began := time.Now()
	for time.Since(began) < b.step && st.Counters.Delivered < st.Counters.Accepted {
		time.Sleep(pollEvery)
		now, err := b.status(ctx)
		if err != nil {
			return err
		}
		if now.Counters.Delivered >= now.Counters.Accepted {
			break
		}
	}
	took := time.Since(began)
	now, err := b.status(ctx)
	if err != nil {
		return err
	}
	delivered := int(now.Counters.Delivered - st.Counters.Delivered) //nolint:gosec // it grows
	if c, err = m.done(delivered); err != nil {
		return err
	}
	if memory, err = m.memory(); err != nil {
		return err
	}
	b.row("%9s %10s %9s %9s %11.0f | %s | %s", "", "", "", "", float64(delivered)/took.Seconds(), c, memory)
	return nil
}

// reopen measures a start over what there is, after kill -9.
func (b *bench) reopen(ctx context.Context) error {
	st, err := b.status(ctx)
	if err != nil {
		return err
	}
	b.engine.Kill()
	began := time.Now()
	if err := b.start(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	u, err := usage(b.engine.PID())
	if err != nil {
		return err
	}
	b.row("\nkilled with -9 and started again over %d events: ready after %s and %s of processor time, with %d MB (at most %d)",
		st.Counters.Accepted, took.Round(10*time.Millisecond), u.processor, u.memory>>20, u.peak>>20)
	return nil
}

func (b *bench) head(title, format string, columns ...any) {
	fmt.Fprintf(b.out, "\n%s; processor time in µs an order\n", title)
	fmt.Fprintf(b.out, format+"\n", columns...)
}

func (b *bench) row(format string, values ...any) { fmt.Fprintf(b.out, format+"\n", values...) }
