package ingress

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Keeper keeps requests as they came while the plugin of their connection cannot
// decode them. Its methods may be called concurrently.
type Keeper interface {
	// Queues tells whether what comes now on a connection has to be kept, so that
	// nothing overtakes what waits.
	Queues(connection string) bool
	// Waiting tells how many of a connection's requests wait, those that are being
	// kept now among them.
	Waiting(connection string) int
	// Keep returns after r is on disk. Errors are those of Journal.Accept.
	Keep(ctx context.Context, r *event.Request) error
	// Kept gives the connection's requests that wait, the oldest first: at most limit,
	// and only the last of them goes beyond maxBytes of bodies. Where several engines
	// share them it waits until this one is to decode them.
	Kept(ctx context.Context, connection string, limit, maxBytes int) ([]event.Request, error)
	// Refuse stores that a request was refused when it was decoded, on disk.
	Refuse(ctx context.Context, r *event.Request, why event.Reason) error
	// Decoded says of the first of those that Kept gave that everything has become
	// of them.
	Decoded(ctx context.Context, connection string, requests []event.Request)
	// Yield says that no more are decoded for now, so that another engine may.
	Yield(ctx context.Context, connection string)
}

const (
	// maxKept and maxKeptBytes bound the kept requests of a connection that are
	// decoded at a time.
	maxKept      = 64
	maxKeptBytes = 4 << 20
	// lookEvery is how often kept requests are looked for, beside the times when one
	// was kept just now; a connection whose requests could not be decoded rests as long.
	lookEvery = time.Second
	// keptSoon is how long to wait for a request that is being kept now.
	keptSoon = 5 * time.Millisecond
	// storers is how many keys' events are stored at a time.
	storers = 64
)

// classRefused is the class of the reason why a kept request was refused.
const classRefused = "INVALID"

// queues tells whether requests of a connection have to queue behind those that wait.
func (s *Server) queues(one *sender) bool {
	return s.keeper != nil && s.keeper.Queues(one.Name)
}

// keep stores a request as it came, with cause as the reason why it is not decoded
// now, nil where it queues behind others.
func (s *Server) keep(ctx context.Context, q *request, r *wire.Request, received time.Time, cause error) (answer, *problem) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.StoreTimeout)
	defer cancel()
	kept := &event.Request{
		Connection: q.sender.Name, Method: r.Method, Path: r.Path, Query: r.Query, Body: r.Body, ReceivedAt: received,
	}
	for _, h := range r.Header {
		kept.Header = append(kept.Header, [2]string{h.Name, h.Value})
	}
	err := s.keepTraced(ctx, q.span, kept)
	if never, ok := errors.AsType[*UnacceptableError](err); ok {
		return answer{}, &problem{status: http.StatusUnprocessableEntity, code: CodeUnacceptable, message: never.Message, field: never.Field, cause: err}
	}
	if err != nil {
		var after time.Duration
		connector := cause != nil // else it was to queue behind others
		if u, ok := errors.AsType[*UnavailableError](err); ok {
			after = u.RetryAfter
			connector = connector || u.Undecoded
		}
		if !connector {
			return answer{}, later(CodeJournal, "the event could not be stored: send this request again later", after, err)
		}
		return answer{}, later(CodeConnector, "the connector does not answer: send this request again later", after, errors.Join(cause, err))
	}
	q.kept = true
	q.sender.stats.kept.Add(1)
	if cause != nil {
		if unsaid, ok := q.sender.complaints.may(time.Now()); ok {
			s.log.Warn("the connector does not answer: webhooks are kept as they came until it does",
				"connection", q.sender.Name, "error", line(cause.Error()), "more_unsaid", unsaid)
		}
	}
	select {
	case s.keptOne <- struct{}{}:
	default:
	}
	return answer{status: http.StatusAccepted, contentType: "application/json", body: []byte("{\"accepted\":0,\"undecoded\":1}\n")}, nil
}

