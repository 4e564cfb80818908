package run

import (
	"fmt"
	"io"
	"log/slog"
)

// newLogger makes the engine's log. level is debug, info, warn or error, and set as l,
// by which it can be changed; format is text or json.
func newLogger(w io.Writer, l *slog.LevelVar, level, format string) (*slog.Logger, error) {
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	default:
		return nil, fmt.Errorf("log format %q: want text or json", format)
	}
}
