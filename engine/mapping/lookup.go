package mapping

import (
	"bytes"
	"fmt"
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
	rule rule
}

func (l *lookupRule) write(f *frame, dst []byte) ([]byte, bool, error) {
	v, err := l.value(f)
	if err != nil || v == nil {
		return dst, false, err
	}
	return appendJSON(dst, v), true, nil
}

// value returns the answer, nil if the question is not asked or nothing was found.
// While the answer is not known it is a failure that nothing hides, and the
// question is noted.
func (l *lookupRule) value(f *frame) (any, error) {
	args, _, err := l.arguments(f)
	if err != nil || args == nil {
		return nil, err
	}
	q := Question{Lookup: l.name, Connection: l.ref.Connection, Name: l.ref.Name, Args: args, CacheFor: l.cacheFor, at: l.at}
	key := q.Key()
	answer, ok := f.run.answers[key]
	switch {
	case !ok:
		f.run.ask(key, q)
		return nil, &failure{
			at: l.at, rule: "CW312", lookup: true, pending: true,
			message: l.called() + " has no answer yet",
		}
	case answer.Refusal != nil:
		return nil, l.refused(args, answer.Refusal)
	case len(answer.Found) == 0:
		return nil, nil
	case answer.Found[0] != '{' || !gjson.ValidBytes(answer.Found):
		return nil, &failure{
			at: l.at, rule: "CW313", lookup: true,
			message: l.called() + " gave an answer that is no JSON object, for " + string(args),
			hint:    "this is a fault of the plugin",
		}
	}
	return raw{answer.Found, l.answer}, nil
}

// arguments returns the question's arguments. It is not asked if they are nil: its
// when is false, or missing names an argument that is not there.
func (l *lookupRule) arguments(f *frame) (args []byte, missing string, err error) {
	r := f.run
	if l.when != nil {
		if yes, err := condition(l.when, f, l.at); err != nil || !yes {
			return nil, "", err
		}
	}
	args = []byte{'{'}
	for i := range l.args {
		a := &l.args[i]
		failures := len(r.failures)
		value, ok, err := a.rule.write(f, nil)
		if err == nil && len(r.failures) > failures {
			err = r.failures[failures]
		}
		r.failures = r.failures[:min(failures, len(r.failures))]
		if err != nil {
			return nil, "", err
		}
		if !ok || string(value) == `""` || string(value) == "null" {
			return nil, a.name, nil
		}
		if bytes.IndexByte(value, '\\') >= 0 { // one text, one way to write it
			if v, ok := decode(value); ok {
				value = appendJSON(nil, v)
			}
		}
		if i > 0 {
			args = append(args, ',')
		}
		args = append(append(appendString(args, a.name), ':'), value...)
	}
	return append(args, '}'), "", nil
}

func (l *lookupRule) called() string { return "lookup `" + l.name + "` (" + l.ref.String() + ")" }

// maxCandidates is how many candidates a message names.
const maxCandidates = 5

func (l *lookupRule) refused(args []byte, why *Refusal) error {
	e := &failure{at: l.at, rule: "CW315", lookup: true, message: l.called() + " refuses " + string(args)}
	if why.Ambiguous {
		e.rule, e.message = "CW314", l.called()+" finds several for "+string(args)
		e.hint = "give the lookup an argument that tells them apart, or correct the order in its source"
	}
	if why.Message != "" {
		e.message += ": " + strings.TrimSuffix(why.Message, ".")
	}
	if len(why.Candidates) > 0 {
		var names []string
		for _, c := range why.Candidates[:min(len(why.Candidates), maxCandidates)] {
			names = append(names, candidate(c))
		}
		if more := len(why.Candidates) - maxCandidates; more > 0 {
			names = append(names, fmt.Sprintf("%d more", more))
		}
		e.message += "; there are " + strings.Join(names, "; ")
	}
	return e
}

// candidate writes a candidate for people: its texts and numbers, but no ids that
// are a code only.
func candidate(c []byte) string {
	var parts []string
	gjson.ParseBytes(c).ForEach(func(key, v gjson.Result) bool {
		if v.Type == gjson.String && v.Str != "" && !strings.HasSuffix(strings.ToLower(key.Str), "ref") || v.Type == gjson.Number {
			parts = append(parts, v.String())
		}
		return true
	})
	if len(parts) == 0 {
		return shorten(string(c))
	}
	return strings.Join(parts, ", ")
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
	args, missing, err := l.arguments(f)
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
	case args == nil:
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
