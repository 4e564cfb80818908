package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// lookingUp answers the questions of lanes by the connections that they name.
type lookingUp struct{ links map[string]*link }

// Find asks a connection's lookup.
func (l lookingUp) Find(ctx context.Context, connection, lookup string, questions []wire.Question, each func(wire.Answer)) error {
	to := l.links[connection]
	if to == nil { // the compiler has seen it in the configuration
		return fmt.Errorf("there is no connection %s", connection)
	}
	return to.Find(ctx, lookup, questions, each)
}

// Find lets the plugin answer questions; while it is not there they are to be
// asked again.
func (l *link) Find(ctx context.Context, lookup string, questions []wire.Question, each func(wire.Answer)) error {
	if conn := l.conn.Load(); conn != nil {
		return conn.Find(ctx, lookup, questions, each)
	}
	for _, q := range questions {
		each(wire.Answer{Index: q.Index, Failure: &wire.Failure{
			Class: wire.Transient, Code: "plugin_down", Message: errNotOpen.Error(),
		}})
	}
	return nil
}

// knownAnswers are the answers to lookups that a file holds, for what is mapped
// without asking anybody.
type knownAnswers struct {
	file  string
	known map[string]mapping.Answer
}

// lookupsEnding is how the files of sample's answers end.
const lookupsEnding = ".lookups.json"

// readAnswers reads [{"lookup": "novaposhta.city", "args": {…}, "answer": {…}}]: an
// answer null is nothing found, and {"$ambiguous": […]} several things.
func readAnswers(file string) (*knownAnswers, error) {
	text, err := readBounded("the answers of lookups", file, maxBodyBytes)
	if err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", relative(file), fmt.Sprintf(format, args...))
	}
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, bad(`want a JSON array of {"lookup": "connection.lookup", "args": {…}, "answer": {…}}: %v`, err)
	}
	out := &knownAnswers{file: file, known: map[string]mapping.Answer{}}
	for i, e := range entries {
		var name string
		_ = json.Unmarshal(e["lookup"], &name) // what is no name is reported below
		for key := range e {
			if key != "lookup" && key != "args" && key != "answer" {
				return nil, bad("entry %d has the key %q: there are lookup, args and answer", i+1, key)
			}
		}
		connection, lookup, ok := strings.Cut(name, ".")
		args, isArgs := canonical(e["args"])
		if !ok || !isArgs || e["answer"] == nil {
			return nil, bad(`entry %d must have "lookup" ("connection.lookup"), "args" (an object) and "answer" (an object, or null where nothing is found)`, i+1)
		}
		answer, ok := answerOf(e["answer"])
		if !ok {
			return nil, bad(`the answer of entry %d is neither an object nor null nor {"$ambiguous": [objects]}`, i+1)
		}
		key := mapping.QuestionKey(connection, lookup, args)
		if _, twice := out.known[key]; twice {
			return nil, bad("entry %d asks what an entry before it asks", i+1)
		}
		out.known[key] = answer
	}
	return out, nil
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
	if !ambiguous {
		return mapping.Answer{Found: text}, true
	}
	var candidates []json.RawMessage
	if len(fields) > 1 || json.Unmarshal(list, &candidates) != nil {
		return mapping.Answer{}, false
	}
	why := &mapping.Refusal{Ambiguous: true}
	for _, c := range candidates {
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

// unansweredError says that a mapping asks what no file answers.
type unansweredError struct {
	questions []mapping.Question
	file      string
}

// Error shows the JSON to add.
func (e *unansweredError) Error() string {
	where := "there are no answers to lookups here: give --lookups FILE with"
	if e.file != "" {
		where = relative(e.file) + " does not answer what the mapping asks; add"
	}
	var b strings.Builder
	b.WriteString(where)
	for i, q := range e.questions {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n  {\"lookup\": %q, \"args\": %s, \"answer\": null}", q.Connection+"."+q.Name, q.Args)
	}
	b.WriteString("\nin its array (null: nothing is found)")
	return b.String()
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
		missing := &unansweredError{file: k.file}
		for _, q := range res.Questions {
			args, _ := canonical(q.Args)
			a, ok := k.known[mapping.QuestionKey(q.Connection, q.Name, args)]
			if !ok {
				missing.questions = append(missing.questions, q)
				continue
			}
			answers[q.Key()] = a
		}
		if len(missing.questions) > 0 {
			return nil, missing
		}
	}
	return answers, nil
}
