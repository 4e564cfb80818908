package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

// lookupsEnding is how the files of samples' answers end.
const lookupsEnding = ".lookups.json"

// knownAnswers are the answers to lookups that a file holds, for what is mapped
// without asking anybody.
type knownAnswers struct {
	file    string
	entries []knownAnswer
	index   map[string]int // of the entries, by the keys of their questions
}

// knownAnswer is an entry of the file.
type knownAnswer struct {
	line               int
	connection, lookup string
	args               []byte // in the canonical way to write them
	answer             mapping.Answer
	asked              bool // by a mapping
}

// question writes an entry as a person reads it.
func (a *knownAnswer) question() string { return a.connection + "." + a.lookup + " " + string(a.args) }

// answersError is what is wrong with a file of answers.
type answersError struct {
	file    string
	line    int
	message string
}

// Error says what is wrong and where.
func (e *answersError) Error() string {
	return fmt.Sprintf("%s:%d: %s", relative(e.file), e.line, e.message)
}

func (k *knownAnswers) wrong(line int, format string, args ...any) error {
	return &answersError{k.file, line, fmt.Sprintf(format, args...)}
}

// answersForm is what a file of answers holds.
const answersForm = `want a JSON array of {"lookup": "connection.lookup", "args": {…}, "answer": {…}}`

// readAnswers reads [{"lookup": "novaposhta.city", "args": {…}, "answer": {…}}]: an
// answer null is nothing found, {"$ambiguous": […]} several things, and
// {"$refused": "why"} a question that the other system does not take.
func readAnswers(file string) (*knownAnswers, error) {
	text, err := readBounded("the answers of lookups", file, maxBodyBytes)
	if err != nil {
		return nil, err
	}
	k := &knownAnswers{file: file, index: map[string]int{}}
	lineAt := func(offset int64) int {
		return 1 + bytes.Count(text[:min(int(offset), len(text))], []byte("\n"))
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	broken := func(err error) error {
		at := dec.InputOffset()
		if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, new(any))); ok {
			at, err = syntax.Offset, syntax
		}
		return k.wrong(lineAt(at), "%s: %v", answersForm, err)
	}
	if t, err := dec.Token(); err != nil {
		return nil, broken(err)
	} else if t != json.Delim('[') {
		return nil, k.wrong(lineAt(dec.InputOffset()), "%s", answersForm)
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, broken(err)
		}
		if err := k.add(raw, lineAt(dec.InputOffset()-int64(len(raw)))); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, broken(err)
	}
	if dec.More() {
		return nil, k.wrong(lineAt(dec.InputOffset()), "%s, and nothing after it", answersForm)
	}
	return k, nil
}

// add reads an entry.
func (k *knownAnswers) add(text json.RawMessage, line int) error {
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil || fields == nil {
		return k.wrong(line, "%s", answersForm)
	}
	for key := range fields {
		if key != "lookup" && key != "args" && key != "answer" {
			return k.wrong(line, "an entry has no key %q: there are lookup, args and answer", key)
		}
	}
	var name string
	_ = json.Unmarshal(fields["lookup"], &name) // what is no name is reported below
	a := knownAnswer{line: line}
	var named, isArgs bool
	a.connection, a.lookup, named = strings.Cut(name, ".")
	a.args, isArgs = canonical(fields["args"])
	if !named || !isArgs || fields["answer"] == nil {
		return k.wrong(line, `an entry must have "lookup" ("connection.lookup"), "args" (an object) and "answer" (an object, or null where nothing is found)`)
	}
	var ok bool
	if a.answer, ok = answerOf(fields["answer"]); !ok {
		return k.wrong(line, `the answer is neither an object nor null nor {"$ambiguous": [objects]} nor {"$refused": "why"}`)
	}
	key := mapping.QuestionKey(a.connection, a.lookup, a.args)
	if i, twice := k.index[key]; twice {
		return k.wrong(line, "the entry in line %d answers the same question", k.entries[i].line)
	}
	k.index[key] = len(k.entries)
	k.entries = append(k.entries, a)
	return nil
}

