package journal

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// maxRefusal bounds what an engine tells the others of a refusal, in bytes.
const maxRefusal = 300

// Engine is an engine of the cluster, as the board has it.
type Engine struct {
	Name string
	// Self tells that it is this one.
	Self bool
	// Partitions is how many partitions of lanes it reads.
	Partitions int
	// Refused are the connections whose far systems refuse it, in order.
	Refused []Refusal
	// lanes are those that it has mappings for, as SOURCE.SINK.
	lanes []string
}

// Refusal is why an engine sends nothing to a connection: the far system refuses the
// credentials.
type Refusal struct {
	Connection string    `json:"connection"`
	Code       string    `json:"code,omitempty"`
	Message    string    `json:"message,omitempty"` // at most 300 bytes
	Since      time.Time `json:"since"`
}

// Share is this engine's part of what all engines of a cluster may do together: it is
// the one with the number Rank, counted from 0, of Of.
type Share struct{ Rank, Of int }

// Whole is the share of an engine that is alone.
func Whole() Share { return Share{Of: 1} }

// Count is the share of a number of places. The shares of all engines are the total;
// where there are fewer places than engines, each has one.
func (s Share) Count(total int) int {
	n := total / s.Of
	if s.Rank < total%s.Of {
		n++
	}
	return max(n, 1)
}

// Engines gives the engines of the cluster in the order of their names, as they were
// when the board was read last; none in an embedded journal.
func (j *Journal) Engines() []Engine {
	if j.board == nil {
		return nil
	}
	return slices.Clone(j.board.sight())
}

// Share gives this engine's part of what goes to a connection: it is shared evenly by
// the engines that have lanes to it, or, where no lane ends there, by those that have
// any, as lookups are asked by whoever reads a lane. No more engines share than there
// are partitions to read. It is whole in an embedded journal.
func (j *Journal) Share(connection string) Share {
	if j.board == nil {
		return Whole()
	}
	engines := j.board.sight()
	to := func(l string) bool { return strings.HasSuffix(l, "."+connection) }
	if !slices.ContainsFunc(engines, func(e Engine) bool { return slices.ContainsFunc(e.lanes, to) }) {
		to = func(string) bool { return true }
	}
	s, lanes, self := Share{}, map[string]struct{}{}, false
	for _, e := range engines {
		mine := slices.DeleteFunc(slices.Clone(e.lanes), func(l string) bool { return !to(l) })
		if len(mine) == 0 {
			continue
		}
		for _, l := range mine {
			lanes[l] = struct{}{}
		}
		if e.Self {
			s.Rank, self = s.Of, true
		}
		s.Of++
	}
	if !self { // it sends nothing yet
		s.Rank, s.Of = s.Of, s.Of+1
	}
	s.Of = max(1, min(s.Of, len(lanes)*j.parts))
	s.Rank %= s.Of
	return s
}

// SetRefusals tells the other engines of a cluster to which connections this one sends
// nothing because their far systems refuse the credentials, in place of what it told
// before.
func (j *Journal) SetRefusals(all []Refusal) {
	if j.board == nil {
		return
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b Refusal) int { return strings.Compare(a.Connection, b.Connection) })
	for i := range all {
		r := &all[i]
		r.Since = r.Since.UTC().Round(0)
		r.Code, r.Message = words.Bounded(r.Code, maxRefusal), words.Bounded(r.Message, maxRefusal)
	}
	b := j.board
	b.mu.Lock()
	same := equalRefusals(b.refused, all)
	b.refused = all
	b.mu.Unlock()
	if !same {
		b.look()
	}
}

// TellEngines has tell called whenever the engines, their partitions or their refusals
// are others than before, before this engine is given a partition that it was not
// given then. It must not call the journal but for Engines and Share.
func (j *Journal) TellEngines(tell func()) {
	if j.board == nil {
		return
	}
	j.board.mu.Lock()
	defer j.board.mu.Unlock()
	j.board.tell = tell
}

func equalRefusals(a, b []Refusal) bool {
	return slices.EqualFunc(a, b, func(a, b Refusal) bool {
		return a.Connection == b.Connection && a.Code == b.Code && a.Message == b.Message && a.Since.Equal(b.Since)
	})
}

// duty tells that a lane's name stands for something that one engine does for all.
func duty(lane string) bool { return strings.Contains(lane, ".@") }

// sight is what the board held when it was read last.
func (b *board) sight() []Engine {
	if s := b.seenNow.Load(); s != nil {
		return *s
	}
	return nil
}

// show takes in what is on the board, with self's name.
func (b *board) show(n *notice, self string) {
	read := map[string]int{}
	for part, owner := range n.Leases {
		if !duty(laneOfPart(part)) {
			read[owner]++
		}
	}
	now := make([]Engine, 0, len(n.Engines))
	for _, name := range slices.Sorted(maps.Keys(n.Engines)) {
		s := n.Engines[name]
		now = append(now, Engine{Name: name, Self: name == self, Partitions: read[name], Refused: s.Refused, lanes: slices.DeleteFunc(slices.Clone(s.Lanes), duty)})
	}
	if before := b.sight(); before != nil && reflect.DeepEqual(before, now) {
		return
	}
	b.seenNow.Store(&now)
	b.mu.Lock()
	tell := b.tell
	b.mu.Unlock()
	if tell != nil {
		tell()
	}
}
