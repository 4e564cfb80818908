package mapping

import (
	"errors"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// rule is a compiled value of a mapping.
type rule interface {
	// write appends the value as the sink takes it; ok is false, and dst unchanged,
	// if it is missing.
	write(f *frame, dst []byte) (out []byte, ok bool, err error)
	// value returns it for an expression, nil if it is missing.
	value(f *frame) (any, error)
}

// origin says where a rule stands, for its diagnostics.
type origin struct {
	at    span
	field string // the sink's field, # for indexes; "" for a let
}

// scalarRule is a path, an expression or a constant, with its modifiers.
type scalarRule struct {
	origin
	// One of these is the value; constant is compact JSON, already converted.
	ref      *reference
	prog     *expression
	constant []byte
	null     bool // {value: null}

	table    *table
	fallback rule // default
	as       schema.Types
	asJSON   bool
	sink     *schema.Node
	// quick is the quick way to a condition, and to what the sink takes as it is.
	quick quick
	// rows are the table's, as the sink takes them.
	rows map[string][]byte
}

func (s *scalarRule) write(f *frame, dst []byte) ([]byte, bool, error) {
	switch {
	case s.constant != nil:
		return append(dst, s.constant...), true, nil
	case s.null:
		return append(dst, "null"...), true, nil
	case s.ref != nil && s.table == nil && s.as == 0 && !s.asJSON:
		if b, ok := s.ref.bytes(f); ok {
			return s.writeBytes(f, dst, b)
		}
		if b, ok := s.ref.answerText(f); ok {
			return s.writeBytes(f, dst, b)
		}
	}
	if f.run.trace == nil {
		if out, ok, done, err := s.writeQuick(f, dst); done {
			return out, ok, err
		}
	}
	v, err := s.computed(f)
	if err != nil {
		return dst, false, err
	}
	if v == nil {
		return s.missing(f, dst)
	}
	r := f.run
	r.scratch = appendJSON(r.scratch[:0], v)
	if len(r.scratch) > maxJSON {
		return dst, false, &failure{at: s.at, rule: "CW307", path: s.source(f), message: "the value is larger than 8 MiB"}
	}
	if made(v) {
		r.scratch = appendThere(r.scratch[:0], v)
	}
	if bad := misfitIn(v); bad != nil {
		return dst, false, bad.failure(s.at, s.source(f), "")
	}
	out, ok, cerr := convert(dst, r.scratch, s.sink)
	if cerr != nil {
		return dst, false, s.conversion(f, cerr)
	}
	if !ok {
		return s.missing(f, dst)
	}
	if r.trace != nil {
		r.trace.convert(r.scratch, out[len(dst):])
	}
	return out, true, nil
}

// writeBytes writes a slot, through its schema's type where the payload has another.
func (s *scalarRule) writeBytes(f *frame, dst, b []byte) ([]byte, bool, error) {
	if isMissing(b) {
		return s.missing(f, dst)
	}
	read := b
	if t := s.ref.t.kinds; t != 0 && !t.Has(kindOfJSON(b)) {
		v, err := s.ref.read(f, b)
		if err != nil {
			return dst, false, err
		}
		if v == nil {
			return s.missing(f, dst)
		}
		b = appendJSON(nil, v)
	} else if node := s.ref.t.node; node != nil && (b[0] == '{' || b[0] == '[') && !typed(b, node, 0) {
		made, bad := appendTyped(nil, b, node)
		if bad != nil {
			return dst, false, bad.failure(s.at, f.run.sourcePath(s.ref.source), s.ref.text)
		}
		b = made
	}
	out, ok, err := convert(dst, b, s.sink)
	if err != nil {
		return dst, false, s.conversion(f, err)
	}
	if !ok {
		return s.missing(f, dst)
	}
	if t := f.run.trace; t != nil {
		t.convert(read, out[len(dst):])
	}
	return out, true, nil
}

func (s *scalarRule) missing(f *frame, dst []byte) ([]byte, bool, error) {
	if s.fallback != nil {
		if t := f.run.trace; t != nil {
			t.fallback(s.fallback)
		}
		return s.fallback.write(f, dst)
	}
	return dst, false, nil
}

func (s *scalarRule) value(f *frame) (any, error) {
	if s.constant != nil {
		v, _ := decode(s.constant)
		return v, nil
	}
	v, err := s.computed(f)
	if err == nil && v == nil && s.fallback != nil {
		if t := f.run.trace; t != nil {
			t.fallback(s.fallback)
		}
		return s.fallback.value(f)
	}
	return v, err
}

// computed returns the value after table and type, before default.
func (s *scalarRule) computed(f *frame) (any, error) {
	var v any
	var err error
	switch {
	case s.ref != nil:
		v, err = s.ref.value(f)
	case s.prog != nil:
		v, err = s.prog.run(f)
	case s.constant != nil:
		v, _ = decode(s.constant)
	}
	if err != nil || v == nil {
		return nil, err
	}
	if s.table != nil {
		key := v
		if v, err = s.table.get(v, s.at, s.source(f), s.fallback != nil, addRow); err != nil || v == nil {
			return nil, err
		}
		if t := f.run.trace; t != nil {
			t.row(s.table, key, v)
		}
	}
	if s.asJSON {
		return string(compactJSON(appendJSON(nil, v))), nil
	}
	if s.as == 0 {
		return v, nil
	}
	before := appendJSON(nil, v)
	out, ok, cerr := convert(nil, before, &schema.Node{Types: s.as})
	if cerr == nil && !ok {
		return nil, nil
	}
	if cerr == nil {
		if t := f.run.trace; t != nil {
			t.convert(before, out)
		}
		if v, ok = decode(out); ok {
			return v, nil
		}
		cerr = &conversionError{value: show(v), want: kindName(s.as)}
	}
	return nil, s.conversion(f, cerr)
}

func (s *scalarRule) source(f *frame) string {
	if s.ref != nil {
		return f.run.sourcePath(s.ref.source)
	}
	if s.prog != nil && len(s.prog.refs) > 0 {
		return f.run.sourcePath(s.prog.refs[0].source)
	}
	return ""
}

func (s *scalarRule) conversion(f *frame, e *conversionError) error {
	field := s.field
	if e.path != "" {
		field = strings.TrimPrefix(field+"."+e.path, ".")
	}
	out := &failure{at: s.at, rule: "CW303", path: s.source(f), field: field}
	what := "`" + fillIndexes(field, f.run.to) + "`"
	if e.enum {
		out.rule = "CW310"
		out.message = what + " cannot be " + e.value
		out.hint = "the sink allows " + e.want
		return out
	}
	switch around, name := cutLast(field); {
	case e.unknown:
		out.message = "`" + fillIndexes(around, f.run.to) + "` has no field `" + name + "`, and this event gives " + e.value
		out.hint = "say what each field of the object becomes: {fields: {…}}"
		return out
	case e.lacking:
		out.message = what + " is required, and the object of this event does not have it"
		out.hint = "say what each field of the object becomes: {fields: {…}}"
		return out
	}
	out.message = what + " must be " + e.want + ", and this event gives " + e.value
	out.hint = "write the conversion out: int(x), round(x), text(x), or a default for what is missing"
	return out
}

// guarded puts when, required and on_error around a rule.
type guarded struct {
	origin
	inner    rule
	when     rule
	required bool
	// omit and useDefault are on_error; fallback is the default then.
	omit, useDefault bool
	fallback         rule
	reads            string // what inner reads, for messages
}

func (g *guarded) write(f *frame, dst []byte) ([]byte, bool, error) { return g.around(f, dst, false) }

// around writes the rule, or spreads it into the array around it.
func (g *guarded) around(f *frame, dst []byte, spreading bool) ([]byte, bool, error) {
	if g.when != nil {
		if yes, err := condition(g.when, f, g.at); err != nil || !yes {
			return dst, false, err
		}
	}
	start, failures := len(dst), len(f.run.failures)
	out, ok, err := writeOrSpread(g.inner, f, dst, spreading)
	if err != nil || len(f.run.failures) > failures {
		if t := f.run.trace; t != nil && (g.omit || g.useDefault) {
			t.forgive(f.run, g, err, failures)
		}
		switch {
		case f.run.lookupFailed(err, failures):
		case g.omit:
			f.run.failures = f.run.failures[:failures]
			return out[:start], false, nil
		case g.useDefault:
			f.run.failures = f.run.failures[:failures]
			return writeOrSpread(g.fallback, f, out[:start], spreading)
		}
		return out, false, err
	}
	if !ok && g.required {
		return out, false, g.missing(f)
	}
	return out, ok, nil
}

func (g *guarded) missing(f *frame) error {
	e := &failure{at: g.at, rule: "CW304", field: g.field, message: "`" + fillIndexes(g.field, f.run.to) + "` is required, and is missing in this event"}
	if g.reads != "" {
		e.path = f.run.sourcePath(g.reads)
		e.message += ": `" + e.path + "` is not there"
	} else if story, unfound := missingLookup(g.inner, f); story != "" {
		e.message += ": " + story
		e.unfound = unfound
	}
	e.hint = "the rule says `required: true`"
	return e
}

func (g *guarded) value(f *frame) (any, error) {
	if g.when != nil {
		if yes, err := condition(g.when, f, g.at); err != nil || !yes {
			return nil, err
		}
	}
	v, err := g.inner.value(f)
	if err != nil {
		if t := f.run.trace; t != nil && (g.omit || g.useDefault) {
			t.forgive(f.run, g, err, 0)
		}
		switch {
		case f.run.lookupFailed(err, len(f.run.failures)):
		case g.omit:
			return nil, nil
		case g.useDefault:
			return g.fallback.value(f)
		}
		return nil, err
	}
	if v == nil && g.required {
		return nil, g.missing(f)
	}
	return v, nil
}

// condition evaluates a when or where.
func condition(r rule, f *frame, at span) (bool, error) {
	if t := f.run.trace; t != nil {
		return t.condition(r, f, at)
	}
	return decide(r, f, at)
}

func decide(r rule, f *frame, at span) (bool, error) {
	if s, ok := r.(*scalarRule); ok && s.quick.truth != nil && f.run.trace == nil {
		if yes, known := s.quick.truth(f); known == there {
			return yes, nil
		}
	}
	v, err := r.value(f)
	if err != nil {
		return false, err
	}
	if b, ok := v.(bool); ok {
		return b, nil
	}
	e := &failure{at: at, rule: "CW301"}
	if s, ok := r.(*scalarRule); ok {
		e.at, e.path = s.at, s.source(f)
		if v == nil && s.ref != nil {
			e.message = "`" + s.ref.text + "` is missing in this event, and decides here"
			e.hint = "guard it with `??` or `has(\"" + s.ref.text + "\")`"
			return false, e
		}
	}
	if v == nil {
		e.message = "the condition is missing for this event"
		e.hint = "guard it with `??`"
		return false, e
	}
	e.rule = "CW308"
	e.message = "the condition must be true or false, and is " + show(v)
	e.hint = "compare it with something: x != 0"
	return false, e
}

// written is the value of a rule that makes an object or an array.
func written(r rule, f *frame) (any, error) {
	failures := len(f.run.failures)
	out, ok, err := r.write(f, nil)
	if len(f.run.failures) > failures {
		err = f.run.failures[failures]
		f.run.failures = f.run.failures[:failures]
	}
	if err != nil || !ok {
		return nil, err
	}
	v, _ := decode(out)
	return v, nil
}

const maxFailures = 50

// fail notes that a rule failed; other rules go on, so that all failures of an
// event are known.
func (r *run) fail(err error, field string) {
	var e *failure
	if !errors.As(err, &e) {
		e = &failure{rule: "CW300", message: err.Error()}
	}
	if e.field == "" {
		e.field = field
	}
	if !e.final {
		e.field, e.final = fillIndexes(e.field, r.to), true
	}
	if e.pending || len(r.failures) < maxFailures && (e.lookup || !slices.Contains(r.failures, e)) {
		r.failures = append(r.failures, e)
	}
}

// lookupFailed tells whether err, or a failure noted since there were so many, is
// a lookup's.
func (r *run) lookupFailed(err error, since int) bool {
	var e *failure
	if errors.As(err, &e) && e.lookup {
		return true
	}
	return slices.ContainsFunc(r.failures[min(since, len(r.failures)):], func(e *failure) bool { return e.lookup })
}

// defaulted gives an object or an array a default.
type defaulted struct{ inner, fallback rule }

func writeOrSpread(r rule, f *frame, dst []byte, spreading bool) ([]byte, bool, error) {
	if spreading {
		return spread(r, f, dst)
	}
	return r.write(f, dst)
}

func (d *defaulted) write(f *frame, dst []byte) ([]byte, bool, error) { return d.around(f, dst, false) }

func (d *defaulted) around(f *frame, dst []byte, spreading bool) ([]byte, bool, error) {
	out, ok, err := writeOrSpread(d.inner, f, dst, spreading)
	if err != nil || ok {
		return out, ok, err
	}
	if t := f.run.trace; t != nil {
		t.fallback(d.fallback)
	}
	return writeOrSpread(d.fallback, f, out, spreading)
}

func (d *defaulted) value(f *frame) (any, error) {
	v, err := d.inner.value(f)
	if err == nil && v == nil {
		if t := f.run.trace; t != nil {
			t.fallback(d.fallback)
		}
		return d.fallback.value(f)
	}
	return v, err
}
