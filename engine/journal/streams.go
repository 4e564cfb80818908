package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Metadata of the streams: the layout of what is in them.
const (
	metaFormat     = "crosswalk.format"
	metaPartitions = "crosswalk.partitions"
	format         = "1"
)

// window is how long JetStream remembers Msg-Ids: as long as a publication that
// got no answer may be tried again. Duplicates in general are the index's matter.
const window = 2 * time.Minute

// ownWindow is the same for EVENTS of an embedded server. It answers, or is broken until
// a restart, and a start reads what is there; a replay that got no answer may be asked for
// once more under its id. Each id costs some 150 bytes for so long, at thousands a second,
// and two pieces of memory for each collection to look at.
const ownWindow = 15 * time.Second

// outcomesWindow is the same for OUTCOMES, which get as many: an outcome is stored again
// only by a lane that was opened anew, and that has read all that was on its way before
// (Journal.drained).
const outcomesWindow = time.Second

// minStream is the least that a stream may be bounded to, in bytes.
const minStream = 1 << 20

// tooSmall says why a new stream cannot be made: its bound is too small, or too little of
// the disk is left for it beside the reserve.
func (j *Journal) tooSmall(name string, bound int64) error {
	if free, err := freeDisk(j.o.Dir); err == nil && free < j.o.MinFreeDisk+minStream {
		return fmt.Errorf("make stream %s: %d MiB of disk are free in %s, and storage.min_free_disk reserves %d MiB: free disk space, or lower the reserve", name, free>>20, j.o.Dir, j.o.MinFreeDisk>>20)
	}
	return fmt.Errorf("make stream %s: %d bytes are too few, give at least %d (free disk space, or set a larger bound)", name, bound, minStream)
}

// openStream opens a stream, or makes it with maxBytes, or where that is 0 with fallback.
// A stream that is there keeps its bound unless maxBytes says another.
//
// On a cluster the streams are made by whichever engine comes first.
func (j *Journal) openStream(ctx context.Context, js jetstream.JetStream, name string, subjects []string, maxBytes, fallback int64) (jetstream.Stream, error) {
	cfg := jetstream.StreamConfig{
		Name:               name,
		Subjects:           subjects,
		Retention:          jetstream.LimitsPolicy,
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew, // full means refused: nothing that was accepted goes
		MaxBytes:           fallback,
		MaxMsgs:            -1,
		MaxMsgSize:         -1,
		Replicas:           j.replicas(),
		Duplicates:         window,
		AllowAtomicPublish: true,
		Metadata:           map[string]string{metaFormat: format, metaPartitions: strconv.Itoa(j.parts)},
	}
	if maxBytes > 0 {
		cfg.MaxBytes = maxBytes
	}
	switch {
	case j.srv == nil:
	case name == streamEvents:
		cfg.Duplicates = ownWindow
	case name == streamOutcomes:
		cfg.Duplicates = outcomesWindow
	}
	switch name {
	case streamMarks, streamMappings: // only the last one of a subject counts
		cfg.MaxMsgsPerSubject, cfg.Discard = 1, jetstream.DiscardOld
	case streamLives, streamStops: // likewise, and none may go
		cfg.MaxMsgsPerSubject = 1
	}
	s, err := patiently(ctx, j, func() (jetstream.Stream, error) { return js.Stream(ctx, name) })
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if j.srv == nil {
			return j.makeShared(ctx, js, cfg)
		}
		// A stream that could not be recovered looks as if it had never been, and
		// must not be made anew over what is left of it.
		if _, err := os.Stat(remains(j.srv, name)); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open stream %s: what is in %s cannot be recovered: copy it before anything else, then restore or remove it", name, remains(j.srv, name))
		}
		if cfg.MaxBytes < minStream {
			return nil, j.tooSmall(name, cfg.MaxBytes)
		}
		if s, err = js.CreateStream(ctx, cfg); err != nil {
			return nil, fmt.Errorf("make stream %s: %w", name, err)
		}
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", name, err)
	}
	old := s.CachedInfo().Config
	for key, want := range cfg.Metadata {
		if got := old.Metadata[key]; got != want {
			return nil, fmt.Errorf("open stream %s: its %s is %q, this engine reads %q", name, key, got, want)
		}
	}
	if maxBytes > 0 && old.MaxBytes != maxBytes {
		old.MaxBytes = maxBytes
		if s, err = js.UpdateStream(ctx, old); err != nil {
			return nil, fmt.Errorf("set the bound of stream %s to %d bytes: %w", name, maxBytes, err)
		}
	}
	return s, nil
}

// bounds gives each stream's bound in bytes where nobody set one, from the free disk space.
func bounds(free, reserve int64) (events, outcomes, dead int64) {
	free = max(free-reserve, 0)
	return min(free/2, 64<<30), min(free/5, 32<<30), min(free/10, 16<<30)
}
