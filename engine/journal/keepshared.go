package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

const (
	// subjectHeard is where an engine asks the others up to where they have read
	// REQUESTS. Nothing is stored of it.
	subjectHeard = "crosswalk.heard"
	// askEvery is how often it asks until all have answered.
	askEvery = 250 * time.Millisecond
)

// heard is the question, and with Engine the answer.
type heard struct {
	UpTo   uint64 `json:"up_to"`
	Engine string `json:"engine,omitempty"`
}

// Queues tells whether a webhook of a connection that comes now has to be kept,
// because others wait that came before it, or because it is not known whether
// others do.
func (j *Journal) Queues(connection string) bool {
	if j.queues == nil {
		return j.Waiting(connection) > 0
	}
	if !j.knowsQueues() {
		return true
	}
	j.queues.mu.Lock()
	defer j.queues.mu.Unlock()
	c := j.queues.by[connection]
	return c != nil && c.opener != 0
}

// knowsQueues tells whether the others wait for this engine before they answer for
// what they keep, and it has read what they had kept before.
func (j *Journal) knowsQueues() bool {
	level, now := j.levelAs.Load(), j.board.as.Load()
	return level != nil && now != nil && *level == *now && j.board.valid()
}

// placed tells whether this engine has its place among the engines of a cluster: nil,
// or an *UnavailableError. Without one it takes no webhooks, for another engine may
// keep some of the same keys that came before, and does not wait for this one to know.
func (j *Journal) placed() error {
	if j.queues == nil || j.knowsQueues() {
		return nil
	}
	return unavailable(retrySoon, nil, "this engine has no valid place among the engines of the cluster, so that it does not know which webhooks they keep undecoded")
}

// TakesWebhooks tells whether webhooks are taken now: nil, or an *UnavailableError.
func (j *Journal) TakesWebhooks() error {
	if err := j.Ready(); err != nil {
		return err
	}
	return j.placed()
}

// stayLevel reads what is kept whenever this engine has come to the board.
func (j *Journal) stayLevel(ctx context.Context) {
	for {
		select {
		case <-j.board.joined:
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil {
			name := j.board.as.Load()
			if name == nil {
				break // it has to come again
			}
			err := j.follow.requests.levelSparse(ctx)
			if err == nil {
				j.levelAs.Store(name)
				break
			}
			j.log.Debug("what other engines keep undecoded is not known yet", "error", err)
			select {
			case <-time.After(followPause):
			case <-ctx.Done():
			}
		}
	}
}

// answerHeard answers other engines' questions.
func (j *Journal) answerHeard() error {
	_, err := j.nc.Subscribe(subjectHeard, func(m *nats.Msg) {
		var h heard
		if m.Reply == "" || json.Unmarshal(m.Data, &h) != nil {
			return // nobody of ours
		}
		j.follow.requests.after(h.UpTo, func() {
			name := j.board.as.Load()
			if name == nil || j.closing.Load() {
				return
			}
			h.Engine = *name
			text, err := json.Marshal(h)
			if err == nil {
				err = m.Respond(text)
			}
			if err != nil {
				j.log.Debug("another engine gets no answer", "error", err)
			}
		})
	})
	return err
}

// keepShared is keep on a cluster.
func (j *Journal) keepShared(ctx context.Context, r *event.Request, m *nats.Msg) (uint64, error) {
	q, size := j.queues, int64(len(m.Data))+requestOverhead
	q.mu.Lock()
	full := q.taken+size > j.undecoded.room
	q.mu.Unlock()
	if full {
		return 0, j.undecodedFull()
	}
	wait, cancel := context.WithTimeout(ctx, j.o.AcceptWait)
	defer cancel()
	a, err := j.keeps.publish(wait, m, nil)
	if err != nil {
		return 0, j.notStored(ctx, err, "the request is not kept")
	}
	if err := j.follow.requests.reach(wait, a.Sequence); err != nil {
		return 0, j.notStored(ctx, err, "the request is kept, but not known to be")
	}
	q.mu.Lock()
	c := q.of(r.Connection)
	if !a.Duplicate {
		c.kept++
	}
	opener, known := c.opener, c.opener == 0 || a.Sequence <= c.noted || c.heard == c.opener
	q.mu.Unlock()
	if known {
		return a.Sequence, nil
	}
	if err := j.allHeard(wait, opener); err != nil {
		if ctx.Err() != nil {
			return 0, fmt.Errorf("wait until all engines know of the request: %w", ctx.Err())
		}
		return 0, unavailable(retrySoon, err, "the request is kept, but not all engines of the cluster know of it yet")
	}
	q.mu.Lock()
	c.heard = max(c.heard, opener)
	q.mu.Unlock()
	return a.Sequence, nil
}

// allHeard waits until every engine on the board has read REQUESTS up to a message
// that is there by now. One that joins later reads it then.
func (j *Journal) allHeard(ctx context.Context, upTo uint64) error {
	names, err := j.board.present(ctx)
	if err != nil {
		return err
	}
	question, err := json.Marshal(heard{UpTo: upTo})
	if err != nil {
		return err
	}
	sub, err := j.nc.SubscribeSync(j.nc.NewInbox())
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	for {
		if err := j.nc.PublishRequest(subjectHeard, sub.Subject, question); err != nil {
			return err
		}
		if err := hears(ctx, sub, upTo, names); err == nil || ctx.Err() != nil {
			return err
		}
		// One that is dead leaves the board in the end.
		n, _, err := j.board.read(ctx)
		if err != nil {
			continue
		}
		maps.DeleteFunc(names, func(name string, _ bool) bool { return n.Engines[name] == nil })
	}
}

// hears takes names out that answer within a moment; nil when none is left.
func hears(ctx context.Context, sub *nats.Subscription, upTo uint64, names map[string]bool) error {
	soon, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	for len(names) > 0 {
		m, err := sub.NextMsgWithContext(soon)
		if err != nil {
			return fmt.Errorf("no answer from %s: %w", strings.Join(slices.Sorted(maps.Keys(names)), ", "), err)
		}
		var h heard
		if json.Unmarshal(m.Data, &h) == nil && h.UpTo == upTo {
			delete(names, h.Engine)
		}
	}
	return nil
}
