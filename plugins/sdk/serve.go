package sdk

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Serve serves a connector until the engine ends it, and is all that a
// connector's main has to call. It does not return: it exits with status 1 and a
// sentence on standard error where the spec is wrong or no engine started the
// process.
//
// The process runs on one processor as long as that is enough, and on all of them
// while it is not; GOMAXPROCS in its environment overrules that.
//
// Standard output belongs to the handshake. What is printed to standard error
// before Serve, and what is logged to Config.Log, reaches the engine's log.
func Serve(s Spec) {
	if err := serve(s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(s Spec) error {
	log := newLogger(os.Stderr, wantedLevel(os.Getenv(wire.LogLevelKey)))
	h, err := NewHandler(s, log)
	if err != nil {
		return err
	}
	if os.Getenv(wire.CookieKey) != wire.CookieValue {
		return fmt.Errorf("%s %s is a Crosswalk connector: put it into the engine's plugins directory, the engine starts it", s.Name, s.Version)
	}
	// A connector's heap is so small that the collector would run many times a second
	// under load. This is never touched, and so is no memory but a number to it.
	ballast := make([]byte, 16<<20)
	defer runtime.KeepAlive(ballast)
	adapt()
	go exitWithEngine(os.Stdin)
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  wire.Handshake(),
		VersionedPlugins: wire.Plugins(h),
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, wire.ServerOptions()...)...)
		},
		Logger: hclog.NewNullLogger(),
	})
	return nil
}

// exitWithEngine ends the process when the engine is gone. The engine holds the
// other end of standard input open as long as it lives, however it dies.
func exitWithEngine(stdin io.Reader) {
	_, err := io.Copy(io.Discard, stdin)
	if err != nil && !errors.Is(err, io.EOF) {
		// Standard input was closed or never there: nothing to watch.
		if errors.Is(err, os.ErrClosed) {
			return
		}
	}
	os.Exit(0)
}

// newLogger logs lines that the engine reads as levels, message and attributes
// (hclog's JSON form, which go-plugin passes on).
func newLogger(w io.Writer, from slog.Level) *slog.Logger {
	return slog.New(traced{slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: from,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 {
				return a
			}
			switch a.Key {
			case slog.MessageKey:
				a.Key = "@message"
			case slog.TimeKey:
				a.Key = "@timestamp"
			case slog.LevelKey:
				level, ok := a.Value.Any().(slog.Level)
				if !ok {
					// A connector's own attribute of that name.
					return a
				}
				return slog.String("@level", levelName(level))
			}
			return a
		},
	})})
}

// wantedLevel is the level that the engine names; all levels where it names none.
func wantedLevel(name string) slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(name)) != nil {
		return slog.LevelDebug
	}
	return l
}

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "error"
	case l >= slog.LevelWarn:
		return "warn"
	case l >= slog.LevelInfo:
		return "info"
	default:
		return "debug"
	}
}
