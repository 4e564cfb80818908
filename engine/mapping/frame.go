package mapping

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/vm"
	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// run is the scratch memory of one Map call.
type run struct {
	program *Program
	event   *Event
	// answers are known, questions wanted besides; asked holds their keys.
	answers   Answers
	questions []Question
	asked     map[string]struct{}
	// spans holds, for every object being written, where each of its fields stands
	// in the output.
	spans []outSpan
	// from and to are the indexes of the elements at hand, outermost first: in the
	// source's arrays and in the sink's.
	from, to []int
	frames   []*frame // free ones
	machines []*vm.VM
	depth    int // machines in use
	work     int // units spent, see work.go
	failures []*failure
	scratch  []byte
	args     []any // of calls being computed, innermost last
	// texts is the memory of texts that quick ways make, joined the parts of those
	// being made.
	texts    []byte
	joined   []string
	trace    *trace // nil unless the event is being explained
	pointers []any  // elements of the loops at hand, innermost last

	buffers [][]byte  // free ones, of lookups
	slots   [1][]byte // of a lookup's answer
}

type outSpan struct {
	start, end int // end is 0 for a field that is not there
	failed     bool
}

// frame holds the values of one scope: the record, or an element of an `each`.
type frame struct {
	run    *run
	parent *frame
	scope  *scope
	raw    []byte
	slots  [][]byte
	lets   []letState
}

type letState struct {
	done  bool
	value any
	err   error
	// What its quick ways gave.
	truth found[bool]
	text  found[string]
	whole found[int]
	// answer is that of a lookup, if it was read without a value around it.
	answer []byte
}

// enter returns a frame of the scope for the JSON text b, scanned.
func (r *run) enter(s *scope, parent *frame, b []byte) *frame {
	f := r.frame(s, parent)
	f.raw = b
	if s.plain > 0 {
		s.trie.scan(b, f.slots, s.plain)
	}
	return f
}

// enterAt is enter for the element of the JSON array b that begins at i; it returns
// also what follows the element.
func (r *run) enterAt(s *scope, parent *frame, b []byte, i int) (*frame, int) {
	f := r.frame(s, parent)
	end := s.trie.scanElement(b, i, f.slots, s.plain)
	f.raw = b[i:end:end]
	return f, end
}

func (r *run) frame(s *scope, parent *frame) *frame {
	var f *frame
	if n := len(r.frames); n > 0 {
		f, r.frames = r.frames[n-1], r.frames[:n-1]
	} else {
		f = &frame{}
	}
	f.run, f.parent, f.scope, f.raw = r, parent, s, nil
	f.slots = grow(f.slots, len(s.slots))
	f.lets = grow(f.lets, len(s.lets))
	return f
}

func (r *run) leave(f *frame) { r.frames = append(r.frames, f) }

// grow returns s with n zero elements.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// reset lets go of everything that belongs to an event.
func (r *run) reset() {
	r.program, r.event, r.trace = nil, nil, nil
	r.failures = nil
	r.answers, r.questions, r.slots[0] = nil, nil, nil
	clear(r.asked)
	r.spans, r.from, r.to = r.spans[:0], r.from[:0], r.to[:0]
	r.depth, r.work = 0, 0
	clear(r.args[:cap(r.args)])
	r.args = r.args[:0]
	clear(r.pointers[:cap(r.pointers)])
	r.pointers = r.pointers[:0]
	clear(r.joined[:cap(r.joined)])
	if r.texts = r.texts[:0]; cap(r.texts) > 1<<16 {
		r.texts = nil
	}
	for _, m := range r.machines {
		clear(m.Stack[:cap(m.Stack)])
		clear(m.Variables)
	}
	for _, f := range r.frames {
		clear(f.slots)
		clear(f.lets)
		f.parent, f.scope, f.raw = nil, nil, nil
	}
	if cap(r.scratch) > 1<<16 {
		r.scratch = nil
	}
}

// slot returns the bytes of a slot, empty for an absent path.
func (f *frame) slot(i int) []byte {
	b := f.slots[i]
	if b == nil && f.scope.slots[i].lazy {
		b = []byte(gjson.Get(view(f.raw), f.scope.slots[i].text).Raw)
		if b == nil {
			b = []byte{}
		}
		f.slots[i] = b
	}
	return b
}

// reference is a resolved name or path.
type reference struct {
	// up is how many scopes further out the value lives.
	up int
	// slot is the value's slot, -1 if let or meta is set.
	slot int
	// let is the named value that the reference begins with, and rest the path into it.
	let  *let
	rest string
	// inAnswer finds rest in a lookup's answer, if it is a plain path to a text.
	inAnswer *trie
	// meta is a field of _meta.
	meta string
	// text is the reference as the mapping has it, source the path in the record,
	// with # for the index of each `each`; "" if it comes from elsewhere.
	text, source string
	t            typ
	at           span
	// target and segments are a plain path's scope and steps.
	target   *scope
	segments []segment
}

// typ is what the check knows of a value: the types it can have (0 for any), its
// schema and that of its elements where there is one.
type typ struct {
	kinds schema.Types
	node  *schema.Node
	elem  *typ
	// parts are the elements of a list that is written out, not nil for [].
	parts []typ
	// choices are the types of which the value has one, where a choice makes it.
	choices []typ
	// sure is the value where it is the same for every event, values what it can be
	// where the node does not say it.
	sure   *certain
	values *domain
}

func (t typ) knows(k schema.Types) bool { return t.kinds != 0 && !t.kinds.Has(k) }

