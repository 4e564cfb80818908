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
	// places are where they stand in the stream.
	places map[string]uint64
	// tell is called with each word that is new here, of whichever engine; may be nil.
	tell func(Stop)
}

func (j *Journal) readStops(ctx context.Context) error {
	return j.scan(ctx, j.stopped, 1, "", false, func(seq uint64, m *nats.Msg) (bool, error) {
		j.read[streamStops] = seq
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
	if j.stops.all == nil {
		j.stops.all, j.stops.places = map[string]Stop{}, map[string]uint64{}
	}
	if seq <= j.stops.places[s.Connection] {
		j.stops.mu.Unlock()
		return nil
	}
	j.stops.all[s.Connection], j.stops.places[s.Connection] = s, seq
	tell := j.stops.tell
	j.stops.mu.Unlock()
	if tell != nil {
		tell(s)
	}
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
	var at uint64
	if err := j.storeAll(ctx, nil, []*nats.Msg{m}, func(_ int, seq uint64) { at = seq }); err != nil {
		return fmt.Errorf("record whether connection %s is stopped: %w", s.Connection, err)
	}
	return j.noteStop(at, m)
}

// TellStops has tell called with each word on a connection from now on, those of
// other engines of a cluster among them.
func (j *Journal) TellStops(tell func(Stop)) {
	j.stops.mu.Lock()
	defer j.stops.mu.Unlock()
	j.stops.tell = tell
}

// Stop gives the last word on a connection; its Stopped is false where there is none.
func (j *Journal) Stop(connection string) Stop {
	j.stops.mu.Lock()
	defer j.stops.mu.Unlock()
	return j.stops.all[connection]
}
