package sdktest

import (
	"bytes"
	"log/slog"
	"sync"
)

// Log is a log that a test reads while others write it.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Logger writes text of every level to the log.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
