package ingress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Serve takes webhooks from ln until ctx ends; then it closes ln, lets what is at
// hand finish for Limits.DrainTimeout, and cuts off the rest. It returns nil after
// such an end, also if something had to be cut off: its sender got no answer and
// repeats it. Beside that it decodes what was kept undecoded.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	l := s.limits
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: l.HeaderTimeout,
		ReadTimeout:       l.BodyTimeout,
		WriteTimeout:      l.BodyTimeout + l.DecodeTimeout + l.StoreTimeout + 5*time.Second,
		IdleTimeout:       l.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	ctx, stop := context.WithCancel(ctx)
	var decoding sync.WaitGroup
	decoding.Go(func() { s.decodeKept(ctx) })
	defer decoding.Wait()
	defer stop()
	limited := netutil.LimitListener(ln, l.MaxConnections)
	served := make(chan error, 1)
	go func() {
		if s.certificate != nil {
			server.TLSConfig = s.certificate.config()
			served <- server.ServeTLS(limited, "", "")
			return
		}
		served <- server.Serve(limited)
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve ingress on %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		s.log.Warn("ingress cuts off requests that did not finish", "after", l.DrainTimeout, "error", err)
		if err := server.Close(); err != nil {
			s.log.Debug("closing ingress", "error", err)
		}
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve ingress on %s: %w", ln.Addr(), err)
	}
	return nil
}
