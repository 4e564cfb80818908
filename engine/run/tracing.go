package run

import (
	"context"
	"log/slog"
	"os"
	"reflect"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/tracing"
)

// flushTimeout is how long the end of the engine waits for traces to be told.
const flushTimeout = 5 * time.Second

// newTracer makes what tells a collector the way of events, where one is configured.
// stop tells it what there is yet.
func newTracer(ctx context.Context, cfg *config.Config, version string, log *slog.Logger) (t *tracing.Tracer, stop func(), err error) {
	s, err := cfg.Tracing.Under(os.LookupEnv)
	if err != nil {
		return nil, nil, err
	}
	if t, err = tracing.New(ctx, version, log); err != nil {
		return nil, nil, err
	}
	if err := setTracer(ctx, t, s, log); err != nil {
		return nil, nil, err
	}
	return t, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := t.Close(ctx); err != nil {
			log.Warn("the collector did not take all traces before the end", "after", flushTimeout)
		}
	}, nil
}

func setTracer(ctx context.Context, t *tracing.Tracer, s config.Tracing, log *slog.Logger) error {
	if err := t.Set(ctx, tracing.Settings{Endpoint: s.Endpoint, Headers: s.Headers, Sample: s.Sample}); err != nil {
		return err
	}
	if s.Endpoint != "" {
		log.Info("events are traced", "collector", s.Endpoint, "sample", s.Sample)
	}
	return nil
}

// compareTracing finds whether traces go elsewhere.
func (c *change) compareTracing(now *engine) error {
	is, err := c.Config.Tracing.Under(os.LookupEnv)
	if err != nil {
		return err
	}
	was, err := now.Config.Tracing.Under(os.LookupEnv)
	if err != nil || reflect.DeepEqual(is, was) {
		return err
	}
	c.tracing = &is
	c.changes = append(c.changes, "tracing changed")
	return nil
}

// applyTracing has traces go where c says.
func (c *change) applyTracing() {
	if c.tracing == nil {
		return
	}
	if err := setTracer(context.Background(), c.tracer, *c.tracing, c.log); err != nil {
		c.log.Error("traces go where they went", "error", err)
	}
}
