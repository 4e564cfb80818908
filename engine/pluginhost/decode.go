package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/status"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const (
	// maxDecodeBatch and maxDecodeBytes bound a batch. It is smaller than the
	// protocol allows, because a plugin decodes batches in parallel and what is in
	// one of them in turn.
	maxDecodeBatch = 64
	maxDecodeBytes = 4 << 20
	// maxDecoding bounds what is in flight; the rest waits and is batched.
	maxDecoding = 512
	// A batch that is in flight for less than freshTime has the next wait until it is
	// answered, so that what comes meanwhile shares a message. One that takes longer
	// keeps nothing waiting.
	freshTime = 3 * time.Millisecond
	// maxDeaths is how many processes may end over one request.
	maxDeaths = 3
)

// Decode turns a webhook into events, or a refusal. The answer's ID is the
// request's. Requests that wait for each other go in batches. A process that
// breaks while it decodes is given the request again when it is back, until ctx
// ends. Errors: *CrashError for a request that ends the process each time,
// *ConfigError while the configuration is refused, ErrClosed, ctx's.
func (c *Connection) Decode(ctx context.Context, r wire.Request) (wire.Decoded, error) {
	c.mu.Lock()
	failed, closing, able := c.failed, c.closing, len(c.spec.Events) > 0 || c.spec.Name == ""
	if failed == nil && !closing && able {
		c.calls.Add(1)
		defer c.calls.Done()
	}
	c.mu.Unlock()
	switch {
	case closing:
		return wire.Decoded{}, fmt.Errorf("connection %s: %w", c.config.Name, ErrClosed)
	case failed != nil:
		return wire.Decoded{}, failed
	case !able:
		return wire.Decoded{}, fmt.Errorf("connection %s: plugin %s brings no events", c.config.Name, c.config.Plugin)
	case sizeOf(r) > wire.MaxMessageBytes/2:
		return wire.Decoded{}, fmt.Errorf("connection %s: a request of %d bytes is too large to decode: at most %d", c.config.Name, sizeOf(r), wire.MaxMessageBytes/2)
	}
	call := &decodeCall{ctx: ctx, request: r, done: make(chan decodeResult, 1)}
	c.decode.push(call)
	select {
	case res := <-call.done:
		if errors.Is(res.err, errCrashes) {
			return wire.Decoded{}, &CrashError{Connection: c.config.Name, Plugin: c.config.Plugin, Times: call.deaths}
		}
		res.decoded.ID = r.ID
		if f := res.decoded.Refusal; f != nil {
			f.Message = c.logs.redact(f.Message)
		}
		return res.decoded, res.err
	case <-ctx.Done():
		return wire.Decoded{}, fmt.Errorf("connection %s: decode: plugin %s did not answer (its process is %s): %w", c.config.Name, c.config.Plugin, c.State(), ctx.Err())
	}
}

func sizeOf(r wire.Request) int {
	n := len(r.Body) + len(r.Path) + len(r.Query) + 64
	for _, h := range r.Header {
		n += len(h.Name) + len(h.Value) + 8
	}
	return n
}

var errCrashes = errors.New("crashes")

type decodeCall struct {
	ctx     context.Context //nolint:containedctx // a queued call is dropped when its caller has gone
	request wire.Request
	// deaths counts the processes that ended while they had this request. It is
	// the stream's, and the caller's once there is a result.
	deaths int
	done   chan decodeResult
}

type decodeResult struct {
	decoded wire.Decoded
	err     error
}

// decoder queues what is to be decoded across restarts of the process.
type decoder struct {
	// wake tells the stream that something has changed.
	wake chan struct{}

	mu    sync.Mutex
	fresh []*decodeCall
	// suspects were in flight when a process ended. They go one at a time with
	// nothing beside them, so that the one that is to blame shows.
	suspects []*decodeCall
	closed   error
}

func (d *decoder) push(c *decodeCall) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed != nil {
		c.done <- decodeResult{err: d.closed}
		return
	}
	d.fresh = append(d.fresh, c)
	d.signal()
}

func (d *decoder) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// close answers all that waits with err.
func (d *decoder) close(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = err
	for _, c := range append(d.fresh, d.suspects...) {
		c.done <- decodeResult{err: err}
	}
	d.fresh, d.suspects = nil, nil
}

// giveBack takes what was in flight when a process ended.
func (d *decoder) giveBack(calls map[uint64]*sentCall) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range calls {
		c.deaths++
		switch {
		case d.closed != nil:
			c.done <- decodeResult{err: d.closed}
		case c.deaths >= maxDeaths:
			c.done <- decodeResult{err: errCrashes}
		default:
			d.suspects = append(d.suspects, c.decodeCall)
		}
	}
}

