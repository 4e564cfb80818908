package pluginhost

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/crosswalk-etl/crosswalk/engine/words"
)

const (
	// linesPerSecond and lineBurst bound what one connection's plugin may log.
	linesPerSecond = 200
	lineBurst      = 1000
	// droppedEvery is how often, at most, dropped lines are told of.
	droppedEvery = 10 * time.Second
	// maxTail bounds what is kept of a process's last words.
	maxTail = 2 << 10
)

// logs brings what a plugin prints into the engine's log, for as long as its
// connection lives.
type logs struct {
	log     *slog.Logger
	limit   *rate.Limiter
	dropped atomic.Int64
	tell    *rate.Limiter
	blot    atomic.Pointer[strings.Replacer]
}

func newLogs(log *slog.Logger) *logs {
	return &logs{
		log: log, limit: rate.NewLimiter(linesPerSecond, lineBurst),
		tell: rate.NewLimiter(rate.Every(droppedEvery), 1),
	}
}

// hide has secrets blotted out from now on.
func (l *logs) hide(secrets []string) {
	if len(secrets) > 0 {
		l.blot.Store(redactor(secrets))
	}
}

// redact blots the connection's secrets out of a text.
func (l *logs) redact(text string) string {
	if r := l.blot.Load(); r != nil {
		return r.Replace(text)
	}
	return text
}

// stream gives a writer for what one process prints to stdout or stderr. The
// lines' end is kept in last, if that is not nil.
func (l *logs) stream(name string, last *tail) *lineSplitter {
	s := &stream{logs: l, name: name, last: last}
	return &lineSplitter{each: s.line}
}

type stream struct {
	*logs
	name string
	last *tail
	// panicking tells that a Go runtime's report goes on until the process ends.
	panicking bool
}

func (s *stream) line(raw []byte, leftOut int) {
	text := s.redact(strings.ToValidUTF8(string(raw), string(utf8.RuneError)))
	if cut := len(text) - maxLine; cut > 0 {
		text, leftOut = words.Bounded(text, maxLine), leftOut+cut
	}
	entry, structured := parseLine(text)
	if !structured {
		s.panicking = s.panicking || strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ")
		entry = logLine{level: slog.LevelInfo, message: text}
		if s.panicking {
			entry.level = slog.LevelError
		}
	}
	if s.last != nil && (!structured || entry.level >= slog.LevelWarn) {
		s.last.add(entry.message)
	}
	if leftOut > 0 {
		entry.attrs = append(entry.attrs, slog.Int("bytes_left_out", leftOut))
	}
	if !structured {
		entry.attrs = append(entry.attrs, slog.String("stream", s.name))
	}
	s.emit(entry)
}

func (l *logs) emit(e logLine) {
	ctx := context.Background()
	if !l.log.Enabled(ctx, e.level) {
		return // what is not logged takes no other line's place
	}
	if !l.limit.Allow() {
		l.dropped.Add(1)
		return
	}
	if l.dropped.Load() > 0 && l.tell.Allow() {
		l.log.LogAttrs(ctx, slog.LevelWarn, "the plugin logs too much; lines were dropped", slog.Int64("lines", l.dropped.Swap(0)))
	}
	l.log.LogAttrs(ctx, e.level, e.message, e.attrs...)
}

type logLine struct {
	level   slog.Level
	message string
	attrs   []slog.Attr
}

// parseLine reads a line in hclog's JSON form, or slog's.
func parseLine(text string) (logLine, bool) {
	if !strings.HasPrefix(text, "{") {
		return logLine{}, false
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var fields map[string]any
	if dec.Decode(&fields) != nil || dec.More() {
		return logLine{}, false
	}
	take := func(names ...string) string {
		for _, n := range names {
			if v, ok := fields[n].(string); ok {
				delete(fields, n)
				return v
			}
		}
		return ""
	}
	out := logLine{message: take("@message", "msg", "message")}
	if out.message == "" {
		return logLine{}, false
	}
	out.level = levelOf(take("@level", "level"))
	for _, n := range []string{"@timestamp", "@caller", "@module", "time"} {
		delete(fields, n)
	}
	for _, n := range slices.Sorted(maps.Keys(fields)) {
		out.attrs = append(out.attrs, slog.Any(n, fields[n]))
	}
	return out, true
}

func levelOf(word string) slog.Level {
	switch strings.ToLower(word) {
	case "trace", "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal", "panic":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}

// tail keeps the first line of a panic and otherwise the last lines of a process.
type tail struct {
	mu    sync.Mutex
	lines []string
	size  int
	fixed bool
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fixed {
		return
	}
	line = strings.TrimSpace(line)
	if len(line) > maxTail/4 {
		line = words.Bounded(line, maxTail/4) + "..."
	}
	t.fixed = strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
	if t.fixed {
		t.lines, t.size = nil, 0
	}
	t.lines = append(t.lines, line)
	t.size += len(line) + 1
	for t.size > maxTail {
		t.size -= len(t.lines[0]) + 1
		t.lines = t.lines[1:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
