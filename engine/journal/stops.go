package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// stopBytes bounds the stream of stops, which holds one message a connection.
const stopBytes = 16 << 20

// Stop is a person's word that nothing goes to a connection.
type Stop struct {
	Connection string    `json:"connection"`
	Stopped    bool      `json:"stopped"`
	By         string    `json:"by,omitempty"`
	At         time.Time `json:"at"`
}

// stops are the last words, by connection.
type stops struct {
	mu  sync.Mutex
	all map[string]Stop
}

func (j *Journal) readStops(ctx context.Context) error {
	return j.scan(ctx, j.stopped, 1, "", false, func(seq uint64, m *nats.Msg) (bool, error) {
		return true, j.noteStop(seq, m)
	})
}

// noteStop takes in a word that is on disk.
func (j *Journal) noteStop(seq uint64, m *nats.Msg) error {
	var s Stop
	if err := json.Unmarshal(m.Data, &s); err != nil {
		return fmt.Errorf("stop %d: %w", seq, err)
	}
	j.stops.mu.Lock()
	defer j.stops.mu.Unlock()
	if j.stops.all == nil {
		j.stops.all = map[string]Stop{}
	}
	j.stops.all[s.Connection] = s
	return nil
}

// SetStopped records whether a person has stopped what goes to a connection, so that
// it is so after a restart as well.
func (j *Journal) SetStopped(ctx context.Context, s Stop) error {
	if err := checkName(s.Connection); err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: subjectStops + s.Connection, Data: data}
	if err := j.storeAll(ctx, nil, []*nats.Msg{m}, func(int, uint64) {}); err != nil {
		return fmt.Errorf("record whether connection %s is stopped: %w", s.Connection, err)
	}
	return j.noteStop(0, m)
}

// Stop gives the last word on a connection; its Stopped is false where there is none.
func (j *Journal) Stop(connection string) Stop {
	j.stops.mu.Lock()
	defer j.stops.mu.Unlock()
	return j.stops.all[connection]
}
