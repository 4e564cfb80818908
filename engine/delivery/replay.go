package delivery

import (
	"fmt"
	"maps"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Newer tells of a lane's key the sequence of an event that was delivered and is
// newer than the one with sequence than; 0 if there is none. It is called in the loop,
// for replays and for what comes late, and must not take long.
type Newer func(key string, than uint64) uint64

// without adds to done the mappings that an event is not for: a replay is for some,
// and what came before a mapping began is not for that.
func (p *plan) without(sequence uint64, r *event.Replay, sink string, done map[string]event.Kind) map[string]event.Kind {
	if sequence >= p.from && (r == nil || r.Sink == "" && r.Mapping == "") {
		return done
	}
	out := map[string]event.Kind{}
	for i := range p.mappings {
		if name := p.mappings[i].Name; sequence < p.mappings[i].From || !r.Wants(sink, name) {
			out[name] = event.Skipped
		}
	}
	maps.Copy(out, done)
	return out
}

// overtaken finds what a replay would overwrite, or an event that comes late:
// something newer of its key that was delivered since (D6). Others need no such
// question, for they come in order.
func (r *Runner) overtaken(it *item) bool {
	if it.replay == nil && !it.late || r.o.Newer == nil {
		return false
	}
	it.newer = r.o.Newer(it.key, it.origin())
	return it.newer != 0
}

// origin is the event that came from the source.
func (it *item) origin() uint64 {
	if it.replay != nil {
		return it.replay.Origin
	}
	return it.sequence
}

// codeOvertaken is the code of a replay's reason for being superseded.
const codeOvertaken = "newer_delivered"

// reasonOvertaken says why a replay was superseded, or what came late; nil where it
// is neither.
func reasonOvertaken(it *item) *event.Reason {
	if it.replay == nil && it.newer == 0 {
		return nil
	}
	why := "something newer of the same key"
	if it.newer != 0 {
		why = fmt.Sprintf("event %d of the same key", it.newer)
	}
	if it.replay == nil {
		return &event.Reason{
			Class: classSuperseded, Code: codeOvertaken,
			Message: why + " was delivered while the mapping did not run, or before it did",
		}
	}
	return &event.Reason{
		Class: classSuperseded, Code: codeOvertaken,
		Message: fmt.Sprintf("%s was delivered, which is newer than event %d that this one repeats", why, it.replay.Origin),
	}
}
