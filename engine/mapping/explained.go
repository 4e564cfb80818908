package mapping

// Explained is the JSON of an explained event: the event, the explanation, and what
// keeps it from being sent.
type Explained struct {
	Event ExplainedEvent `json:"event"`
	*Explanation
	// Errors is empty, and not null, where nothing keeps it.
	Errors []ExplainedError `json:"errors"`
}

// ExplainedEvent is what names the event.
type ExplainedEvent struct {
	ID         string `json:"id"`
	Connection string `json:"connection"`
	Type       string `json:"type"`
	Key        string `json:"key"`
}

// ExplainedError is a failure of the mapping (Rule is its rule id) or of the sink's
// schema (Rule is "").
type ExplainedError struct {
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Field   string `json:"field,omitempty"`
}

// ExplainEvent is ExplainWith, with what names the event and what the mapping says is
// wrong with it.
func (p *Program) ExplainEvent(ev *Event, answers Answers) (*Explained, error) {
	x, err := p.ExplainWith(ev, answers)
	if err != nil {
		return nil, err
	}
	out := &Explained{Event: ExplainedEvent{ev.ID, ev.Connection, ev.Type, ev.Key}, Explanation: x, Errors: []ExplainedError{}}
	if x.Err == nil {
		return out, nil
	}
	for _, one := range append([]*Error{x.Err}, x.Err.More...) {
		d := one.Diagnostic
		out.Errors = append(out.Errors, ExplainedError{
			Rule: d.Rule, Message: d.Message, Hint: d.Hint, Path: one.Path, Field: one.Field,
			File: d.Position.File, Line: d.Position.Line, Column: d.Position.Column,
		})
	}
	return out, nil
}
