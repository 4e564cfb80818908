package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// skimBatch is how many messages one request asks for, and skimExpires how long it
// stands, in nanoseconds.
const (
	skimBatch   = 2000
	skimExpires = int64(pullWait)
)

// skim reads the headers of a stream from sequence from on, up to what is in it now,
// and calls fn with each message's, which hold until it returns. It stops at fn's
// first error. It is what a start does with all that is kept.
func (j *Journal) skim(ctx context.Context, s jetstream.Stream, from uint64, fn func(seq uint64, subject string, h header) error) error {
	if j.srv == nil {
		return j.scan(ctx, s, from, "", true, func(seq uint64, m *nats.Msg) (bool, error) {
			return true, fn(seq, m.Subject, m.Header)
		})
	}
	cons, end, err := j.scanner(ctx, s, from, "", true)
	if err != nil {
		return err
	}
	defer end()
	info := cons.CachedInfo()
	if info.NumPending == 0 {
		return nil
	}
	w, err := newPipe(ctx, j.srv, j.nc.NewInbox())
	if err != nil {
		return err
	}
	defer w.close()
	r := &skimmer{j: j, w: w, cons: cons, next: 1, ask: nextSubject(info.Stream, info.Name)}
	for left := info.NumPending; left > 0; left-- {
		seq, err := r.message(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", info.Stream, err)
		}
		if seq == 0 {
			j.damaged(info.Stream+" at the start", "%d of %d messages of stream %s cannot be read", left, info.NumPending, info.Stream)
			return nil
		}
		if err := fn(seq, r.subject(), &r.header); err != nil {
			return err
		}
	}
	return nil
}

// skimmer reads a consumer's messages from its first one on.
type skimmer struct {
	j    *Journal
	w    *pipe
	cons jetstream.Consumer
	ask  string // where messages are asked for
	open int    // how many the standing request may still bring
	next uint64 // the consumer's sequence that must come now

	// frame and header are the last message's; last is its subject, which seldom
	// differs from the one before.
	frame  frame
	header headerText
	last   string
}

func (r *skimmer) subject() string {
	if string(r.frame.subject) != r.last {
		r.last = string(r.frame.subject)
	}
	return r.last
}

// message reads the next message and gives its sequence, 0 where none can come though some
// are left: JetStream passes over what it cannot read of its store, without a word.
func (r *skimmer) message(ctx context.Context) (uint64, error) {
	for {
		if r.open == 0 {
			if err := r.w.request(r.ask, map[string]int64{
				"batch": skimBatch, "max_bytes": pullBytes + int64(r.j.o.MaxPayload), "expires": skimExpires,
			}); err != nil {
				return 0, err
			}
			r.open = skimBatch
		}
		f, err := r.w.next(quiet)
		switch {
		case errors.Is(err, errQuiet):
			info, err := r.cons.Info(ctx)
			if err != nil {
				return 0, err
			}
			if info.NumPending == 0 && info.Delivered.Consumer < r.next {
				return 0, nil
			}
			continue
		case err != nil:
			return 0, err
		}
		r.frame = f
		r.header.read(f.header)
		if len(f.reply) == 0 {
			code, description := r.header.status()
			if code != "404" && code != "408" && (code != "409" || description == "Consumer Deleted") {
				return 0, fmt.Errorf("the consumer answers %s %s", code, description)
			}
			r.open = 0
			continue
		}
		stream, consumer, err := ackSequences(f.reply)
		if err != nil {
			return 0, err
		}
		if consumer != r.next {
			return 0, fmt.Errorf("message %d of the consumer came where %d was due", consumer, r.next)
		}
		r.next++
		r.open--
		return stream, nil
	}
}

// ackSequences reads a message's sequence in its stream, and in what its consumer
// delivers, from where it would be acknowledged: $JS.ACK, since 2.14 possibly a domain
// and an account, the stream, the consumer, how often it was delivered, both
// sequences, the time, how many are left, and in the longer form maybe more.
func ackSequences(reply []byte) (stream, consumer uint64, err error) {
	at := 5
	if bytes.Count(reply, []byte(".")) > 8 {
		at = 7
	}
	i := 0
	for token := range bytes.SplitSeq(reply, []byte(".")) {
		switch i {
		case at:
			stream, err = strconv.ParseUint(string(token), 10, 64)
		case at + 1:
			consumer, err = strconv.ParseUint(string(token), 10, 64)
		}
		if err != nil {
			break
		}
		i++
	}
	if err != nil || i < at+2 || stream == 0 || !bytes.HasPrefix(reply, []byte("$JS.ACK.")) {
		return 0, 0, fmt.Errorf("a message came with the reply %.200q", reply)
	}
	return stream, consumer, nil
}
