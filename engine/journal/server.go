package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	lockFile = "engine.lock"
	storeDir = "jetstream"
	// startWait is how long the server may take to recover its store.
	startWait = 5 * time.Minute
	// overhead is what a message has beside record and body: headers and, in a
	// dead letter, the outcome.
	overhead = 512 << 10
)

// lock takes the data directory for this process. The server itself takes no
// lock, and two servers on one directory lose what they acknowledged.
func lock(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	l := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if !ok {
		return nil, &LockedError{Dir: dir}
	}
	return l, nil
}

// startServer runs JetStream over dir without a listener and connects to it.
func startServer(dir string, maxPayload int32, log *slog.Logger) (*server.Server, *nats.Conn, error) {
	logs := &serverLog{log: log}
	if err := mendTorn(filepath.Join(dir, storeDir, server.JetStreamStoreDir), log); err != nil {
		return nil, nil, err
	}
	srv, err := server.NewServer(&server.Options{
		ServerName:             "crosswalk",
		DontListen:             true,
		JetStream:              true,
		StoreDir:               filepath.Join(dir, storeDir),
		SyncAlways:             true,
		JetStreamMaxMemory:     256 << 20,
		JetStreamMaxStore:      1 << 50, // each stream has its own bound
		MaxPayload:             maxPayload + overhead,
		MaxPending:             512 << 20,
		NoSigs:                 true,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("make the embedded server: %w", err)
	}
	srv.SetLogger(logs, false, false)
	go srv.Start()
	if !srv.ReadyForConnections(startWait) || !srv.JetStreamEnabled() {
		stopServer(srv)
		if why := logs.fatal.Load(); why != nil {
			return nil, nil, fmt.Errorf("start the embedded server: %s", *why)
		}
		return nil, nil, fmt.Errorf("start the embedded server: not ready after %s", startWait)
	}
	logs.recovered(srv)
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.Name("journal"),
		nats.MaxReconnects(-1), nats.ReconnectBufSize(-1), nats.ReconnectWait(100*time.Millisecond),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Error("journal connection", "error", err)
		}))
	if err != nil {
		stopServer(srv)
		return nil, nil, fmt.Errorf("connect to the embedded server: %w", err)
	}
	return srv, nc, nil
}

// healthy tells whether each stream in the store is there and can be written.
func healthy(srv *server.Server) error {
	h := srv.Healthz(nil)
	// Before it looks at the streams, the server gives itself a millisecond to say
	// that it runs, which a busy machine may take from it.
	if h.Status == "ok" || h.StatusCode == http.StatusInternalServerError && srv.ReadyForConnections(watchEvery) {
		return nil
	}
	return errors.New(h.Error)
}

// remains is where the server keeps a stream.
func remains(srv *server.Server, stream string) string {
	return filepath.Join(streamsIn(srv.StoreDir()), stream)
}

func stopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}
