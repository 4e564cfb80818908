package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// story is all that is known of a run when it is over: what was sent and accepted,
// what the journal holds, and what SaleApp did.
type story struct {
	sent     []sentWebhook
	events   []chaosEvent
	outcomes []chaosOutcome // in the order in which they were stored
	letters  []chaosLetter
	orders   []order
	writes   []write // in the order in which they were done
}

// chaosEvent is an event as the admin API lists it.
type chaosEvent struct {
	Sequence        int
	Connection, Key string
	Type            string
	Version         int
	Replay          *struct {
		Of, Origin   int
		Mapping, Act string
	}
}

// chaosOutcome is an outcome as the admin API lists it.
type chaosOutcome struct {
	Sequence         int
	Outcome, Mapping string
	At               time.Time
}

// chaosLetter is a dead letter as the admin API lists it.
type chaosLetter struct {
	Mapping, State string
	Sequence       int
	Event          struct {
		Key    string
		Record struct{ Data struct{ ID, Version int } }
	}
}

// verdict is what the verifier found, for each promise.
type verdict struct {
	broken map[string][]string
	held   map[string]string
	// waits are, of each delivered event, how long it took from being sent first and
	// from being accepted.
	fromSent, fromAccepted []time.Duration
}

func (v *verdict) breaks(promise, format string, args ...any) {
	v.broken[promise] = append(v.broken[promise], fmt.Sprintf(format, args...))
}

// Mappings of a run of chaos, and the orders that the second one takes.
const (
	mappingShop  = "horoshop-order"
	mappingSales = "salesdrive-order"
	mappingTenth = "tenth"
	tenthPrefix  = "copy-"
)

// place is an event under a mapping.
type place struct {
	sequence int
	mapping  string
}

// judged is an order's event under a mapping, with what became of it.
type judged struct {
	chaosEvent
	mapping string
	version int
	bad     bool
	outcome string
	stored  int // the outcome's place in the journal
}

// verify holds a story against the promises.
func verify(s *story) *verdict {
	v := &verdict{broken: map[string][]string{}, held: map[string]string{}}
	versions := v.matchWebhooks(s)
	all := v.matchOutcomes(s, versions)
	v.order(s, all)
	v.sink(s, all)
	v.deadLetters(s, all)
	v.latency(s, all, versions)
	return v
}

// accepted gives the webhooks that were answered 2xx, each once.
func (s *story) accepted() map[int]map[int]sentWebhook {
	out := map[int]map[int]sentWebhook{}
	for _, w := range s.sent {
		if out[w.order] == nil {
			out[w.order] = map[int]sentWebhook{}
		}
		if first, ok := out[w.order][w.version]; !ok || w.first.Before(first.first) {
			out[w.order][w.version] = w
		}
	}
	return out
}

// matchWebhooks holds what was accepted against the journal's events (D1), and gives
// the version of each event. SalesDrive's carry it; of the shop's, whose sender
// waits for each answer, the n-th of an order is version n.
func (v *verdict) matchWebhooks(s *story) map[int]int {
	versions, found := map[int]int{}, map[int]map[int]int{}
	shop := map[int]int{}
	accepted := s.accepted()
	for _, e := range s.events {
		id, err := strconv.Atoi(e.Key)
		if err != nil {
			v.breaks("D1", "event %d has the key %q, which nobody sent", e.Sequence, e.Key)
			continue
		}
		version := e.Version
		switch {
		case e.Replay != nil:
			versions[e.Sequence] = versions[e.Replay.Origin]
			continue
		case e.Connection == "shop":
			shop[id]++
			version = shop[id]
		}
		versions[e.Sequence] = version
		if found[id] == nil {
			found[id] = map[int]int{}
		}
		if found[id][version]++; found[id][version] > 1 {
			v.breaks("D2", "order %d, version %d is more than one event: the last is %d", id, version, e.Sequence)
		}
		if _, ok := accepted[id][version]; !ok {
			v.breaks("D1", "event %d is version %d of order %d, which was not accepted", e.Sequence, version, id)
		}
	}
	n, answers := 0, 0
	for _, w := range s.sent {
		answers += 1 + w.repeats
	}
	for id, versions := range accepted {
		for version := range versions {
			n++
			if found[id][version] == 0 {
				v.breaks("D1", "order %d, version %d was accepted and is not in the journal", id, version)
			}
		}
	}
	v.held["D1"] = fmt.Sprintf("each of %d webhooks that were answered 2xx, %d times in all, is an event in the journal, once", n, answers)
	return versions
}

// wants gives the mappings that an event must have an outcome under.
func (e *chaosEvent) wants() []string {
	all := []string{mappingShop}
	if e.Connection == "salesdrive" {
		all = []string{mappingSales}
		if e.Type == "new_order" {
			all = append(all, mappingTenth)
		}
	}
	if e.Replay != nil && e.Replay.Mapping != "" {
		all = slices.DeleteFunc(all, func(m string) bool { return m != e.Replay.Mapping })
	}
	return all
}

