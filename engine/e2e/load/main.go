// Command load measures a whole Crosswalk: a generator sends webhooks at fixed
// rates to an engine with its plugins, which delivers them to the sandbox. All are
// processes on this machine and share its processors. `make bench-e2e` runs it; see
// engine/README.md for what the columns mean.
//
// It prints, for orders of several sizes and for a sandbox that takes its time,
// what is accepted and delivered a second, how long an answer and a delivery take,
// and what an order costs each process in processor time, which is the figure that
// depends least on what else the machine does. Then it lets a backlog grow and
// shows how each changes with it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	bin, mappings, data, perf string
	connections               int
	step                      time.Duration
	backlog                   int
	rates                     []float64
	only                      string
}

func parse(args []string) (o options, err error) {
	fs := flag.NewFlagSet("load", flag.ContinueOnError)
	fs.StringVar(&o.bin, "bin", "bin", "`folder` of crosswalk, sandbox and plugins/, as make build leaves them")
	fs.StringVar(&o.mappings, "mappings", "mappings", "`folder` of the shipped mappings")
	fs.StringVar(&o.data, "data", "", "`folder` for the journal and the logs, kept; default: a new one, removed afterwards")
	fs.StringVar(&o.perf, "perf", "", "`folder` for a profile of each process in each step, by Linux's perf; build with LDFLAGS= for names")
	fs.IntVar(&o.connections, "connections", 512, "`N` connections of the generator, each with one webhook under way at a time: fewer than rate × latency hold it back")
	fs.DurationVar(&o.step, "step", 4*time.Second, "send for so `long` in each step")
	fs.IntVar(&o.backlog, "backlog", 50_000, "let the backlog grow to `N` events; 1000000 takes some minutes and 3 GB of disk")
	rates := fs.String("rates", "1000,2000,5000,10000", "webhooks a second of 1 KB in the accepting steps, by `LIST`")
	fs.StringVar(&o.only, "only", "", "only the steps of this `PART`: accept, through or backlog")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	for text := range strings.SplitSeq(*rates, ",") {
		r, err := strconv.ParseFloat(text, 64)
		if err != nil || r <= 0 {
			return o, fmt.Errorf("--rates %s: %q is no rate", *rates, text)
		}
		o.rates = append(o.rates, r)
	}
	if o.connections < 1 || o.step <= 0 || o.backlog < 1000 {
		return o, fmt.Errorf("--connections and --step must be positive, --backlog at least 1000")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.data == "" {
		dir, err := os.MkdirTemp("", "crosswalk-load-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		o.data = dir
	}
	for _, dir := range []*string{&o.bin, &o.mappings, &o.data, &o.perf} {
		if *dir == "" {
			continue
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	for _, dir := range []string{o.data, o.perf} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	b := &bench{options: o, out: out, site: &site{dir: o.data, bin: o.bin, mappings: o.mappings}}
	defer b.end()
	if err := b.begin(ctx); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"accept", b.accept}, {"through", b.through}, {"backlog", b.backlogs}} {
		if o.only != "" && o.only != part.name {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}
