package mapping

import (
	"errors"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Program is a compiled mapping. It is immutable and safe for concurrent use.
type Program struct {
	name, description, sha256 string
	from                      []Ref
	to                        Ref
}

// Name returns the mapping's name.
func (p *Program) Name() string { return p.name }

// Description returns what the mapping says of itself, or "".
func (p *Program) Description() string { return p.description }

// From returns the events that the mapping takes, at least one.
func (p *Program) From() []Ref { return p.from }

// To returns the operation that the mapping's records go to.
func (p *Program) To() Ref { return p.to }

// SHA256 returns the hex digest of the file's text.
func (p *Program) SHA256() string { return p.sha256 }

// Compile checks the text of a mapping file and compiles it. It reports all that
// it finds, sorted by position; the Program is nil if and only if there are errors.
func Compile(file string, text []byte, cat Catalog) (*Program, diag.List) {
	_, _ = text, cat
	return nil, diag.List{{Rule: "CW100", Message: "the compiler is not there yet", Position: diag.Position{File: file}}}
}

// Map makes the sink's record of an event, appended to buf. The error is an
// *Error: the event cannot be mapped, and trying again will not help.
func (p *Program) Map(ev *Event, buf []byte) (Result, error) {
	_ = ev
	return Result{Record: buf}, errors.New("the compiler is not there yet")
}