// matchOutcomes holds events against outcomes (D2), and gives what became of each
// order's events, in the journal's order.
func (v *verdict) matchOutcomes(s *story, versions map[int]int) map[string][]*judged {
	had, at := map[place][]int{}, map[place]string{}
	kinds := map[string]int{}
	known := map[int]bool{}
	for i, o := range s.outcomes {
		kinds[o.Outcome]++
		if o.Outcome == "duplicate" {
			continue
		}
		p := place{o.Sequence, o.Mapping}
		had[p] = append(had[p], i)
		at[p] = o.Outcome
	}
	accepted, all, wanted := s.accepted(), map[string][]*judged{}, 0
	for _, e := range s.events {
		known[e.Sequence] = true
		for _, m := range e.wants() {
			wanted++
			p := place{e.Sequence, m}
			if n := len(had[p]); n != 1 {
				v.breaks("D2", "event %d of order %s has %d outcomes under %s, want 1", e.Sequence, e.Key, n, m)
				if n == 0 {
					continue
				}
			}
			id, _ := strconv.Atoi(e.Key)
			version := versions[e.Sequence]
			all[e.Key] = append(all[e.Key], &judged{
				chaosEvent: e, mapping: m, version: version, outcome: at[p], stored: had[p][0],
				bad: accepted[id][version].bad && (e.Replay == nil || e.Replay.Act != "edit"),
			})
			delete(had, p)
		}
	}
	for p, places := range had {
		v.breaks("D2", "event %d has %d outcomes under %s, which does not want it (the event is there: %t)", p.sequence, len(places), p.mapping, known[p.sequence])
	}
	v.held["D2"] = fmt.Sprintf("%d events, each with exactly one outcome for each mapping that wants it, %d in all: %d delivered, %d skipped, %d superseded, %d dead; %d duplicates besides",
		len(s.events), wanted, kinds["delivered"], kinds["skipped"], kinds["superseded"], kinds["dead"], kinds["duplicate"])
	return all
}

// order looks at what became of each order's events in turn (D3, D4, D6).
func (v *verdict) order(s *story, all map[string][]*judged) {
	superseded, dead := 0, 0
	for key, events := range all {
		slices.SortFunc(events, func(a, b *judged) int { return cmp.Compare(a.stored, b.stored) })
		newest, last := 0, 0 // delivered so far: the newest version, the latest event
		for i, e := range events {
			if i > 0 && events[i-1].Sequence > e.Sequence {
				v.breaks("D3", "order %s: event %d has its outcome after event %d", key, e.Sequence, events[i-1].Sequence)
			}
			switch e.outcome {
			case "delivered":
				if e.version < newest {
					v.breaks("D6", "order %s: version %d was delivered as event %d after version %d", key, e.version, e.Sequence, newest)
				}
				if e.bad {
					v.breaks("D2", "order %s: version %d cannot be delivered, and event %d says that it was", key, e.version, e.Sequence)
				}
				newest, last = max(newest, e.version), e.Sequence
			case "superseded":
				superseded++
				if newest <= e.version && (e.Replay == nil || last <= e.Replay.Origin) {
					v.breaks("D6", "order %s: version %d was superseded as event %d by nothing newer", key, e.version, e.Sequence)
				}
			case "dead":
				dead++
				if !e.bad {
					v.breaks("D4", "order %s: version %d is a dead letter as event %d, and nothing is wrong with it", key, e.version, e.Sequence)
				}
			case "skipped":
				if e.mapping != mappingTenth || tenth(key) {
					v.breaks("D2", "order %s: event %d was skipped by %s, which wants it", key, e.Sequence, e.mapping)
				}
			}
		}
	}
	v.held["D4"] = fmt.Sprintf("no webhook was given up for what was wrong with SaleApp: of %d dead letters each one is of a record that no mapping takes", dead)
	v.held["D6"] = fmt.Sprintf("%d events were superseded, each by a newer one of its order that was delivered before; none was delivered over a newer one", superseded)
}

func tenth(key string) bool { return strings.HasSuffix(key, "0") }

// versionOf reads the version in an address.
func versionOf(addres string) (int, bool) {
	i := strings.LastIndex(addres, "v")
	n, err := strconv.Atoi(addres[i+1:])
	return n, i >= 0 && err == nil
}

