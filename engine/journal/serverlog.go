package journal

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog passes the server's messages on. What the server takes for fatal is
// kept, for the server would end the process by itself otherwise.
type serverLog struct {
	log   *slog.Logger
	fatal atomic.Pointer[string]

	mu sync.Mutex
	// behind are the streams whose index was behind what they hold at the start.
	behind map[string]bool
}

// Noticef logs the server's ordinary messages, which matter to nobody but us.
func (l *serverLog) Noticef(format string, v ...any) { l.at(slog.LevelDebug, format, v) }

// Warnf logs a warning, except the one about large messages, which are meant here, and
// those that recovered says in other words.
func (l *serverLog) Warnf(format string, v ...any) {
	level := slog.LevelWarn
	if strings.HasPrefix(format, "Maximum payloads over") || l.isBehind(fmt.Sprintf(format, v...)) {
		level = slog.LevelDebug
	}
	l.at(level, format, v)
}

// behindForm are the server's words for an index of a stream that is older than the
// stream. It writes one every two minutes and at its end, and makes it anew where it
// does not fit: after a kill -9 or a power cut that is so, and nothing is amiss. Of an
// index that it cannot read it speaks otherwise.
var behindForm = regexp.MustCompile(`^Filestore \[([^\]]*)\] (Stream state outdated, |Stream state detected prior state|Recovering stream state from index errored: prior state file$)`)

// isBehind tells whether a warning says that, and notes of which stream.
func (l *serverLog) isBehind(message string) bool {
	m := behindForm.FindStringSubmatch(message)
	if m == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.behind == nil {
		l.behind = map[string]bool{}
	}
	l.behind[m[1]] = true
	return true
}

// recovered says that a start came after a crash, and how much the journal holds.
func (l *serverLog) recovered(srv *server.Server) {
	l.mu.Lock()
	streams := slices.Sorted(maps.Keys(l.behind))
	l.mu.Unlock()
	if len(streams) == 0 {
		return
	}
	attrs := []any{"streams", streams}
	if info, err := srv.Jsz(nil); err == nil {
		attrs = append(attrs, "messages", info.Messages)
	}
	l.log.Info("the engine did not end in order the last time; what the journal holds was read anew", attrs...)
}

// Errorf logs an error.
func (l *serverLog) Errorf(format string, v ...any) { l.at(slog.LevelError, format, v) }

// Debugf logs details.
func (l *serverLog) Debugf(format string, v ...any) { l.at(slog.LevelDebug, format, v) }

// Tracef logs the protocol.
func (l *serverLog) Tracef(format string, v ...any) { l.at(slog.LevelDebug, format, v) }

// Fatalf keeps the reason why the server cannot start.
func (l *serverLog) Fatalf(format string, v ...any) {
	s := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &s)
	l.at(slog.LevelError, format, v)
}

func (l *serverLog) at(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "journal server", "message", fmt.Sprintf(format, v...))
}
