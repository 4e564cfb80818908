package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// lookupRule is a question to another system; its value is the answer.
type lookupRule struct {
	at       span
	name     string // in the mapping
	ref      Ref
	when     rule
	args     []argument // by name
	cacheFor time.Duration
	answer   *schema.Node
}

type argument struct {
	name string
	key  []byte // "name":
	rule rule
}

func (l *lookupRule) write(f *frame, dst []byte) ([]byte, bool, error) {
	v, err := l.value(f)
	if err != nil || v == nil {
		return dst, false, err
	}
	return appendJSON(dst, v), true, nil
}

// value returns the answer, nil if there is none.
func (l *lookupRule) value(f *frame) (any, error) {
	found, err := l.find(f)
	if err != nil || found == nil {
		return nil, err
	}
	return raw{found, l.answer}, nil
}

// find returns the answer, nil if the question is not asked or nothing was found.
// While the answer is not known it is a failure that nothing hides, and the
// question is noted.
func (l *lookupRule) find(f *frame) ([]byte, error) {
	r := f.run
	buf := r.buffer()
	defer func() { r.release(buf) }()
	buf = append(append(append(append(buf, l.ref.Connection...), '.'), l.ref.Name...), ' ')
	begin := len(buf)
	buf, asked, _, err := l.arguments(f, buf)
	if err != nil || !asked {
		return nil, err
	}
	answer, ok := r.answers[string(buf)] // the question's key
	switch {
	case !ok:
		args := bytes.Clone(buf[begin:])
		r.ask(string(buf), Question{Lookup: l.name, Connection: l.ref.Connection, Name: l.ref.Name, Args: args, CacheFor: l.cacheFor, at: l.at})
		return nil, &failure{
			at: l.at, rule: "CW312", lookup: true, pending: true,
			message: l.called() + " has no answer yet",
		}
	case answer.Refusal != nil:
		return nil, l.refused(buf[begin:], answer.Refusal)
	case len(answer.Found) == 0:
		return nil, nil
	case !answer.object && !isObject(answer.Found):
		return nil, &failure{
			at: l.at, rule: "CW313", lookup: true,
			message: l.called() + " gave an answer that is no JSON object, for " + string(buf[begin:]),
			hint:    "this is a fault of the plugin",
		}
	}
	return answer.Found, nil
}

// arguments appends the question's arguments. It is not asked if its when is false,
// or if missing names an argument that is not there.
func (l *lookupRule) arguments(f *frame, dst []byte) (args []byte, asked bool, missing string, err error) {
	r := f.run
	if l.when != nil {
		if yes, err := condition(l.when, f, l.at); err != nil || !yes {
			return dst, false, "", err
		}
	}
	args = append(dst, '{')
	for i := range l.args {
		a := &l.args[i]
		if i > 0 {
			args = append(args, ',')
		}
		args = append(args, a.key...)
		begin := len(args)
		failures := len(r.failures)
		out, ok, err := a.rule.write(f, args)
		if err == nil && len(r.failures) > failures {
			err = r.failures[failures]
		}
		r.failures = r.failures[:min(failures, len(r.failures))]
		if err != nil {
			return dst, false, "", err
		}
		value := out[begin:]
		if !ok || string(value) == `""` || string(value) == "null" {
			return dst, false, a.name, nil
		}
		args = out
		if bytes.IndexByte(value, '\\') >= 0 { // one text, one way to write it
			if v, ok := decode(bytes.Clone(value)); ok {
				args = appendJSON(args[:begin], v)
			}
		}
	}
	return append(args, '}'), true, "", nil
}

// buffer lends a piece of scratch memory; lookups need some while their arguments
// need others.
func (r *run) buffer() []byte {
	if n := len(r.buffers); n > 0 {
		b := r.buffers[n-1]
		r.buffers = r.buffers[:n-1]
		return b
	}
	return make([]byte, 0, 512)
}

// release takes a buffer back.
func (r *run) release(b []byte) {
	if cap(b) <= 1<<16 {
		r.buffers = append(r.buffers, b[:0])
	}
}

// answerText returns a text of a lookup's answer as it stands there; ok is false
// for everything that has to be computed.
func (r *reference) answerText(f *frame) (b []byte, ok bool) {
	if r.inAnswer == nil || f.run.trace != nil {
		return nil, false
	}
	answer, err := r.let.answer(f.above(r.up))
	if err != nil || len(answer) == 0 {
		return nil, false
	}
	slots := f.run.slots[:]
	slots[0] = nil
	r.inAnswer.scan(answer, slots, 1)
	b = slots[0]
	return b, len(b) > len(`""`) && b[0] == '"'
}

// answer returns what evaluating a lookup gives, without a value around it.
func (l *let) answer(f *frame) ([]byte, error) {
	s := &f.lets[l.index]
	if !s.done && s.answer == nil {
		question, ok := l.rule.(*lookupRule)
		if !ok {
			return nil, errNoFrame
		}
		if s.answer, s.err = question.find(f); s.answer == nil {
			s.done = true
		}
	}
	if in, ok := s.value.(raw); ok {
		return in.json, nil
	}
	return s.answer, s.err
}

func (l *lookupRule) called() string { return "lookup `" + l.name + "` (" + l.ref.String() + ")" }

// shortArgs are a question's arguments for a message: none of their texts is longer
// than a message shows.
func shortArgs(args []byte) string {
	var b strings.Builder
	gjson.ParseBytes(args).ForEach(func(key, v gjson.Result) bool {
		before := ","
		if b.Len() == 0 {
			before = "{"
		}
		raw := v.Raw
		if short := shorten(v.Str); v.Type == gjson.String && short != v.Str {
			raw = string(appendString(nil, short))
		}
		b.WriteString(before + key.Raw + ":" + raw)
		return true
	})
	if b.Len() == 0 {
		return string(args)
	}
	return b.String() + "}"
}

