// Command sandbox runs fakes of vendors' APIs on one address, for demos, for
// end-to-end tests and for trying a mapping without a vendor's account. It holds
// SaleApp under /saleapp/ and Nova Poshta under /novaposhta/; see README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// grace is how long requests under way may take once the sandbox is told to stop.
const grace = 5 * time.Second

func main() {
	// Never touched, and so no memory but a number to the collector, which would run
	// many times a second otherwise.
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx ends and returns the exit code: 0 after a clean stop, 1 where
// serving failed, 2 for wrong flags.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, errHelp):
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "sandbox: %v\n", err)
		return 2
	}
	if err := serve(ctx, o, stdout, stderr); err != nil {
		_, _ = fmt.Fprintf(stderr, "sandbox: %v\n", err)
		return 1
	}
	return 0
}

// serve prints the address as soon as requests can come.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	handler, careful := mount(o)
	srv := newServer(handler, careful, stderr)
	served := make(chan error, 1)
	go func() { served <- srv.serve(listener) }()
	stop := func() error {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		_ = listener.Close() // nothing more is accepted
		return srv.shutdown(stopping)
	}
	if _, err := fmt.Fprintf(stdout, "http://%s\n", listener.Addr()); err != nil {
		_ = stop() // the reason to stop is the other error
		return fmt.Errorf("print the address: %w", err)
	}
	select {
	case err := <-served:
		_ = stop() // the reason to stop is the other error
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	// A request may outlast the grace, by a long --latency for one: it is cut off.
	if err := stop(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
