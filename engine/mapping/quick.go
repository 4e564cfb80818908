package mapping

import (
	"strconv"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// Most expressions of most events are simple: they compare a text with a text, or
// round a short number. What an operand is then can be computed without a value of
// any type around it, and without memory. A quick way never fails and never gives
// another result than the general way: where it is not sure it says so, and the
// general way computes the value, or says why there is none. It is not used while
// an event is explained.
type quick struct {
	truth way[bool]
	text  way[string]
	whole way[int]
	// exists tells less than the others, for less; nil where they are as quick.
	exists func(*frame) state
}

// way is a quick way to a value of one type; nil where there is none.
type way[T comparable] func(*frame) (T, state)

// state is what a quick way found.
type state uint8

const (
	// unsure leaves it to the general way.
	unsure state = iota
	// there comes with the value.
	there
	// absent is nil.
	absent
)

// of gives an operand the quick way.
func (q quick) of(o operand) operand {
	o.quick = q
	return o
}

// presence returns a quick way to tell whether there is a value, nil if there is none.
func (q quick) presence() func(*frame) state {
	switch {
	case q.exists != nil:
		return q.exists
	case q.text != nil:
		return q.text.state
	case q.whole != nil:
		return q.whole.state
	case q.truth != nil:
		return q.truth.state
	}
	return nil
}

func (w way[T]) state(f *frame) state {
	_, s := w(f)
	return s
}

// quickConstant is the quick way to a value that is written in the mapping.
func quickConstant(v any) quick {
	switch v := v.(type) {
	case nil:
		return quick{
			truth: func(*frame) (bool, state) { return false, absent },
			text:  func(*frame) (string, state) { return "", absent },
			whole: func(*frame) (int, state) { return 0, absent },
		}
	case bool:
		return quick{truth: func(*frame) (bool, state) { return v, there }}
	case string:
		return quick{text: func(*frame) (string, state) { return v, there }}
	case int:
		return quick{whole: func(*frame) (int, state) { return v, there }}
	}
	return quick{}
}

// quickReference is the quick way to what a name or a path stands for.
func quickReference(r *reference) quick {
	switch {
	case r.slot >= 0:
		var q quick
		if r.t.kinds == 0 || r.t.kinds.Has(schema.Boolean) {
			q.truth = r.slotTruth
		}
		if r.t.kinds == 0 || r.t.kinds.Has(schema.Text) {
			q.text = r.slotText
		}
		if r.t.kinds == 0 || r.t.kinds.Has(schema.Integer) {
			q.whole = r.slotWhole
		}
		return q
	case r.let == nil:
		return quick{}
	case r.inAnswer != nil:
		return quick{text: r.foundText}
	case r.rest != "":
		return quick{}
	}
	of := quickRule(r.let.rule)
	return quick{
		truth: remembered(r, of.truth, func(s *letState) *found[bool] { return &s.truth }),
		text:  remembered(r, of.text, func(s *letState) *found[string] { return &s.text }),
		whole: remembered(r, of.whole, func(s *letState) *found[int] { return &s.whole }),
	}
}

// found is what a named value's quick way gave, if it was tried.
type found[T comparable] struct {
	value T
	state state
	tried bool
}

// remembered is the quick way to a named value, computed once for a frame.
func remembered[T comparable](r *reference, of way[T], at func(*letState) *found[T]) way[T] {
	if of == nil {
		return nil
	}
	return func(f *frame) (T, state) {
		home := f.above(r.up)
		s := &home.lets[r.let.index]
		if s.done {
			v, ok := s.value.(T)
			switch {
			case s.err != nil:
				return v, unsure
			case ok:
				return v, there
			case s.value == nil:
				return v, absent
			}
			return v, unsure
		}
		known := at(s)
		if !known.tried {
			known.tried = true
			known.value, known.state = of(home)
		}
		return known.value, known.state
	}
}

// quickRule is the quick way to a rule's value.
func quickRule(r rule) quick {
	s, ok := r.(*scalarRule)
	if !ok || s.table != nil || s.as != 0 || s.asJSON || s.fallback != nil {
		return quick{}
	}
	switch {
	case s.prog != nil:
		return s.prog.quick
	case s.ref != nil:
		return quickReference(s.ref)
	}
	return quick{}
}

func (r *reference) slotTruth(f *frame) (bool, state) {
	b := f.above(r.up).slot(r.slot)
	switch {
	case isMissing(b):
		return false, absent
	case b[0] == 't':
		return true, there
	case b[0] == 'f':
		return false, there
	}
	return false, unsure
}

func (r *reference) slotText(f *frame) (string, state) {
	b := f.above(r.up).slot(r.slot)
	if isMissing(b) {
		return "", absent
	}
	return plainText(b)
}

// plainText returns the text that a JSON text without escapes spells.
func plainText(b []byte) (string, state) {
	if b[0] != '"' {
		return "", unsure
	}
	s := view(b[1 : len(b)-1])
	if strings.IndexByte(s, '\\') >= 0 {
		return "", unsure
	}
	return s, there
}

func (r *reference) slotWhole(f *frame) (int, state) {
	b := f.above(r.up).slot(r.slot)
	if isMissing(b) {
		return 0, absent
	}
	if len(b) < 19 {
		if n, ok := parseInt(view(b)); ok {
			return n, there
		}
	}
	return 0, unsure
}

// foundText is a text of a lookup's answer.
func (r *reference) foundText(f *frame) (string, state) {
	b, ok := r.answerText(f)
	if !ok {
		return "", unsure
	}
	return plainText(b)
}

// bounded makes the quick way of a whole expression, which costs as many units of
// work as it has parts.
func (q quick) bounded(parts int) quick {
	return quick{truth: q.truth.bounded(parts), text: q.text.bounded(parts), whole: q.whole.bounded(parts)}
}

func (w way[T]) bounded(parts int) way[T] {
	if w == nil {
		return nil
	}
	return func(f *frame) (T, state) {
		if !f.run.spend(parts) {
			var none T
			return none, unsure
		}
		return w(f)
	}
}

// sinkTakes is what a field of the sink takes as it is; 0 for nothing, if it takes
// some values only.
func sinkTakes(n *schema.Node) schema.Types {
	switch {
	case n == nil || n.Types == 0 && len(n.Choices) == 0:
		return anything
	case len(n.Choices) > 0:
		return 0
	}
	return n.Types
}

// writeQuick writes an expression's value by the quick way; done is false if that
// is left to the general way.
func (s *scalarRule) writeQuick(f *frame, dst []byte) (out []byte, ok, done bool, err error) {
	q := s.quick
	if s.rows != nil {
		out, done = s.writeRow(f, dst)
		return out, done, done, nil
	}
	if q.text != nil {
		switch v, st := q.text(f); {
		case st == absent:
			out, ok, err = s.missing(f, dst)
			return out, ok, true, err
		case st == there && len(v) < maxJSON:
			return appendString(dst, v), true, true, nil
		}
	}
	if q.whole != nil {
		switch v, st := q.whole(f); st {
		case absent:
			out, ok, err = s.missing(f, dst)
			return out, ok, true, err
		case there:
			return strconv.AppendInt(dst, int64(v), 10), true, true, nil
		case unsure:
		}
	}
	return dst, false, false, nil
}

// writeRow writes the row of a table.
func (s *scalarRule) writeRow(f *frame, dst []byte) (out []byte, done bool) {
	if s.quick.text != nil {
		if v, st := s.quick.text(f); st == there {
			row, ok := s.rows[v]
			return append(dst, row...), ok
		}
	}
	if s.quick.whole != nil {
		if v, st := s.quick.whole(f); st == there {
			var digits [20]byte
			row, ok := s.rows[string(strconv.AppendInt(digits[:0], int64(v), 10))]
			return append(dst, row...), ok
		}
	}
	return dst, false
}

// maxWritten is how many rows a table can have that is held as a rule writes it.
const maxWritten = 1000

// written returns the rows as a field of the sink takes them, by their keys, without
// those that it does not take; nil for a table that is too large for it.
func (t *table) written(sink *schema.Node) map[string][]byte {
	if len(t.rows) > maxWritten {
		return nil
	}
	out := make(map[string][]byte, len(t.rows))
	for key, v := range t.rows {
		if made(v) {
			continue
		}
		if row, ok, err := convert(nil, appendJSON(nil, v), sink); ok && err == nil {
			out[key] = row
		}
	}
	return out
}

// settle finds the quick way of a rule whose parts are all compiled.
func (s *scalarRule) settle() {
	s.quick, s.rows = quick{}, nil
	if s.as != 0 || s.asJSON || s.prog == nil && s.ref == nil {
		return
	}
	q, takes := quick{}, sinkTakes(s.sink)
	if s.prog != nil {
		q = s.prog.quick
	} else {
		q = quickReference(s.ref)
	}
	if s.table != nil {
		if s.rows = s.table.written(s.sink); s.rows != nil {
			s.quick.text, s.quick.whole = q.text, q.whole
		}
		return
	}
	if s.fallback == nil {
		s.quick.truth = q.truth
	}
	if takes == 0 {
		return
	}
	if takes.Has(schema.Text) {
		s.quick.text = q.text
	}
	if takes.Has(schema.Integer) {
		s.quick.whole = q.whole
	}
}
