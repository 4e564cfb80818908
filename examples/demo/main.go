// Command demo shows Crosswalk's main job with real processes: it starts a
// sandbox of SaleApp and Nova Poshta and an engine with five plugin processes,
// sends webhooks of three systems, and prints what arrived. It exits with 0 only if
// all of that is as expected.
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

// timeout bounds the whole demo.
const timeout = 5 * time.Minute

func main() {
	bin := flag.String("bin", "bin", "folder with crosswalk, sandbox and plugins/")
	dir := flag.String("dir", "examples/demo", "folder with crosswalk.yaml and bodies/")
	verbose := flag.Bool("v", false, "show the engine's log")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	err := run(ctx, *bin, *dir, *verbose)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, dir string, verbose bool) error {
	data, err := os.MkdirTemp("", "crosswalk-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()

	sandbox, err := startSandbox(ctx, filepath.Join(bin, "sandbox"))
	if err != nil {
		return err
	}
	defer sandbox.Stop(startTimeout)
	engine, err := startEngine(ctx, engineOptions{
		binary: filepath.Join(bin, "crosswalk"), plugins: filepath.Join(bin, "plugins"),
		config: filepath.Join(dir, "crosswalk.yaml"), data: data, saleapp: sandbox.base, novaposhta: sandbox.novaposhta, verbose: verbose,
	})
	if err != nil {
		return err
	}
	defer engine.Stop(startTimeout)

	fmt.Fprintf(os.Stdout, "engine at %s, sandbox of SaleApp and Nova Poshta at %s\n\n", engine.ingress, sandbox.root)
	sent, again, err := sendAll(ctx, engine, filepath.Join(dir, "bodies"))
	if err != nil {
		return err
	}
	seen, err := waitDelivered(ctx, engine, sent)
	if err != nil {
		return fmt.Errorf("%w\nthe engine's log:\n%s", err, engine.Printed())
	}
	orders, err := sandbox.orders(ctx)
	if err != nil {
		return err
	}
	printOrders(os.Stdout, orders, seen)
	printDead(os.Stdout, seen.dead)
	fmt.Fprintf(os.Stdout, "%d accepted, %d delivered, %d duplicate, %d dead\n",
		seen.status.Accepted, seen.status.Delivered, seen.status.Duplicates, seen.status.Dead)
	if err := expect(orders, seen, again); err != nil {
		return err
	}
	if err := engine.Shutdown(startTimeout); err != nil {
		return fmt.Errorf("the engine did not stop in order: %w\n%s", err, engine.Printed())
	}
	return nil
}