// maxCandidates is how many candidates a message names.
const maxCandidates = 5

func (l *lookupRule) refused(args []byte, why *Refusal) error {
	e := &failure{at: l.at, rule: "CW315", lookup: true, refusing: l.name, message: l.called() + " refuses " + shortArgs(args)}
	if why.Ambiguous {
		e.rule, e.message = "CW314", l.called()+" finds several for "+shortArgs(args)
		e.hint = "give the lookup an argument that tells them apart, or correct the order in its source"
	}
	if why.Message != "" {
		e.message += ": " + strings.TrimSuffix(why.Message, ".")
	}
	if len(why.Candidates) > 0 && !named(why) {
		var names []string
		for _, c := range why.Candidates[:min(len(why.Candidates), maxCandidates)] {
			names = append(names, candidate(c))
		}
		if more := len(why.Candidates) - maxCandidates; more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		are := "; there are "
		if len(names) == 1 {
			are = "; there is "
		}
		e.message += are + strings.Join(names, "; ")
	}
	return e
}

// candidate writes a candidate for people: its texts and numbers, but no ids that
// are a code only.
func candidate(c []byte) string {
	parts := candidateParts(c)
	if len(parts) == 0 {
		return shorten(string(c))
	}
	return strings.Join(parts, ", ")
}

// named tells whether the other system's message names the candidates itself.
func named(why *Refusal) bool {
	for _, c := range why.Candidates[:min(len(why.Candidates), 2)] {
		parts := candidateParts(c)
		if len(parts) == 0 || slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(why.Message, p) }) {
			return false
		}
	}
	return true
}

func candidateParts(c []byte) []string {
	var parts []string
	gjson.ParseBytes(c).ForEach(func(key, v gjson.Result) bool {
		if v.Type == gjson.String && v.Str != "" && !strings.HasSuffix(strings.ToLower(key.Str), "ref") || v.Type == gjson.Number {
			parts = append(parts, v.String())
		}
		return true
	})
	return parts
}

// ask notes a question, once.
func (r *run) ask(key string, q Question) {
	if _, asked := r.asked[key]; asked {
		return
	}
	if r.asked == nil {
		r.asked = map[string]struct{}{}
	}
	r.asked[key] = struct{}{}
	r.questions = append(r.questions, q)
}

// missingLookup says which lookup left a rule without a value, and why; "" if none
// did. unfound is what was asked for in vain, as in city or city.zone; "" if
// nothing was.
func missingLookup(of rule, f *frame) (story, unfound string) {
	switch of := of.(type) {
	case *guarded:
		return missingLookup(of.inner, f)
	case *scalarRule:
		refs := []*reference{of.ref}
		if of.prog != nil {
			refs = of.prog.refs
		}
		for _, ref := range refs {
			if ref == nil || ref.let == nil {
				continue
			}
			at := f.above(ref.up)
			if l, ok := ref.let.rule.(*lookupRule); ok {
				story, unfound = l.story(at, ref)
			} else {
				story, unfound = missingLookup(ref.let.rule, at)
			}
			if story != "" {
				return story, unfound
			}
		}
	}
	return "", ""
}

// deepSource is firstSource through named values.
func deepSource(of rule) string {
	if path := firstSource(of); path != "" {
		return path
	}
	s, ok := of.(*scalarRule)
	if !ok {
		return ""
	}
	ref := s.ref
	if s.prog != nil && len(s.prog.refs) > 0 {
		ref = s.prog.refs[0]
	}
	if ref == nil || ref.let == nil {
		return ""
	}
	return deepSource(ref.let.rule)
}

// story says why a lookup gives nothing for what ref reads, and what was
// asked for in vain.
func (l *lookupRule) story(f *frame, ref *reference) (told, unfound string) {
	args, asked, missing, err := l.arguments(f, nil)
	switch {
	case err != nil:
		return "", ""
	case missing != "":
		because := "its argument `" + missing + "` is missing"
		for i := range l.args {
			if l.args[i].name != missing {
				continue
			}
			inner, lacking := missingLookup(l.args[i].rule, f)
			if inner != "" {
				because += ": " + inner
				unfound = lacking
			} else if path := deepSource(l.args[i].rule); path != "" {
				because += ": `" + f.run.sourcePath(path) + "` gives none"
			}
		}
		return l.called() + " was not asked, because " + because, unfound
	case !asked:
		return l.called() + " was not asked, because its `when` is false", ""
	}
	answer := f.run.answers[QuestionKey(l.ref.Connection, l.ref.Name, args)]
	switch {
	case answer.Refusal != nil:
		return "", ""
	case len(answer.Found) == 0:
		return l.called() + " found nothing for " + string(args), l.name
	case ref.rest != "" && isMissing([]byte(gjson.GetBytes(answer.Found, ref.rest).Raw)):
		return "the answer of " + l.called() + " to " + string(args) + " has no `" + ref.rest + "`", l.name + "." + ref.rest
	}
	return "", ""
}

// unanswered makes the error of a Map without answers.
func (p *Program) unanswered(q Question) error {
	return &Error{Diagnostic: p.doc.diagnostic(diag.Error, "CW312", q.at,
		"lookup `"+q.Lookup+"` ("+q.Connection+"."+q.Name+") has no answer here for "+string(q.Args),
		"the mapping is run without answers to its lookups")}
}
