package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// maxRead bounds how many outcomes or dead letters one call gives.
const maxRead = 10_000

// Outcomes reads at most limit outcomes, oldest first, from the place from on,
// counted from 1 over all outcomes that are kept; Stats.LastOutcome is the newest
// one's place, and the next call's from is this one's plus the number that came.
// Places move when the oldest leave.
func (j *Journal) Outcomes(ctx context.Context, from uint64, limit int) ([]event.Outcome, error) {
	limit = min(max(limit, 0), maxRead)
	if limit == 0 {
		return nil, nil
	}
	place := j.placeOfOutcome(from)
	var out []event.Outcome
	err := j.scan(ctx, j.outcomes, place, "", false, func(seq uint64, m *nats.Msg) (bool, error) {
		if strings.HasPrefix(m.Subject, subjectFences) {
			return true, nil
		}
		var o event.Outcome
		if err := json.Unmarshal(m.Data, &o); err != nil {
			return false, fmt.Errorf("outcome %d: %w", seq, err)
		}
		out = append(out, o)
		return len(out) < limit, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read outcomes from %d: %w", from, err)
	}
	return out, nil
}

// Dead reads at most limit dead letters in the order of their outcomes, oldest
// first, from the place from on, counted from 1 over all dead letters. Only those
// whose outcome stands in OUTCOMES count: one that was stored right before a crash
// may have ended otherwise.
func (j *Journal) Dead(ctx context.Context, from uint64, limit int) ([]event.DeadLetter, error) {
	limit = min(max(limit, 0), maxRead)
	j.mu.Lock()
	var places []uint64
	if first := max(from, 1) - 1; first < uint64(len(j.standing)) {
		for _, s := range j.standing[first:min(first+uint64(limit), uint64(len(j.standing)))] {
			places = append(places, j.letters[s.letter])
		}
	}
	j.mu.Unlock()
	out := make([]event.DeadLetter, 0, len(places))
	for _, seq := range places {
		m, err := j.dead.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			j.log.Error("a dead letter is missing from the journal", "place", seq, "journal", j.o.where())
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read dead letter %d: %w", seq, err)
		}
		d, err := decodeDead(m.Subject, m.Header, m.Data)
		if err != nil {
			return nil, fmt.Errorf("read dead letter %d: %w", seq, err)
		}
		out = append(out, d)
	}
	return slices.Clip(out), nil
}
