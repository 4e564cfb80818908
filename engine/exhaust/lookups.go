package exhaust

import (
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// lookupsOf gives the schemas of what the mapping's lookups take and answer.
func lookupsOf(p *mapping.Program, cat mapping.Catalog) (map[string]mapping.LookupSchema, error) {
	out := map[string]mapping.LookupSchema{}
	for _, a := range p.Answered() {
		s, err := cat.Lookup(a.Lookup.Connection, a.Lookup.Name)
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", a.Lookup, err)
		}
		out[a.Lookup.String()] = s
	}
	return out, nil
}

// lookupKey tells a mapping's lookups apart.
func lookupKey(name, connection, lookup string) string { return name + " " + connection + "." + lookup }

// answer makes the places of a lookup's answer: found, with what its schema requires
// and with and without the rest, or not found.
func (s *shape) answer(a mapping.Answered, lookup mapping.LookupSchema) {
	answers := lookup.Answer
	root := &place{name: a.Name, path: a.Name, lookup: a.Name, kind: object, index: -1}
	if answers != nil {
		root.node = answers.Root()
	}
	for _, r := range a.Reads {
		s.add(root, r)
	}
	root.kind = object // also where it is read as a whole and its schema does not say
	s.complete(root, 0)
	root.options = []option{{whole: true}, {}}
	s.choose(root, false)
	s.number(root)
	key := lookupKey(a.Name, a.Lookup.Connection, a.Lookup.Name)
	s.lookups[key], s.schemas[key] = root, answers
	s.args[key], s.order = lookup.Args, append(s.order, key)
}

// writeAnswer appends the answer to a lookup that the assignment describes; nothing
// if nothing is found.
func (s *shape) writeAnswer(key string, a assignment, dst []byte) []byte {
	p := s.lookups[key]
	if p == nil || !p.option(a).whole {
		return dst
	}
	return writeObject(p, a, dst)
}

// text is the record with the event's id and the answers, which tells assignments apart.
func (s *shape) text(a assignment, record []byte) []byte {
	out := append(append([]byte(nil), record...), s.eventID(a)...)
	for _, key := range s.order {
		out = s.writeAnswer(key, a, append(out, '\n'))
	}
	return out
}

// answered maps an event with the answers of an assignment. Every question of one
// lookup has the same answer, those for the elements of a list too.
func (s *search) answered(ev *mapping.Event, a assignment) (mapping.Result, error) {
	answers := mapping.Answers{}
	for {
		res, err := s.program.MapWith(ev, answers, nil)
		s.work += res.Work + len(res.Record)
		if err != nil || len(res.Questions) == 0 {
			return res, err
		}
		for _, q := range res.Questions {
			key := lookupKey(q.Lookup, q.Connection, q.Name)
			if why := s.refusal(key, q.Args); why != "" {
				answers[q.Key()] = mapping.Answer{Refusal: &mapping.Refusal{Message: why}}
				continue
			}
			answers[q.Key()] = mapping.Answer{Found: s.shape.writeAnswer(key, a, nil)}
		}
	}
}

// refusal says why a lookup does not take its arguments, by their schema; "" if it does.
func (s *search) refusal(key string, args []byte) string {
	takes := s.shape.args[key]
	if takes == nil {
		return ""
	}
	h := sum(append([]byte(key), args...))
	why, known := s.refusals[h]
	if !known {
		var all []string
		for _, v := range takes.Validate(args) {
			all = append(all, strings.TrimPrefix(v.String(), "the record "))
		}
		why = strings.Join(all, "; ")
		s.refusals[h] = why
	}
	return why
}
