package pluginhost

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// Lines below the log's level count for nothing: a connector that says much at
// debug level is not told off for it, and its warnings get through.
func TestLinesBelowTheLevelTakeNoPlace(t *testing.T) {
	var out bytes.Buffer
	l := newLogs(slog.New(slog.NewTextHandler(&out, nil)))
	s := l.stream("stderr", nil)
	for range 10 * lineBurst {
		_, _ = s.Write([]byte(`{"level":"debug","msg":"asked"}` + "\n"))
	}
	_, _ = s.Write([]byte(`{"level":"warn","msg":"the one that matters"}` + "\n"))
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "the one that matters") {
		t.Errorf("the log has %d lines, want the warning alone:\n%.500s", strings.Count(got, "\n"), got)
	}
}

// However long a flood lasts, the lines that tell of it are few.
func TestDroppedLinesAreToldOfSeldom(t *testing.T) {
	var out bytes.Buffer
	l := newLogs(slog.New(slog.NewTextHandler(&out, nil)))
	s := l.stream("stderr", nil)
	for range 3 {
		for range 3 * lineBurst {
			_, _ = s.Write([]byte("a flood\n"))
		}
		l.limit.SetLimit(1e9) // as after a pause
		_, _ = s.Write([]byte("later\n"))
		l.limit.SetLimit(linesPerSecond)
	}
	if n := strings.Count(out.String(), "lines were dropped"); n != 1 {
		t.Errorf("dropped lines are told of %d times within a moment, want once", n)
	}
}
