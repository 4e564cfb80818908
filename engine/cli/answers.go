package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// lookupsEnding is how the files of samples' answers end.
const lookupsEnding = ".lookups.json"

// knownAnswers are the answers to lookups that a file holds, and those that were
// asked for.
type knownAnswers struct {
	file    string
	entries []knownAnswer
	index   map[string]int // of the entries, by the keys of their questions
	// live answers what the file does not; nil where nobody is asked.
	live *live
}

// knownAnswer is an entry of the file.
type knownAnswer struct {
	line               int
	connection, lookup string
	args               []byte // in the canonical way to write them
	answer             mapping.Answer
	asked              bool // by a mapping
}

// ref names the lookup.
func (a *knownAnswer) ref() string { return a.connection + "." + a.lookup }

// question writes an entry as a person reads it.
func (a *knownAnswer) question() string { return a.ref() + " " + string(a.args) }

// answersError is what is wrong with a file of answers.
type answersError struct {
	file    string
	line    int
	message string
}

// Error says what is wrong and where.
func (e *answersError) Error() string {
	return fmt.Sprintf("%s:%d: %s", project.Shown(e.file), e.line, e.message)
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
	text, err := project.ReadBounded("the answers of lookups", file, maxBodyBytes)
	if err != nil {
		return nil, err
	}
	if text, err = checkSyntax(file, text); err != nil {
		if broken, ok := errors.AsType[*brokenJSONError](err); ok {
			broken.problem += "; " + answersForm
		}
		return nil, err
	}
	k := &knownAnswers{file: file, index: map[string]int{}}
	lineAt := func(offset int64) int {
		return 1 + bytes.Count(text[:min(int(offset), len(text))], []byte("\n"))
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil {
		return nil, k.wrong(1, "%v", err)
	} else if t != json.Delim('[') {
		return nil, k.wrong(lineAt(dec.InputOffset()), "%s", answersForm)
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, k.wrong(lineAt(dec.InputOffset()), "%v", err)
		}
		if err := k.add(raw, lineAt(dec.InputOffset()-int64(len(raw)))); err != nil {
			return nil, err
		}
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
	k.keep(a)
	return nil
}

// keep adds an answer and gives its index.
func (k *knownAnswers) keep(a knownAnswer) int {
	if k.index == nil {
		k.index = map[string]int{}
	}
	i := len(k.entries)
	k.index[mapping.QuestionKey(a.connection, a.lookup, a.args)] = i
	k.entries = append(k.entries, a)
	return i
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

// save writes the entries to a file, as readAnswers reads them.
func (k *knownAnswers) save(file string) error {
	var b bytes.Buffer
	for i := range k.entries {
		a := &k.entries[i]
		before := ",\n "
		if i == 0 {
			before = "["
		}
		fmt.Fprintf(&b, "%s{\"lookup\": %q, \"args\": %s,\n  \"answer\": %s}", before, a.ref(), a.args, answerText(a.answer))
	}
	b.WriteString("]\n")
	if err := writeWhole(file, b.Bytes()); err != nil {
		return fmt.Errorf("the answers cannot be written to %s: %w", project.Shown(file), project.Bare(err))
	}
	return nil
}

// answerText writes an answer as answerOf reads it.
func answerText(a mapping.Answer) []byte {
	switch {
	case a.Refusal != nil && len(a.Refusal.Candidates) > 0:
		return fmt.Appendf(nil, `{"$ambiguous": [%s]}`, bytes.Join(a.Refusal.Candidates, []byte(", ")))
	case a.Refusal != nil:
		why, _ := json.Marshal(cmp.Or(a.Refusal.Message, "refused")) // a text always can be
		return fmt.Appendf(nil, `{"$refused": %s}`, why)
	case a.Found == nil:
		return []byte("null")
	}
	return a.Found
}

// check holds the entries against the schemas of the lookups that they name.
func (k *knownAnswers) check(ctx context.Context, p *project.Project) error {
	for i := range k.entries {
		a := &k.entries[i]
		s, err := p.Catalog.With(ctx).Lookup(a.connection, a.lookup)
		if nf, ok := errors.AsType[*mapping.NotFoundError](err); ok {
			return k.wrong(a.line, "%s", strings.TrimSuffix(nf.Error()+"; "+diag.Known(nf.Name, nf.Known), "; "))
		}
		if err != nil {
			return err
		}
		if s.Args != nil {
			for _, v := range s.Args.Validate(a.args) {
				return k.wrong(a.line, "%s.%s does not take these args: %s", a.connection, a.lookup, strings.Replace(v.String(), "the record ", "a question ", 1))
			}
		}
		if s.Answer != nil && a.answer.Found != nil {
			for _, v := range s.Answer.Validate(a.answer.Found) {
				return k.wrong(a.line, "%s.%s gives no such answer: %s", a.connection, a.lookup, strings.Replace(v.String(), "the record ", "an answer ", 1))
			}
		}
	}
	return nil
}

// of gives the answers that prog needs for an event.
func (k *knownAnswers) of(ctx context.Context, prog *mapping.Program, ev *mapping.Event) (mapping.Answers, error) {
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
			if !ok && k.live != nil {
				answer, err := k.live.ask(ctx, &q)
				if err != nil {
					return nil, err
				}
				i, ok = k.keep(knownAnswer{connection: q.Connection, lookup: q.Name, args: args, answer: answer}), true
			}
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
	where := "the mapping asks lookups, and nobody is asked here: ask the systems with --ask, or give --lookups FILE with an array that holds"
	if e.known.file != "" {
		where = project.Shown(e.known.file) + " does not answer what the mapping asks; add to its array"
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
			fmt.Fprintf(&b, "\n%s:%d answers %s, which is not asked", project.Shown(e.known.file), a.line, a.question())
		}
	}
	return b.String()
}
