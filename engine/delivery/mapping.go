package delivery

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Mapping is a mapping as a lane runs it.
type Mapping struct {
	// Name orders the mappings of a lane; SHA256 is the hex digest of its text.
	Name, SHA256 string
	// Types are the event types of the lane's source that it wants.
	Types []string
	// From is the first event that it is for, by its sequence; 0 for all.
	From uint64
	// Map makes the sink's record, as mapping.Program.Map does. It is called
	// concurrently and must not keep its arguments.
	Map func(ev *mapping.Event, buf []byte) (mapping.Result, error)
	// Lookups is how many lookups the mapping has. If it is not 0, MapWith is called
	// instead of Map, as mapping.Program.MapWith, with what is known of them.
	Lookups int
	MapWith func(ev *mapping.Event, answers mapping.Answers, buf []byte) (mapping.Result, error)
	// Operation is the sink's operation, Repeat how that takes a repetition, and
	// Settle how long an attempt whose answer was lost may still take effect.
	Operation string
	Repeat    wire.Repeat
	Settle    time.Duration
}

// MappingOf gives a compiled mapping as the lane from source runs it. op is the
// spec of the operation that the program names.
func MappingOf(p *mapping.Program, source string, op wire.OperationSpec) Mapping {
	m := Mapping{
		Name: p.Name(), SHA256: p.SHA256(), Map: p.Map,
		Lookups: p.Lookups(), MapWith: p.MapWith,
		Operation: op.Name, Repeat: op.Repeat, Settle: op.Settle,
	}
	for _, from := range p.From() {
		if from.Connection == source {
			m.Types = append(m.Types, from.Name)
		}
	}
	return m
}

// plan is a lane's mappings, in turn. It never changes; an event keeps the one
// that it began with.
type plan struct {
	mappings []Mapping
	// wants holds, for each type, the indexes of the mappings that want it.
	wants map[string][]int
	// from is the first event that all of them are for.
	from uint64
}

// maxName bounds a mapping's name in bytes, as the journal does.
const maxName = 256

func newPlan(mappings []Mapping) (*plan, error) {
	p := &plan{mappings: slices.Clone(mappings), wants: map[string][]int{}}
	slices.SortFunc(p.mappings, func(a, b Mapping) int { return cmp.Compare(a.Name, b.Name) })
	var errs []error
	for i, m := range p.mappings {
		switch {
		case m.Name == "":
			errs = append(errs, errors.New("a mapping has no name"))
		case len(m.Name) > maxName:
			errs = append(errs, fmt.Errorf("mapping %.20s… has a name of %d bytes, at most %d are allowed", m.Name, len(m.Name), maxName))
		case m.Map == nil || m.Lookups > 0 && m.MapWith == nil:
			errs = append(errs, fmt.Errorf("mapping %s has no program", m.Name))
		case m.Operation == "":
			errs = append(errs, fmt.Errorf("mapping %s has no operation", m.Name))
		case len(m.Types) == 0:
			errs = append(errs, fmt.Errorf("mapping %s wants no event of the lane's source", m.Name))
		case i > 0 && m.Name == p.mappings[i-1].Name:
			errs = append(errs, fmt.Errorf("two mappings are named %s", m.Name))
		}
		p.from = max(p.from, m.From)
		for _, t := range m.Types {
			if w := p.wants[t]; len(w) == 0 || w[len(w)-1] != i {
				p.wants[t] = append(w, i)
			}
		}
	}
	return p, errors.Join(errs...)
}

// next gives the first mapping from index i on that wants the type and has no
// outcome yet, or -1.
func (p *plan) next(i int, eventType string, done map[string]event.Kind) int {
	for _, w := range p.wants[eventType] {
		if w < i {
			continue
		}
		if _, ok := done[p.mappings[w].Name]; !ok {
			return w
		}
	}
	return -1
}