func (f *frame) above(n int) *frame {
	for ; n > 0; n-- {
		f = f.parent
	}
	return f
}

// bytes returns the value's JSON, as it stands in the record; ok is false if the
// reference is none to the record.
func (r *reference) bytes(f *frame) (b []byte, ok bool) {
	if r.slot < 0 {
		return nil, false
	}
	b = f.above(r.up).slot(r.slot)
	if t := f.run.trace; t != nil {
		t.read(r, f, b)
	}
	return b, true
}

// value returns the value, converted to its schema's type.
func (r *reference) value(f *frame) (any, error) {
	if t := f.run.trace; t != nil {
		return t.value(r, f)
	}
	return r.get(f)
}

func (r *reference) get(f *frame) (any, error) {
	switch {
	case r.slot >= 0:
		return r.read(f, f.above(r.up).slot(r.slot))
	case r.let != nil:
		v, err := r.let.value(f.above(r.up))
		if err != nil || r.rest == "" || v == nil {
			return v, err
		}
		var b []byte
		if in, ok := v.(raw); ok {
			b = in.json
		} else {
			b = appendJSON(nil, v)
		}
		return r.read(f, []byte(gjson.Get(view(b), r.rest).Raw))
	}
	ev := f.run.event
	switch r.meta {
	case "id":
		return emptyIsMissing(ev.ID), nil
	case "connection":
		return emptyIsMissing(ev.Connection), nil
	case "event":
		return emptyIsMissing(ev.Type), nil
	case "key":
		return emptyIsMissing(ev.Key), nil
	}
	if ev.ReceivedAt.IsZero() {
		return nil, nil
	}
	return ev.ReceivedAt.UTC().Format("2006-01-02T15:04:05.999Z07:00"), nil
}

func emptyIsMissing(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// read converts a slot's bytes to the type that the source's schema gives it.
func (r *reference) read(f *frame, b []byte) (any, error) {
	if isMissing(b) {
		return nil, nil
	}
	if r.t.kinds == 0 || r.t.kinds.Has(kindOfJSON(b)) {
		if v, ok := decodeAs(b, r.t.node); ok {
			return v, nil
		}
		return nil, r.unreadable(f, b)
	}
	out, ok, err := convert(nil, b, &schema.Node{Types: r.t.kinds &^ schema.Null})
	if err != nil {
		return nil, r.unreadable(f, b)
	}
	if !ok {
		if b[0] == '"' { // "" where the schema has no text
			return nil, nil
		}
		return nil, r.unreadable(f, b)
	}
	v, ok := decode(out)
	if !ok {
		return nil, r.unreadable(f, b)
	}
	return v, nil
}

func (r *reference) unreadable(f *frame, b []byte) error {
	what := "a number of this size"
	if r.t.kinds != 0 {
		what = kindName(r.t.kinds &^ schema.Null)
	}
	return &failure{
		at: r.at, rule: "CW302", path: f.run.sourcePath(r.source),
		message: "`" + r.text + "` holds " + shorten(string(b)) + " in this event, and that is not " + what,
		hint:    "the source's schema says " + what,
	}
}

// let is a named value of a scope.
type let struct {
	name  string
	index int
	rule  rule
	t     typ
	// alias is the path that the name stands for, if it is nothing but a path.
	alias *aliasPath
	entry entry
	scope *scope
	// isLookup tells that it stands in `lookups`.
	isLookup bool
	state    int8 // 0 new, 1 being compiled, 2 compiled
	used     bool
	noted    []*noted // what it reads
	// compared is what all uses of it are compared with, keys the table that it is
	// the key of; for Reads.
	compared []string
	keys     *table
	counts   bool // it says how many there are to be
}

type aliasPath struct {
	scope    *scope
	segments []segment
}

// value returns the value, evaluated at most once for a frame.
func (l *let) value(f *frame) (any, error) {
	if t := f.run.trace; t != nil {
		return t.let(l, f)
	}
	return l.evaluate(f)
}

func (l *let) evaluate(f *frame) (any, error) {
	s := &f.lets[l.index]
	switch {
	case s.done:
		return s.value, s.err
	case s.truth.state == there:
		return s.truth.value, nil
	case s.answer != nil:
		s.value, s.done = raw{s.answer, l.t.node}, true
		return s.value, nil
	}
	v, err := l.rule.value(f)
	f.lets[l.index] = letState{done: true, value: v, err: err}
	return v, err
}

// failure is why one rule of an event failed.
type failure struct {
	at            span
	rule          string
	message, hint string
	path          string // source path
	field         string // sink field, with # for indexes; set by the rule
	final         bool   // field has its indexes
	// lookup tells that a lookup failed, which on_error never hides; pending that it
	// only has no answer yet.
	lookup, pending bool
	unfound         string // by a lookup, as in city or city.zone
	refusing        string // the lookup that refuses
	table, code     string // that has no row, if it has a name, and what for
}

func (e *failure) Error() string { return e.message }

func (r *run) sourcePath(s string) string { return fillIndexes(s, r.from) }

func fillIndexes(s string, indexes []int) string {
	for _, n := range indexes {
		if !strings.Contains(s, "#") {
			break
		}
		s = strings.Replace(s, "#", strconv.Itoa(n), 1)
	}
	return s
}

// diagnostic makes the public error of a failure.
func (e *failure) diagnostic(doc *document) diag.Diagnostic {
	return doc.diagnostic(diag.Error, e.rule, e.at, e.message, e.hint)
}
