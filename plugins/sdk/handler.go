package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const (
	defaultConcurrency = 16
	maxCandidates      = 20
)

// handler serves a spec: it keeps the lifecycle, bounds what is at hand, and
// makes one-record interfaces of batches.
type handler struct {
	spec Spec
	log  *slog.Logger

	mu       sync.RWMutex
	conn     *Connection
	workers  *workers
	draining bool
	atHand   sync.WaitGroup
}

// NewHandler makes the serving side of s. Serve calls it; a test that wants no
// process of its own may, too. It gives every mistake in the spec as one error.
func NewHandler(s Spec, log *slog.Logger) (wire.Handler, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return &handler{spec: s, log: log}, nil
}

func (h *handler) Describe(_ context.Context, config json.RawMessage) (wire.Spec, error) {
	c := h.spec.Contract
	if len(config) > 0 && h.spec.Under != nil {
		under, err := h.spec.Under(config)
		if err != nil {
			return wire.Spec{}, status.Error(codes.InvalidArgument, err.Error())
		}
		c = under
	}
	var features []string
	if len(c.Events) > 0 {
		features = append(features, "decode")
	}
	return wire.Spec{
		Name: h.spec.Name, Version: h.spec.Version, Title: h.spec.Title, Features: features,
		ConfigSchema: h.spec.Config, Events: c.Events, Operations: c.Operations, Lookups: c.Lookups,
	}, nil
}

func (h *handler) Configure(ctx context.Context, connection string, config json.RawMessage) ([]Diagnostic, error) {
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	if ds := checkConfig(h.spec.Config, config); len(ds) > 0 {
		return ds, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conn != nil {
		return nil, status.Error(codes.FailedPrecondition, "configured already: one process serves one connection")
	}
	conn, err := h.spec.Open(ctx, Config{Connection: connection, JSON: config, Log: h.log})
	if ce, ok := errors.AsType[*ConfigError](err); ok {
		return ce.Diagnostics, nil
	}
	if err != nil {
		return []Diagnostic{{Message: err.Error()}}, nil
	}
	if err := h.spec.plays(conn); err != nil {
		return []Diagnostic{{Message: err.Error()}}, nil
	}
	n := conn.Concurrency
	if n <= 0 {
		n = defaultConcurrency
	}
	h.workers = newWorkers(n)
	h.conn = conn
	return nil, nil
}

func (h *handler) Check(ctx context.Context) error {
	conn, done, err := h.begin()
	if err != nil {
		return err
	}
	defer done()
	if conn.Check == nil {
		return nil
	}
	return conn.Check(ctx)
}

// Drain refuses new work and waits for what is at hand.
func (h *handler) Drain(ctx context.Context) error {
	h.mu.Lock()
	h.draining = true
	h.mu.Unlock()
	done := make(chan struct{})
	go func() {
		h.atHand.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin counts a piece of work as at hand until done is called.
func (h *handler) begin() (conn *Connection, done func(), err error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.conn == nil {
		return nil, nil, status.Error(codes.FailedPrecondition, "not configured yet")
	}
	if h.draining {
		return nil, nil, status.Error(codes.Unavailable, "draining")
	}
	h.atHand.Add(1)
	return h.conn, h.atHand.Done, nil
}

func (h *handler) Decode(ctx context.Context, r Request) (out Decoded) {
	conn, done, err := h.begin()
	if err != nil {
		// The engine opens no stream before Configure and sends nothing after Drain.
		return Decoded{Refusal: &Refusal{Status: 425, Code: "not_ready", Message: err.Error()}}
	}
	defer done()
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("decoding panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out = Decoded{Refusal: &Refusal{Status: 422, Code: "panic", Message: "the connector failed on this request"}}
		}
	}()
	out, err = conn.Source.Decode(withTrace(ctx, r.Traceparent), &r)
	if err == nil {
		err = h.checkEvents(out.Events)
	}
	if err != nil {
		refusal, ok := errors.AsType[*Refusal](err)
		if !ok {
			refusal = &Refusal{Status: 422, Code: "undecodable", Message: err.Error()}
		}
		return Decoded{Refusal: refusal}
	}
	return out
}

// checkEvents keeps a connector's mistakes from reaching the journal.
func (h *handler) checkEvents(events []Event) error {
	for _, e := range events {
		if e.Key == "" {
			return Refuse(422, "no_key", "", "the %s event has no key", e.Type)
		}
		if !h.spec.hasEvent(e.Type) {
			return fmt.Errorf("the connector made an event %q that its spec does not name", e.Type)
		}
	}
	return nil
}

func (h *handler) Read(ctx context.Context, r ReadRequest, emit func(ReadBatch) error) error {
	conn, done, err := h.begin()
	if err != nil {
		return err
	}
	defer done()
	if conn.Puller == nil {
		return status.Error(codes.Unimplemented, h.spec.Name+" cannot be polled")
	}
	return conn.Puller.Read(ctx, r, emit)
}

func (h *handler) Write(ctx context.Context, operation string, records []wire.Record, emit func(wire.WriteResult)) error {
	conn, done, err := h.begin()
	if err != nil {
		return err
	}
	defer done()
	if !h.spec.hasOperation(operation) {
		return status.Errorf(codes.InvalidArgument, "%s has no operation %q", h.spec.Name, operation)
	}
	h.workers.each(ctx, len(records), func(i int) {
		rec := records[i]
		w, err := h.write(withTrace(ctx, rec.Traceparent), conn, Record{Operation: operation, Key: rec.Key, Data: rec.Data, PossiblySent: rec.PossiblySent})
		emit(wire.WriteResult{Index: rec.Index, Failure: wire.AsFailure(err), Action: w.Action, Answer: w.Answer})
	})
	return ctx.Err()
}

func (h *handler) write(ctx context.Context, conn *Connection, r Record) (w Written, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("writing panicked", "operation", r.Operation, "key", r.Key, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = Lost("panic", "the connector failed while writing")
		}
	}()
	return conn.Sink.Write(ctx, r)
}

func (h *handler) Find(ctx context.Context, lookup string, questions []wire.Question, emit func(wire.Answer)) error {
	conn, done, err := h.begin()
	if err != nil {
		return err
	}
	defer done()
	if !h.spec.hasLookup(lookup) {
		return status.Errorf(codes.InvalidArgument, "%s has no lookup %q", h.spec.Name, lookup)
	}
	h.workers.each(ctx, len(questions), func(i int) {
		q := questions[i]
		found, err := h.find(withTrace(ctx, q.Traceparent), conn, Question{Lookup: lookup, Args: q.Args})
		a := wire.Answer{Index: q.Index, Found: found}
		if amb, ok := errors.AsType[*AmbiguousError](err); ok {
			a.Failure = &Failure{Class: wire.Ambiguous, Code: "ambiguous", Message: amb.Message}
			a.Candidates = amb.Candidates[:min(len(amb.Candidates), maxCandidates)]
		} else {
			a.Failure = wire.AsFailure(err)
		}
		emit(a)
	})
	return ctx.Err()
}

func (h *handler) find(ctx context.Context, conn *Connection, q Question) (found json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("looking up panicked", "lookup", q.Lookup, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			found, err = nil, Transient("panic", "the connector failed while looking up")
		}
	}()
	return conn.Lookup.Find(ctx, q)
}
