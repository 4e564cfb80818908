package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// events takes events out, the index first, so that nothing is found that is gone.
func (s *sweep) events(ctx context.Context) error {
	for first := s.first; first < s.cut; {
		first = min(first+purgeStep, s.cut)
		s.j.index.forget(first)
		if err := s.j.events.Purge(ctx, jetstream.WithPurgeSequence(first)); err != nil {
			return err
		}
		s.j.past.forgetEvents(first)
		s.j.kinds.forget(first)
	}
	s.j.log.Info("events have left the journal", "from", s.first, "to", s.cut-1)
	return nil
}

// metaPurged is where OUTCOMES keeps what has left it.
const metaPurged = "crosswalk.purged"

// purged says up to which place outcomes have left, and how many of which kind.
type purged struct {
	To       uint64                `json:"to"`
	Outcomes map[event.Kind]uint64 `json:"outcomes"`
}

func purgedOf(info *jetstream.StreamInfo) (purged, error) {
	p := purged{Outcomes: map[event.Kind]uint64{}}
	text, ok := info.Config.Metadata[metaPurged]
	if !ok {
		return p, nil
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("metadata %s %.100q: %w", metaPurged, text, err)
	}
	return p, nil
}

// outcomes takes the outcomes of events out that are gone. What they count is noted
// before, so that counts last.
func (s *sweep) outcomes(ctx context.Context) error {
	j := s.j
	info, err := j.outcomes.Info(ctx)
	if err != nil {
		return err
	}
	p, err := purgedOf(info)
	if err != nil {
		return err
	}
	to, counts := p.To, map[event.Kind]uint64{}
	if to == 0 && info.State.FirstSeq > 0 {
		to = info.State.FirstSeq - 1
	}
	err = j.scan(ctx, j.outcomes, to+1, "", true, func(seq uint64, m *nats.Msg) (bool, error) {
		if strings.HasPrefix(m.Subject, subjectFences) {
			return true, nil // it goes with the outcomes behind it
		}
		mk, err := readMark(m.Subject, m.Header)
		if err != nil || mk.sequence >= s.cut {
			return false, err
		}
		to = seq
		counts[mk.kind]++
		return true, nil
	})
	if err != nil || to == p.To && info.State.FirstSeq > to {
		return err
	}
	p.To = to
	for kind, n := range counts {
		p.Outcomes[kind] += n
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	cfg := info.Config
	cfg.Metadata[metaPurged] = string(text)
	js, err := jetstream.New(j.nc, jetstream.WithDefaultTimeout(j.answer))
	if err != nil {
		return err
	}
	if _, err := js.UpdateStream(ctx, cfg); err != nil {
		return err
	}
	return s.purgeOutcomes(ctx, info.State.FirstSeq, to+1)
}

func (s *sweep) purgeOutcomes(ctx context.Context, first, cut uint64) error {
	for first < cut {
		first = min(first+purgeStep, cut)
		if err := s.j.outcomes.Purge(ctx, jetstream.WithPurgeSequence(first)); err != nil {
			return err
		}
		s.j.past.forgetOutcomes(first)
		s.j.mu.Lock()
		s.j.counts.firstOutcome = first
		s.j.mu.Unlock()
	}
	return nil
}
