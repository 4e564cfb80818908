package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// quiet is how long nothing may come of what should be there before it is asked
// whether it can come at all.
const quiet = 3 * time.Second

// soon gives the consumer's next message, or nil where none can come though some are
// left: JetStream passes over what it cannot read of its store, without a word.
func (p *puller) soon(ctx context.Context, c jetstream.Consumer) (*nats.Msg, *nats.MsgMetadata, error) {
	if p.ready() {
		return p.message(ctx, true)
	}
	for {
		wait, cancel := context.WithTimeout(ctx, quiet)
		m, meta, err := p.message(wait, true)
		silent := wait.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !silent {
			return m, meta, err
		}
		info, err := c.Info(ctx)
		if err != nil {
			return nil, nil, err
		}
		if info.NumPending == 0 && !p.ready() {
			return nil, nil, nil
		}
	}
}

// damage is something of the store that cannot be read.
type damage struct {
	of   string // what it is of: later words of the same take the place of earlier ones
	what string
}

// damaged notes that something of a store that is this engine's alone cannot be
// read. It is an alarm at once, until the engine starts without.
func (j *Journal) damaged(of, format string, args ...any) {
	if j.srv == nil {
		return
	}
	what := fmt.Sprintf(format, args...) + fmt.Sprintf(": the store in %s is damaged, copy it before anything else, and hold what came against what was delivered", j.o.Dir)
	j.mu.Lock()
	i := slices.IndexFunc(j.damage, func(d damage) bool { return d.of == of })
	if i < 0 {
		i, j.damage = len(j.damage), append(j.damage, damage{of: of})
	}
	before := j.damage[i].what
	j.damage[i].what = what
	j.mu.Unlock()
	if before == what {
		return
	}
	j.noteDamage(what)
	alarms := slices.DeleteFunc(j.Alarms(), func(a string) bool { return a == before })
	j.alarm(append(alarms, what))
}

// undamaged takes back what damaged noted. What is noted for the next start stays: a
// disk that failed for a moment is worth a look.
func (j *Journal) undamaged(of string) {
	j.mu.Lock()
	i := slices.IndexFunc(j.damage, func(d damage) bool { return d.of == of })
	if i < 0 {
		j.mu.Unlock()
		return
	}
	what := j.damage[i].what
	j.damage = slices.Delete(j.damage, i, i+1)
	j.mu.Unlock()
	j.alarm(slices.DeleteFunc(j.Alarms(), func(a string) bool { return a == what }))
}

// damages gives what damaged noted.
func (j *Journal) damages() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for _, d := range j.damage {
		out = append(out, d.what)
	}
	return out
}

// lookForDamage tells what is missing in EVENTS as its state shows it: at the start,
// and once JetStream has found while the engine runs that it cannot read a block.
func (j *Journal) lookForDamage(st *jetstream.StreamState) {
	if st.NumDeleted > 0 && st.Msgs > 0 { // an empty stream counts one, too
		j.damaged("missing events", "%d events are missing behind event %d", st.NumDeleted, st.FirstSeq)
	}
	if lost := st.Lost; lost != nil {
		// What a power cut broke off in the middle of a write was not accepted yet.
		j.damaged("cut events", "%d bytes could not be read at the end of a block of events and were cut off, which is no loss only where they are of the last write before a power cut", lost.Bytes)
	}
}

// lookForLoss tells what JetStream has given up of a stream that is in use. Where it
// cannot find its way in a block, it cuts off what comes behind, and would give the
// places of that to what comes next: the journal is opened anew then, and with it all
// that is known of those places.
func (j *Journal) lookForLoss(info *jetstream.StreamInfo, accepted uint64) {
	if j.srv == nil {
		return
	}
	name, st := info.Config.Name, &info.State
	if j.ends == nil {
		j.ends = map[string]uint64{}
	}
	end := j.ends[name]
	if name == streamEvents {
		j.lookForDamage(st)
		end = max(end, accepted)
	}
	if st.LastSeq < end {
		j.damaged(name+" cut", "stream %s ended with message %d and ends with message %d now", name, end, st.LastSeq)
		j.broken(fmt.Errorf("stream %s has lost its messages %d to %d", name, st.LastSeq+1, end))
	}
	j.ends[name] = max(end, st.LastSeq)
}

// damageFile holds what of the store was found to be damaged while the engine ran: what
// JetStream has cut off is not to be seen at the next start.
const damageFile = "damage.txt"

// noteDamage keeps what was found for the next start.
func (j *Journal) noteDamage(what string) {
	if !j.running.Load() {
		return // each start finds it again
	}
	err := func() (err error) {
		f, err := os.OpenFile(j.damageFile(), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		if _, err := fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format(time.RFC3339), what); err != nil {
			return err
		}
		return f.Sync()
	}()
	if err != nil {
		j.log.Error("what is damaged is not noted for the next start", "file", j.damageFile(), "error", err)
	}
}

func (j *Journal) damageFile() string { return filepath.Join(j.o.Dir, damageFile) }

// readDamage has what a run before has noted be an alarm, until somebody takes it away.
func (j *Journal) readDamage() error {
	defer j.running.Store(true)
	if j.srv == nil {
		return nil
	}
	_, err := os.Stat(j.damageFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for noted damage: %w", err)
	}
	j.damaged("noted", "damage was found while the engine ran, %s says what: delete that file once somebody has seen to it", j.damageFile())
	return nil
}

// inEvents refuses an outcome of an event that is behind the last one: the end of
// EVENTS is gone, and new events would take the place of those.
func (j *Journal) inEvents(sequence uint64) error {
	if j.srv == nil || sequence <= j.counts.accepted {
		return nil
	}
	return fmt.Errorf("there is an outcome of event %d, and EVENTS ends with event %d: the store in %s is damaged, and events that came are missing; restore the directory from a copy, or put it aside and start with an empty one", sequence, j.counts.accepted, j.o.Dir)
}