// take gives what is to be sent next, with so many in flight; nothing if it has
// to wait.
func (d *decoder) take(inFlight int) []*decodeCall {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.suspects, d.fresh = stillWanted(d.suspects), stillWanted(d.fresh)
	if len(d.suspects) > 0 {
		if inFlight > 0 {
			return nil
		}
		out := d.suspects[:1:1]
		d.suspects = d.suspects[1:]
		return out
	}
	n, size := 0, 0
	for n < len(d.fresh) && n < maxDecodeBatch && inFlight+n < maxDecoding {
		size += sizeOf(d.fresh[n].request)
		if n > 0 && size > maxDecodeBytes {
			break
		}
		n++
	}
	out := d.fresh[:n:n]
	if d.fresh = d.fresh[n:]; len(d.fresh) == 0 {
		d.fresh = nil
	}
	return out
}

// stillWanted drops the calls at the front whose callers have gone.
func stillWanted(calls []*decodeCall) []*decodeCall {
	for len(calls) > 0 && calls[0].ctx.Err() != nil {
		calls = calls[1:]
	}
	return calls
}

type sentCall struct {
	*decodeCall
	batch *sentBatch
}

// sentBatch is a batch of which so many are not answered.
type sentBatch struct {
	at   time.Time
	open int
}

// decodeStream is one process's stream.
type decodeStream struct {
	*decoder
	stream *wire.DecodeStream

	mu       sync.Mutex
	inFlight map[uint64]*sentCall
	alone    bool
	// last is the batch that was sent last; nil before the first.
	last *sentBatch
}

// serve decodes with one process until its stream breaks or ctx ends.
func (d *decoder) serve(ctx context.Context, p *process, timeout time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := p.client.Decode(ctx)
	if err != nil {
		return fmt.Errorf("its stream for decoding cannot be opened: %s", status.Convert(err).Message())
	}
	s := &decodeStream{decoder: d, stream: stream, inFlight: map[uint64]*sentCall{}}
	var wg sync.WaitGroup
	wg.Go(func() { cancel(s.receive()) })
	wg.Go(func() { cancel(s.overdue(ctx, timeout)) })
	err = s.send(ctx)
	cancel(err)
	wg.Wait()
	d.giveBack(s.inFlight)
	return context.Cause(ctx)
}

func (s *decodeStream) send(ctx context.Context) error {
	var id uint64
	alarm := time.NewTimer(freshTime)
	defer alarm.Stop()
	for {
		batch, again := s.next(&id)
		if len(batch) > 0 {
			err := s.stream.Send(batch)
			if err == nil {
				continue
			}
			if !errors.Is(err, io.EOF) {
				return broken(err)
			}
			// The stream is over, and receive learns why.
			<-ctx.Done()
			return context.Cause(ctx)
		}
		if again > 0 {
			alarm.Reset(again)
		}
		select {
		case <-s.wake:
		case <-alarm.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// next notes the next batch as in flight and gives its requests. If there is none
// because enough were sent lately, it tells when to ask again.
func (s *decodeStream) next(id *uint64) (batch []wire.Request, again time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alone && len(s.inFlight) > 0 {
		return nil, 0
	}
	now := time.Now()
	if s.last != nil && s.last.open > 0 {
		if age := now.Sub(s.last.at); age < freshTime {
			return nil, freshTime - age
		}
	}
	calls := s.take(len(s.inFlight))
	if len(calls) == 0 {
		return nil, 0
	}
	s.alone = len(calls) == 1 && calls[0].deaths > 0
	batch = make([]wire.Request, len(calls))
	sent := &sentBatch{at: now, open: len(calls)}
	s.last = sent
	for i, c := range calls {
		*id++
		s.inFlight[*id] = &sentCall{decodeCall: c, batch: sent}
		batch[i] = c.request
		batch[i].ID = *id
	}
	return batch, 0
}

func (s *decodeStream) receive() error {
	for {
		results, err := s.stream.Recv()
		if err != nil {
			return broken(err)
		}
		s.mu.Lock()
		for _, r := range results {
			if c, ok := s.inFlight[r.ID]; ok {
				delete(s.inFlight, r.ID)
				c.batch.open--
				c.done <- decodeResult{decoded: r}
			}
		}
		s.mu.Unlock()
		s.signal()
	}
}

// overdue ends a stream on which a request is not answered.
func (s *decodeStream) overdue(ctx context.Context, timeout time.Duration) error {
	tick := time.NewTicker(max(timeout/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		s.mu.Lock()
		for _, c := range s.inFlight {
			if time.Since(c.batch.at) > timeout {
				s.mu.Unlock()
				return fmt.Errorf("it hung: it did not answer a request to decode within %s", timeout)
			}
		}
		s.mu.Unlock()
	}
}

func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it ended its stream for decoding")
	}
	return fmt.Errorf("its stream for decoding broke: %s", status.Convert(err).Message())
}
