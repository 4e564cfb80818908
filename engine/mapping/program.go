package mapping

import (
	"errors"
	"sync"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Program is a compiled mapping. It is immutable and safe for concurrent use.
type Program struct {
	name, description, sha256 string
	lookups                   int
	from                      []Ref
	to                        Ref

	doc    *document // for the positions of what goes wrong with an event
	scope  *scope
	when   rule
	record *objectRule

	reads []Read
	// answered are the lookups with what is read of their answers.
	answered []Answered
	// readsID tells whether _meta.id is read.
	readsID bool
	accepts []Accept
	runs    sync.Pool

	tables map[string]*table
	sites  func() *sites // where the rules stand; made when it is first asked for
}

// Name returns the mapping's name.
func (p *Program) Name() string { return p.name }

// Description returns what the mapping says of itself, or "".
func (p *Program) Description() string { return p.description }

// From returns the events that the mapping takes, at least one.
func (p *Program) From() []Ref { return p.from }

// To returns the operation that the mapping's records go to.
func (p *Program) To() Ref { return p.to }

// SHA256 returns the hex digest of the file's text, and of its tables' files.
func (p *Program) SHA256() string { return p.sha256 }

// Lookups counts the lookups that the mapping declares. An event is mapped after
// at most as many rounds of questions.
func (p *Program) Lookups() int { return p.lookups }

// Map makes the sink's record of an event, appended to buf. The error is an
// *Error: the event cannot be mapped, and trying again will not help. An event that
// needs answers to lookups is such an error too. Map keeps neither the event nor
// the buffer.
func (p *Program) Map(ev *Event, buf []byte) (Result, error) {
	res, err := p.MapWith(ev, nil, buf)
	if err == nil && len(res.Questions) > 0 {
		return Result{Record: buf}, p.unanswered(res.Questions[0])
	}
	return res, err
}

// MapWith is Map with what is known of the mapping's lookups. As long as answers
// are missing it gives the questions, all that can be known already: call it again
// with the answers to these too. After Lookups rounds at the latest there are none.
func (p *Program) MapWith(ev *Event, answers Answers, buf []byte) (Result, error) {
	return p.run(ev, answers, buf, nil)
}

func (p *Program) run(ev *Event, answers Answers, buf []byte, t *trace) (res Result, err error) {
	r, ok := p.runs.Get().(*run)
	if !ok {
		r = &run{}
	}
	r.program, r.event, r.answers, r.trace = p, ev, answers, t
	defer func() {
		if recover() != nil { // one event must not end the engine; r is not used again
			res = Result{Record: buf}
			err = &Error{Diagnostic: p.doc.diagnostic(diag.Error, "CW300", span{},
				"this event met a fault of Crosswalk itself in mapping `"+p.name+"`", "please report it, with the mapping and the event")}
			return
		}
		res.Work = r.work
		r.reset()
		p.runs.Put(r)
	}()
	f := r.enter(p.scope, nil, ev.Record)
	defer r.leave(f)
	if p.when != nil {
		yes, err := condition(p.when, f, span{})
		if len(r.questions) > 0 {
			return Result{Record: buf, Questions: r.questions}, nil
		}
		if err != nil {
			return Result{Record: buf}, p.failed(r, err)
		}
		if !yes {
			return Result{Record: buf, Skipped: true}, nil
		}
	}
	out, _, err := p.record.write(f, buf)
	if len(r.questions) > 0 {
		return Result{Record: buf, Questions: r.questions}, nil
	}
	if err != nil || len(r.failures) > 0 {
		return Result{Record: buf}, p.failed(r, err)
	}
	return Result{Record: out}, nil
}

// failed makes the error of an event from the failures of its rules.
func (p *Program) failed(r *run, err error) error {
	if err != nil {
		r.fail(err, "")
	}
	list := make(diag.List, 0, len(r.failures))
	by := map[diag.Diagnostic]*failure{}
	for _, e := range r.failures {
		d := e.diagnostic(p.doc)
		if by[d] == nil {
			list = append(list, d)
			by[d] = e
		}
	}
	var first *Error
	for _, d := range list.Compact() {
		f := by[d]
		e := &Error{Diagnostic: d, Path: f.path, Field: f.field, Unfound: f.unfound, Refusing: f.refusing, Table: f.table, Code: f.code}
		if first == nil {
			first = e
		} else {
			first.More = append(first.More, e)
		}
	}
	if first == nil {
		return errors.New("mapping failed without a reason")
	}
	return first
}