// sink holds SaleApp's orders and writes against the outcomes (D3, D5).
func (v *verdict) sink(s *story, all map[string][]*judged) {
	writes := map[string][]write{}
	for _, w := range s.writes {
		writes[w.ExternalID] = append(writes[w.ExternalID], w)
	}
	orders := map[string][]order{}
	for _, o := range s.orders {
		orders[o.ExternalID] = append(orders[o.ExternalID], o)
	}
	want := map[string]bool{}
	again := 0
	for key, events := range all {
		for _, m := range []string{mappingShop, mappingSales, mappingTenth} {
			external := key
			if m == mappingTenth {
				external = tenthPrefix + key
			}
			delivered, newest := map[int]int{}, 0 // version -> sequence
			for _, e := range events {
				if e.mapping == m && e.outcome == "delivered" {
					delivered[e.version], newest = e.Sequence, max(newest, e.version)
				}
			}
			if len(delivered) == 0 {
				continue
			}
			want[external] = true
			again += v.writesOf(external, writes[external], delivered)
			switch got := orders[external]; {
			case len(got) != 1:
				v.breaks("D5", "order %s is in SaleApp %d times", external, len(got))
			default:
				if version, ok := versionOf(got[0].Addres); !ok || version != newest {
					v.breaks("D5", "order %s stands at %q in SaleApp, want version %d", external, got[0].Addres, newest)
				}
			}
		}
		v.lastState(s, key, events)
	}
	for external := range orders {
		if !want[external] {
			v.breaks("D5", "order %s is in SaleApp, and no event was delivered for it", external)
		}
	}
	for external := range writes {
		if !want[external] {
			v.breaks("D5", "order %s was written in SaleApp, and no event was delivered for it", external)
		}
	}
	v.held["D3"] = fmt.Sprintf("%d writes of %d orders, each order's in the order in which its webhooks were accepted", len(s.writes), len(writes))
	v.held["D5"] = fmt.Sprintf("%d orders, each in SaleApp exactly once and in its last state; %d writes were repeated", len(want), again)
}

// writesOf looks at the writes of one order in SaleApp in turn, and counts repeated ones.
func (v *verdict) writesOf(external string, writes []write, delivered map[int]int) (again int) {
	written, last := map[int]bool{}, 0
	for i, w := range writes {
		version, ok := versionOf(w.Addres)
		sequence := delivered[version]
		switch {
		case !ok || sequence == 0:
			v.breaks("D5", "order %s was written as %q, which was not delivered", external, w.Addres)
			continue
		case last != 0 && sequence < delivered[last]:
			v.breaks("D3", "order %s was written in version %d after version %d, which was accepted later", external, version, last)
		}
		if (i == 0) != (w.Verb == "POST") {
			v.breaks("D5", "write %d of order %s is a %s", i+1, external, w.Verb)
		}
		if written[version] {
			again++
		}
		written[version], last = true, version
	}
	for version, sequence := range delivered {
		if !written[version] {
			v.breaks("D2", "order %s: event %d, version %d, is said to be delivered and was not written", external, sequence, version)
		}
	}
	return again
}

// lastState tells whether the newest version that can be delivered was (D5).
func (v *verdict) lastState(s *story, key string, events []*judged) {
	newest, delivered := 0, 0
	for _, e := range events {
		if e.mapping == mappingTenth {
			continue
		}
		if !e.bad && e.Replay == nil {
			newest = max(newest, e.version)
		}
		if e.outcome == "delivered" {
			delivered = max(delivered, e.version)
		}
	}
	if delivered < newest {
		v.breaks("D5", "order %s was delivered up to version %d, and version %d was accepted", key, delivered, newest)
	}
}

// deadLetters holds the dead letters against the outcomes that say dead (D6).
func (v *verdict) deadLetters(s *story, all map[string][]*judged) {
	letters := map[place]chaosLetter{}
	states := map[string]int{}
	for _, l := range s.letters {
		letters[place{l.Sequence, l.Mapping}] = l
		states[l.State]++
	}
	n, replays := 0, map[string]int{}
	for key, events := range all {
		for _, e := range events {
			if e.Replay != nil {
				replays[e.outcome]++
			}
			if e.outcome != "dead" {
				continue
			}
			n++
			l, ok := letters[place{e.Sequence, e.mapping}]
			switch {
			case !ok:
				v.breaks("D6", "order %s: event %d is dead under %s, and there is no letter", key, e.Sequence, e.mapping)
			case l.Event.Key != key || strconv.Itoa(l.Event.Record.Data.ID) != key || l.Event.Record.Data.Version != e.version:
				v.breaks("D6", "the letter of event %d, order %s, version %d, holds order %d, version %d", e.Sequence, key, e.version, l.Event.Record.Data.ID, l.Event.Record.Data.Version)
			}
		}
	}
	if n != len(letters) {
		v.breaks("D6", "%d events are dead, and there are %d letters", n, len(letters))
	}
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(states)) {
		parts = append(parts, fmt.Sprintf("%d %s", states[state], state))
	}
	v.held["D6"] += fmt.Sprintf("; %d dead letters are kept with their records (%s); of what was retried and edited %d were delivered, %d superseded, %d dead again",
		n, strings.Join(parts, ", "), replays["delivered"], replays["superseded"], replays["dead"])
}

// latency measures from webhook to outcome.
func (v *verdict) latency(s *story, all map[string][]*judged, versions map[int]int) {
	accepted := s.accepted()
	for key, events := range all {
		id, _ := strconv.Atoi(key)
		for _, e := range events {
			w, ok := accepted[id][versions[e.Sequence]]
			if !ok || e.Replay != nil || e.outcome != "delivered" || e.mapping == mappingTenth {
				continue
			}
			at := s.outcomes[e.stored].At
			v.fromSent = append(v.fromSent, at.Sub(w.first))
			v.fromAccepted = append(v.fromAccepted, at.Sub(w.accepted))
		}
	}
	slices.Sort(v.fromSent)
	slices.Sort(v.fromAccepted)
}
