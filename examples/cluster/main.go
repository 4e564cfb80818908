// Command cluster runs Crosswalk on a NATS cluster on this machine: three NATS
// servers, three engines and a sandbox of SaleApp, as processes. It sends orders to
// all engines, kills one engine and then one server with -9, and exits with 0 only if
// each order arrived once.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// startTimeout bounds how long a process may take until it is ready.
	startTimeout = 2 * time.Minute
	// timeout bounds the whole.
	timeout = 10 * time.Minute
)

func main() {
	bin := flag.String("bin", "bin", "folder with crosswalk, sandbox and plugins/")
	dir := flag.String("dir", "examples/cluster", "folder with crosswalk.yaml")
	orders := flag.Int("orders", 300, "how many orders are sent, 20 a second")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if flag.Arg(0) == "node" {
		err = runNode(ctx, flag.Arg(1))
	} else {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		err = run(ctx, *bin, *dir, *orders)
		cancel()
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, dir string, orders int) error {
	data, err := os.MkdirTemp("", "crosswalk-cluster-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	s, err := start(ctx, bin, filepath.Join(dir, "crosswalk.yaml"), data)
	defer s.stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "3 NATS servers, 3 engines, a sandbox of SaleApp\n")
	for i, e := range s.engines {
		fmt.Fprintf(os.Stdout, "engine %d: %s status --admin %s\n", i+1, filepath.Join(bin, "crosswalk"), e.Admin)
	}
	for i := range orders {
		switch i {
		case orders / 3:
			s.engines[0].Kill()
			fmt.Fprintln(os.Stdout, "engine 1 was killed")
		case 2 * orders / 3:
			s.nodes[2].Kill()
			fmt.Fprintln(os.Stdout, "NATS server 3 was killed")
		}
		if err := s.send(ctx, i); err != nil {
			return err
		}
	}
	began := time.Now()
	for {
		seen, err := s.arrived(ctx)
		if err == nil && seen.orders == orders {
			if seen.twice > 0 {
				return fmt.Errorf("%d orders arrived twice", seen.twice)
			}
			fmt.Fprintf(os.Stdout, "%d orders accepted, %d in SaleApp, each once; the last %s after the last webhook\n",
				orders, seen.orders, time.Since(began).Round(time.Second))
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d orders arrived: %w", seen.orders, orders, ctx.Err())
		}
	}
}
