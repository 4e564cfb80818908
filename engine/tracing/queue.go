package tracing

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// maxQueue bounds the spans that wait, some 2 KB each, and maxBatch those that are
	// told at once.
	maxQueue = 8192
	maxBatch = 512
	// gatherFor is how long a span waits for others.
	gatherFor = time.Second
	// postTimeout is how long the collector may take for a batch, and giveUpAfter for
	// how long one is tried again.
	postTimeout = 10 * time.Second
	giveUpAfter = time.Minute
	// firstPause is the wait after the first failure; it doubles up to lastPause.
	firstPause = time.Second
	lastPause  = 15 * time.Second
	// complainEvery is how often it is said that spans are dropped.
	complainEvery = time.Minute
)

// newExporter makes what posts spans.
func newExporter(ctx context.Context, s Settings) (sdktrace.SpanExporter, error) {
	return otlptrace.New(ctx, otlptracehttp.NewClient(
		otlptracehttp.WithEndpointURL(s.Endpoint), otlptracehttp.WithHeaders(s.Headers),
		otlptracehttp.WithTimeout(postTimeout), otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}), // the queue does
	))
}

// queue takes spans from those who end them, who never wait, and tells them to the
// collector. It is a sdktrace.SpanProcessor.
type queue struct {
	log                        *slog.Logger
	spans                      chan sdktrace.ReadOnlySpan
	exported, dropped, refused atomic.Uint64

	mu       sync.Mutex
	exporter sdktrace.SpanExporter
	// changed is closed when another exporter is set.
	changed chan struct{}
	// begun tells that the goroutine runs, closing is closed to end it, and ended when
	// it has. life ends what it does.
	begun   bool
	closing chan struct{}
	ended   chan struct{}
	life    context.Context //nolint:containedctx // it is ended by close, whoever waits for what
	stop    context.CancelFunc
	closed  sync.Once

	// The goroutine's: since when the collector takes nothing, and when that was said.
	failing, said time.Time
	unsaid        uint64
}

func newQueue(log *slog.Logger) *queue {
	q := &queue{
		log: log, changed: make(chan struct{}), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	q.life, q.stop = context.WithCancel(context.Background())
	return q
}

// to has spans go to e from now on, nil for nowhere.
func (q *queue) to(e sdktrace.SpanExporter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.exporter = e
	close(q.changed)
	q.changed = make(chan struct{})
	if e != nil && !q.begun {
		q.begun = true
		q.spans = make(chan sdktrace.ReadOnlySpan, maxQueue)
		go q.run()
	}
}

func (q *queue) now() (sdktrace.SpanExporter, <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.exporter, q.changed
}

// OnStart does nothing.
func (q *queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd takes a span, or drops it.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	select {
	case q.spans <- s:
	default:
		q.dropped.Add(1)
	}
}

// Shutdown is the provider's, which is never shut down: close does that.
func (q *queue) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing.
func (q *queue) ForceFlush(context.Context) error { return nil }

func (q *queue) stats() Stats {
	return Stats{Exported: q.exported.Load(), Dropped: q.dropped.Load(), Refused: q.refused.Load()}
}

// close ends the goroutine once all that waits is told, and at the latest when ctx ends.
func (q *queue) close(ctx context.Context) error {
	q.closed.Do(func() { close(q.closing) })
	defer q.stop()
	q.mu.Lock()
	begun := q.begun
	q.mu.Unlock()
	if !begun {
		return nil
	}
	select {
	case <-q.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *queue) run() {
	defer close(q.ended)
	batch := make([]sdktrace.ReadOnlySpan, 0, maxBatch)
	gather := time.NewTimer(gatherFor)
	defer gather.Stop()
	for {
		select {
		case s := <-q.spans:
			if batch = append(batch, s); len(batch) == 1 {
				gather.Reset(gatherFor)
			}
			if len(batch) < maxBatch {
				continue
			}
		case <-gather.C:
		case <-q.closing:
			q.rest(batch)
			return
		}
		if len(batch) > 0 {
			q.tell(batch)
			clear(batch)
			batch = batch[:0]
		}
	}
}

// rest tells what there is, and waits for nothing more.
func (q *queue) rest(batch []sdktrace.ReadOnlySpan) {
	for {
		select {
		case s := <-q.spans:
			if batch = append(batch, s); len(batch) < maxBatch {
				continue
			}
		default:
		}
		if len(batch) == 0 {
			return
		}
		q.tell(batch)
		batch = batch[:0]
	}
}

// tell tells the collector a batch, and tries again while it does not take it.
func (q *queue) tell(batch []sdktrace.ReadOnlySpan) {
	began, pause := time.Now(), firstPause
	for {
		exporter, changed := q.now()
		if exporter == nil {
			q.dropped.Add(uint64(len(batch)))
			return
		}
		err := q.post(exporter, batch)
		if err == nil {
			q.exported.Add(uint64(len(batch)))
			q.works()
			return
		}
		q.fails(err)
		if q.life.Err() != nil || time.Since(began) >= giveUpAfter {
			break
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-changed:
		case <-q.closing: // once more, and no longer
			again.Stop()
			if q.post(exporter, batch) == nil {
				q.exported.Add(uint64(len(batch)))
				return
			}
			q.refused.Add(uint64(len(batch)))
			return
		}
		again.Stop()
		pause = min(2*pause, lastPause)
	}
	q.refused.Add(uint64(len(batch)))
}

func (q *queue) post(e sdktrace.SpanExporter, batch []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithTimeout(q.life, postTimeout)
	defer cancel()
	return e.ExportSpans(ctx, batch)
}

// maxError bounds what is logged of an error, in bytes: a collector's answer is in it.
const maxError = 300

// fails says once in a while that the collector does not take spans.
func (q *queue) fails(err error) {
	now := time.Now()
	if q.failing.IsZero() {
		q.failing, q.unsaid = now, q.dropped.Load()+q.refused.Load()
	} else if now.Sub(q.said) < complainEvery {
		return
	}
	q.said = now
	text := err.Error()
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "…"
	}
	q.log.Warn("the collector does not take traces; events go on", "error", text,
		"since", q.failing.UTC().Format(time.RFC3339), "dropped", q.dropped.Load()+q.refused.Load()-q.unsaid)
}

// works says that it does again, and at times that spans came faster than it takes them.
func (q *queue) works() {
	lost := q.dropped.Load() + q.refused.Load() - q.unsaid
	switch {
	case !q.failing.IsZero():
		q.log.Info("the collector takes traces again", "after", time.Since(q.failing).Round(time.Second), "dropped", lost)
	case lost > 0 && time.Since(q.said) >= complainEvery:
		q.log.Warn("more is traced than the collector takes; lower tracing.sample", "dropped", lost)
	default:
		return
	}
	q.failing, q.said, q.unsaid = time.Time{}, time.Now(), q.dropped.Load()+q.refused.Load()
}