func answerOf(text json.RawMessage) (mapping.Answer, bool) {
	text = bytes.TrimSpace(text)
	if string(text) == "null" {
		return mapping.Answer{}, true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return mapping.Answer{}, false
	}
	list, ambiguous := fields["$ambiguous"]
	reason, refused := fields["$refused"]
	why := &mapping.Refusal{Ambiguous: ambiguous}
	switch {
	case !ambiguous && !refused:
		return mapping.Answer{Found: text}, true
	case len(fields) > 1:
		return mapping.Answer{}, false
	case refused:
		ok := json.Unmarshal(reason, &why.Message) == nil && why.Message != ""
		return mapping.Answer{Refusal: why}, ok
	}
	var candidates []map[string]json.RawMessage
	var raw []json.RawMessage
	if json.Unmarshal(list, &candidates) != nil || json.Unmarshal(list, &raw) != nil || len(raw) == 0 {
		return mapping.Answer{}, false
	}
	for _, c := range raw {
		why.Candidates = append(why.Candidates, c)
	}
	return mapping.Answer{Refusal: why}, true
}

// canonical writes a JSON object in one way: keys sorted, no white space.
func canonical(text []byte) ([]byte, bool) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v map[string]any
	if dec.Decode(&v) != nil || v == nil {
		return nil, false
	}
	out, err := json.Marshal(v)
	return out, err == nil
}

// check holds the entries against the schemas of the lookups that they name.
func (k *knownAnswers) check(ctx context.Context, p *project) error {
	for i := range k.entries {
		a := &k.entries[i]
		s, err := p.catalog.with(ctx).Lookup(a.connection, a.lookup)
		if nf, ok := errors.AsType[*mapping.NotFoundError](err); ok {
			hint := diag.DidYouMean(nf.Name, nf.Known)
			if hint == "" && len(nf.Known) > 0 {
				hint = "there are " + strings.Join(nf.Known, ", ")
			}
			return k.wrong(a.line, "%s", strings.TrimSuffix(nf.Error()+"; "+hint, "; "))
		}
		if err != nil {
			return err
		}
		if s.Args != nil {
			for _, v := range s.Args.Validate(a.args) {
				return k.wrong(a.line, "%s.%s does not take these args: %s", a.connection, a.lookup, v)
			}
		}
		if s.Answer != nil && a.answer.Found != nil {
			for _, v := range s.Answer.Validate(a.answer.Found) {
				return k.wrong(a.line, "%s.%s gives no such answer: %s", a.connection, a.lookup, v)
			}
		}
	}
	return nil
}

// of gives the answers that prog needs for an event.
func (k *knownAnswers) of(prog *mapping.Program, ev *mapping.Event) (mapping.Answers, error) {
	if prog.Lookups() == 0 {
		return nil, nil
	}
	answers := mapping.Answers{}
	for range prog.Lookups() + 1 {
		res, err := prog.MapWith(ev, answers, nil)
		if err != nil || len(res.Questions) == 0 {
			return answers, nil //nolint:nilerr // mapping with the answers gives the error again
		}
		missing := &unansweredError{known: k}
		for _, q := range res.Questions {
			args, _ := canonical(q.Args)
			i, ok := k.index[mapping.QuestionKey(q.Connection, q.Name, args)]
			if !ok {
				missing.questions = append(missing.questions, q)
				continue
			}
			k.entries[i].asked = true
			answers[q.Key()] = k.entries[i].answer
		}
		if len(missing.questions) > 0 {
			return nil, missing
		}
	}
	return answers, nil
}

// unasked says of each entry that no event asked for; nil if there is none.
func (k *knownAnswers) unasked() error {
	var errs []error
	for i := range k.entries {
		if a := &k.entries[i]; !a.asked {
			errs = append(errs, k.wrong(a.line, "the mapping does not ask %s: take the entry out, or correct it", a.question()))
		}
	}
	return errors.Join(errs...)
}

// unansweredError says that a mapping asks what no file answers.
type unansweredError struct {
	questions []mapping.Question
	known     *knownAnswers
}

// Error shows the JSON to add, and what the file answers of the same lookup.
func (e *unansweredError) Error() string {
	where := "the mapping asks lookups, and nobody is asked here: give --lookups FILE with an array that holds"
	if e.known.file != "" {
		where = relative(e.known.file) + " does not answer what the mapping asks; add to its array"
	}
	var b strings.Builder
	b.WriteString(where)
	seen := map[string]bool{}
	for i, q := range e.questions {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n  {\"lookup\": %q, \"args\": %s, \"answer\": null}", q.Connection+"."+q.Name, q.Args)
	}
	b.WriteString("\nwith the lookup's answer, or null where nothing is found")
	for _, q := range e.questions {
		for i := range e.known.entries {
			a := &e.known.entries[i]
			if a.connection != q.Connection || a.lookup != q.Name || a.asked || seen[a.question()] {
				continue
			}
			seen[a.question()] = true
			fmt.Fprintf(&b, "\n%s:%d answers %s, which is not asked", relative(e.known.file), a.line, a.question())
		}
	}
	return b.String()
}
