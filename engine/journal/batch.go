package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

// The atomic batches of JetStream (ADR-50): each message names its batch and its
// place in it, the last one commits, and only that one is answered.
const (
	hdrBatchID     = "Nats-Batch-Id"
	hdrBatchSeq    = "Nats-Batch-Sequence"
	hdrBatchCommit = "Nats-Batch-Commit"

	// maxBatch is how many messages one batch has at most, maxBatchBytes how many
	// bytes unless a single message has more.
	maxBatch      = 500
	maxBatchBytes = 8 << 20
)

// Codes of JetStream's errors.
const (
	codeStoreFailed = 10077 // the stream's MaxBytes are reached
	codeNoResources = 10023 // the store's bound is reached
	codeNoStorage   = 10047 // a stream's bound is beyond what the store has
	codeNoReplicas  = 10074 // a single server was asked for replicas
	codeNoPeers     = 10005 // too few servers for the replicas, or not yet there
	codeForming     = 10008 // the cluster has no leader yet
	codeOverlap     = 10065 // another stream has the subjects
	// The account's own limits.
	codeAccountFull   = 10002
	codeManyStreams   = 10027
	codeManyConsumers = 10026
)

// ack is JetStream's answer to a publication or a batch's commit.
type ack struct {
	Error     *apiError `json:"error"`
	Sequence  uint64    `json:"seq"`
	Duplicate bool      `json:"duplicate"`
	Batch     string    `json:"batch"`
	Count     int       `json:"count"`
}

// apiError is a refusal: nothing was stored.
type apiError struct {
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return fmt.Sprintf("%s (%d)", e.Description, e.Code) }

// full tells whether the refusal is for want of room.
func (e *apiError) full() bool { return e.Code == codeStoreFailed || e.Code == codeNoResources }

// publishOne stores one message and waits for the answer. An *apiError means
// that nothing was stored; with any other error it is unknown.
func publishOne(ctx context.Context, nc *nats.Conn, m *nats.Msg) (ack, error) {
	answer, err := nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return ack{}, err
	}
	return readAck(answer)
}

// publishBatch stores msgs in one atomic batch and waits for the answer, which
// holds the last one's sequence; the others' precede it without a gap. The
// messages' headers are changed for the time of the call. Errors as publishOne.
func publishBatch(ctx context.Context, nc *nats.Conn, msgs []*nats.Msg) (ack, error) {
	id := nuid.Next()
	defer func() {
		for _, m := range msgs {
			delete(m.Header, hdrBatchID)
			delete(m.Header, hdrBatchSeq)
			delete(m.Header, hdrBatchCommit)
		}
	}()
	last := len(msgs) - 1
	// One piece of memory for what the headers of all of them have.
	values := make([]string, 1+len(msgs))
	values[0] = id
	ids := values[:1:1]
	for i, m := range msgs {
		if m.Header == nil {
			m.Header = nats.Header{}
		}
		values[1+i] = strconv.Itoa(i + 1)
		m.Header[hdrBatchID] = ids
		m.Header[hdrBatchSeq] = values[1+i : 2+i : 2+i]
		if i == last {
			m.Header[hdrBatchCommit] = []string{"1"}
			break
		}
		if err := nc.PublishMsg(m); err != nil {
			return ack{}, err
		}
	}
	a, err := publishOne(ctx, nc, msgs[last])
	if err != nil {
		return ack{}, err
	}
	if a.Batch != id || a.Count != len(msgs) {
		return ack{}, fmt.Errorf("batch of %d messages was answered as %d messages of batch %q", len(msgs), a.Count, a.Batch)
	}
	return a, nil
}

func readAck(m *nats.Msg) (ack, error) {
	var a ack
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return ack{}, fmt.Errorf("answer %.100q: %w", m.Data, err)
	}
	if a.Error != nil {
		return ack{}, a.Error
	}
	if a.Sequence == 0 {
		return ack{}, fmt.Errorf("answer %.100q has no sequence", m.Data)
	}
	return a, nil
}

// refused gives the refusal in err, nil where it is unknown what was stored.
func refused(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return nil
}