// decodeKept decodes what is kept, of each connection by itself and in its order,
// until ctx ends.
func (s *Server) decodeKept(ctx context.Context) {
	if s.keeper == nil {
		return
	}
	var (
		mu   sync.Mutex
		busy = map[string]bool{}
		wg   sync.WaitGroup
	)
	defer wg.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		for name := range s.senders.all() {
			mu.Lock()
			begin := !busy[name] && s.keeper.Waiting(name) > 0
			if begin {
				busy[name] = true
			}
			mu.Unlock()
			if !begin {
				continue
			}
			wg.Go(func() {
				s.decodeAll(ctx, name)
				mu.Lock()
				defer mu.Unlock()
				delete(busy, name)
			})
		}
		select {
		case <-s.keptOne:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// decodeAll decodes a connection's requests until none waits or something keeps it
// from going on; then it is called again.
func (s *Server) decodeAll(ctx context.Context, connection string) {
	defer s.keeper.Yield(context.WithoutCancel(ctx), connection)
	started, n := time.Now(), 0
	for ctx.Err() == nil && s.keeper.Waiting(connection) > 0 {
		one := s.senders.all()[connection] // as it is now
		if one == nil {
			return
		}
		k, err := s.decodeSome(ctx, one)
		n += k
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if unsaid, ok := one.complaints.may(time.Now()); ok {
				s.log.Warn("webhooks that were kept as they came cannot be decoded yet", "connection", one.Name,
					"waiting", s.keeper.Waiting(one.Name), "error", line(err.Error()), "more_unsaid", unsaid)
			}
			s.keeper.Yield(ctx, connection)
			s.rest(ctx, lookEvery)
			return
		}
		if k == 0 {
			s.rest(ctx, keptSoon)
		}
	}
	if n > 0 && ctx.Err() == nil {
		s.log.Info("all webhooks that were kept as they came are decoded", "connection", connection, "requests", n, "took", time.Since(started).Round(time.Millisecond))
	}
}

func (s *Server) rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// decodeSome decodes the next requests of a connection and stores what they become.
// It gives how many it is done with.
func (s *Server) decodeSome(ctx context.Context, one *sender) (int, error) {
	requests, err := s.keeper.Kept(ctx, one.Name, maxKept, maxKeptBytes)
	if err != nil || len(requests) == 0 {
		return 0, err
	}
	decoded, problems := make([]wire.Decoded, len(requests)), make([]*problem, len(requests))
	asking, cancel := ctx, context.CancelFunc(func() {})
	if s.limits.KeptTimeout > 0 {
		asking, cancel = context.WithTimeout(ctx, s.limits.KeptTimeout)
	}
	defer cancel()
	var wg sync.WaitGroup
	for i := range requests {
		wg.Go(func() { decoded[i], problems[i] = s.decodeGuarded(asking, one, &requests[i]) })
	}
	wg.Wait()
	// Those before the first that could not be answered are done with.
	n := 0
	for n < len(requests) && (problems[n] == nil || problems[n].status != http.StatusServiceUnavailable) {
		n++
	}
	if n < len(requests) {
		err = problems[n].cause
	}
	if failed := s.storeKept(ctx, one, requests[:n], decoded, problems); failed != nil {
		return 0, failed
	}
	s.keeper.Decoded(context.WithoutCancel(ctx), one.Name, requests[:n])
	return n, err
}

// decodeGuarded is decode for a request that nobody waits for.
func (s *Server) decodeGuarded(ctx context.Context, one *sender, r *event.Request) (d wire.Decoded, p *problem) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("decoding a webhook panicked", "connection", one.Name, "panic", v)
			p = refuse(http.StatusInternalServerError, CodeBroken, "the engine failed on this request")
		}
	}()
	return s.askAgain(ctx, one, r)
}

// storeKept stores the events of requests that were decoded, each key's in their
// order, and the requests that were refused.
func (s *Server) storeKept(ctx context.Context, one *sender, requests []event.Request, decoded []wire.Decoded, problems []*problem) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.StoreTimeout)
	defer cancel()
	type part struct {
		request, n int
	}
	byKey := map[string][]part{}
	var keys []string
	for i := range requests {
		if problems[i] != nil {
			continue
		}
		for n := range decoded[i].Events {
			key := decoded[i].Events[n].Key
			if byKey[key] == nil {
				keys = append(keys, key)
			}
			byKey[key] = append(byKey[key], part{i, n})
		}
	}
	never := make([]*UnacceptableError, len(requests))
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(storers)
	for _, key := range keys {
		group.Go(func() error {
			for _, p := range byKey[key] {
				r := &requests[p.request]
				e := eventOf(one.Name, &decoded[p.request].Events[p.n], r.Body, r.ReceivedAt)
				e.Part = r.Part(p.n)
				receipt, err := s.acceptKept(ctx, r.Trace, e)
				if bad, ok := errors.AsType[*UnacceptableError](err); ok {
					mu.Lock()
					never[p.request] = bad
					mu.Unlock()
					continue
				}
				if err != nil {
					return err
				}
				one.count(receipt)
				s.log.DebugContext(ctx, "event accepted of a webhook that was kept as it came", "connection", one.Name, "sequence", receipt.Sequence, "event_id", line(e.ID))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range requests {
		p := problems[i]
		if never[i] != nil {
			p = &problem{code: CodeUnacceptable, message: never[i].Message, field: never[i].Field}
		}
		if p == nil {
			continue
		}
		if err := s.refuseKept(ctx, one, &requests[i], p); err != nil {
			return err
		}
	}
	return nil
}

// refuseKept keeps a request that was refused when it was decoded: its sender was
// told that it is taken.
func (s *Server) refuseKept(ctx context.Context, one *sender, r *event.Request, p *problem) error {
	why := event.Reason{Class: classRefused, Code: p.code, Message: line(p.message), Path: line(p.field)}
	if p.told != "" {
		why.Code = p.told
	}
	if err := s.keeper.Refuse(ctx, r, why); err != nil {
		return err
	}
	one.stats.refused.add(p.code)
	s.stats.refused.add(p.code)
	attrs := []slog.Attr{slog.String("connection", one.Name), slog.String("code", why.Code), slog.String("reason", why.Message)}
	if p.cause != nil {
		attrs = append(attrs, slog.String("error", line(p.cause.Error())))
	}
	level := slog.LevelDebug
	if unsaid, ok := one.complaints.may(time.Now()); ok {
		level = slog.LevelWarn
		if unsaid > 0 {
			attrs = append(attrs, slog.Uint64("more_unsaid", unsaid))
		}
	}
	s.log.LogAttrs(ctx, level, "a webhook that was kept as it came was refused when it was decoded: crosswalk undecoded list", attrs...)
	return nil
}

// wireRequest is a kept request as a plugin gets it.
func wireRequest(r *event.Request) wire.Request {
	w := wire.Request{Method: r.Method, Path: r.Path, Query: r.Query, Body: r.Body}
	for _, h := range r.Header {
		w.Header = append(w.Header, wire.Header{Name: h[0], Value: h[1]})
	}
	return w
}
