package journal

import (
	"context"
	"strconv"

	"github.com/nats-io/nats.go"
)

// agreeTimes is how often something is begun anew because another engine changed the
// same at the same time.
const agreeTimes = 20

// agreed has f change lives. On a cluster it begins with what all engines have
// stored, and begins anew where another one was faster.
func (j *Journal) agreed(ctx context.Context, f func() error) error {
	if j.follow == nil {
		return f()
	}
	var err error
	for range agreeTimes {
		if _, err = j.follow.lives.level(ctx); err != nil {
			return err
		}
		err = f()
		if e := refused(err); e == nil || e.Code != codeWrongLast && e.Code != codeLastBusy {
			return err
		}
	}
	return err
}

// unchanged is the condition that nobody has changed a life since, nil where nobody
// else can.
func (s *lives) unchanged(id MappingID, shared bool) nats.Header {
	if !shared {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nats.Header{hdrExpected: {strconv.FormatUint(s.places[id], 10)}}
}

// stored notes where a life stands, and tells whether it is a newer one.
func (s *lives) stored(id MappingID, seq uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq <= s.places[id] {
		return false
	}
	s.places[id] = seq
	return true
}
