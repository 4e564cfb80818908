package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// pullWait is how long one request for messages stands.
	pullWait = 30 * time.Second
	// clusterPull is the same on a cluster: a request is lost with the server that
	// had it, and another one is asked when it is over.
	clusterPull = time.Second
	// gonePause is the pause before a consumer is asked again that nobody leads for
	// now, and goneMost how often it is.
	gonePause = 250 * time.Millisecond
	goneMost  = 60
	// pullBytes bounds what one request brings, beside the largest message.
	pullBytes = 16 << 20
)

// puller reads a consumer's messages in their order. One request stands at a
// time, bounded in messages and bytes, so that what waits in memory is bounded.
type puller struct {
	nc      *nats.Conn
	sub     *nats.Subscription
	subject string
	request []byte
	batch   int
	wait    time.Duration
	// patience is how often it asks again for a consumer that nobody leads for now.
	patience, gone int
	// heard is called when the server gives a sign of life; may be nil.
	heard func()
	// may tells whether more may be asked for; nil: always.
	may func() error

	open    int           // messages that the standing request may still bring
	expires time.Time     // when the standing request is surely over
	next    uint64        // the consumer's sequence that must come now
	came    atomic.Uint64 // the last one that came
}

// newPuller reads what the consumer delivers from its sequence 1 on: a consumer
// that is new or was reset.
func (j *Journal) newPuller(stream, consumer string, batch int, maxPayload int64) (*puller, error) {
	nc, wait := j.nc, pullWait
	patience := 0
	if j.o.Cluster != nil {
		wait, patience = clusterPull, goneMost
	}
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, errors.Join(err, sub.Unsubscribe())
	}
	request, err := json.Marshal(map[string]int64{
		"batch": int64(batch), "max_bytes": pullBytes + maxPayload, "expires": int64(wait),
	})
	if err != nil {
		return nil, errors.Join(err, sub.Unsubscribe())
	}
	return &puller{
		nc: nc, sub: sub, batch: batch, request: request, next: 1, wait: wait, patience: patience,
		subject: "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer,
	}, nil
}

// ready tells whether a message is there already.
func (p *puller) ready() bool { return p.there() > 0 }

// there is how many messages are there already.
func (p *puller) there() int {
	n, _, err := p.sub.Pending()
	if err != nil {
		return 0
	}
	return n
}

// message gives the next message, and waits for it until ctx is done. Where it is not
// to wait, it gives nil if none is there: what is there may be only the server's word
// that a request is over.
func (p *puller) message(ctx context.Context, wait bool) (*nats.Msg, *nats.MsgMetadata, error) {
	for {
		if !wait && !p.ready() {
			return nil, nil, nil
		}
		m, err := p.receive(ctx)
		if err != nil {
			return nil, nil, err
		}
		if m == nil {
			continue
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, nil, fmt.Errorf("reply %q: %w", m.Reply, err)
		}
		if meta.NumDelivered > 1 {
			// It is held already, so its first delivery counts; this one took a
			// consumer sequence of its own.
			p.next = meta.Sequence.Consumer + 1
			p.came.Store(meta.Sequence.Consumer)
			continue
		}
		if meta.Sequence.Consumer != p.next {
			return nil, nil, fmt.Errorf("message %d of the consumer came where %d was due: open the lane again", meta.Sequence.Consumer, p.next)
		}
		p.next++
		p.came.Store(meta.Sequence.Consumer)
		return m, meta, nil
	}
}

// receive waits for whatever comes; nil without an error means to go on.
func (p *puller) receive(ctx context.Context) (*nats.Msg, error) {
	var m *nats.Msg
	var err error
	if p.ready() {
		m, err = p.sub.NextMsg(time.Second)
	} else {
		if p.open <= 0 || time.Now().After(p.expires) {
			if p.may != nil {
				if err := p.may(); err != nil {
					return nil, err
				}
			}
			if err := p.nc.PublishRequest(p.subject, p.sub.Subject, p.request); err != nil {
				return nil, err
			}
			p.open, p.expires = p.batch, time.Now().Add(p.wait+time.Second)
		}
		wait, cancel := context.WithDeadline(ctx, p.expires)
		m, err = p.sub.NextMsgWithContext(wait)
		cancel()
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, nats.ErrNoResponders):
		return nil, p.ended(ctx, "503", "no responders")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return nil, nil //nolint:nilnil // nothing came: ask again
	case errors.Is(err, nats.ErrBadSubscription), errors.Is(err, nats.ErrConnectionClosed):
		return nil, ErrClosed
	default:
		return nil, err
	}
	if status := m.Header.Get("Status"); len(m.Data) == 0 && m.Reply == "" && status != "" {
		return nil, p.ended(ctx, status, m.Header.Get("Description"))
	}
	p.gone = 0
	p.open--
	return m, nil
}

// ended handles the end of the standing request.
func (p *puller) ended(ctx context.Context, status, description string) error {
	p.open = 0
	if p.heard != nil && status != "503" {
		p.heard()
	}
	switch {
	case status == "404", status == "408":
		p.gone = 0
	case status == "409" && description != "Consumer Deleted":
	case status == "503" && p.gone < p.patience:
		p.gone++
		select {
		case <-time.After(gonePause):
		case <-ctx.Done():
		}
	default:
		return fmt.Errorf("the consumer answers %s %s", status, description)
	}
	return nil
}

func (p *puller) stop() error {
	if err := p.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return err
	}
	return nil
}

// scan reads a stream from sequence from on, up to what is in it now, and calls
// fn with each message, headers only where so asked. It stops at fn's first error.
func (j *Journal) scan(ctx context.Context, s jetstream.Stream, from uint64, filter string, headersOnly bool, fn func(seq uint64, m *nats.Msg) (bool, error)) (err error) {
	cons, err := patiently(ctx, j, func() (jetstream.Consumer, error) {
		return s.CreateConsumer(ctx, jetstream.ConsumerConfig{
			DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:       max(from, 1),
			AckPolicy:         jetstream.AckNonePolicy,
			FilterSubject:     filter,
			HeadersOnly:       headersOnly,
			MemoryStorage:     true,
			InactiveThreshold: 5 * time.Minute,
		})
	})
	if err != nil {
		return err
	}
	info := cons.CachedInfo()
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), DefaultAcceptWait)
		defer cancel()
		if e := s.DeleteConsumer(clean, info.Name); e != nil {
			j.log.Debug("a consumer that has read ends by itself, later", "stream", info.Stream, "error", e)
		}
	}()
	if info.NumPending == 0 {
		return nil
	}
	p, err := j.newPuller(info.Stream, info.Name, 2000, int64(j.o.MaxPayload))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	for left := info.NumPending; left > 0; left-- {
		m, meta, err := p.soon(ctx, cons)
		if err != nil {
			return err
		}
		if m == nil {
			j.damaged(info.Stream+" at the start", "%d of %d messages of stream %s cannot be read", left, info.NumPending, info.Stream)
			return nil
		}
		if more, err := fn(meta.Sequence.Stream, m); err != nil || !more {
			return err
		}
	}
	return nil
}
