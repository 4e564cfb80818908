package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// A regular expression takes time in proportion to its program's size and the
// text's, and a short one with repetitions can have a program of any size. These
// bounds hold for those of a mapping and for those that an event brings.
const (
	maxPattern = 1000
	maxProgram = 2000
)

// compileRegexp compiles a pattern within the bounds. The error is for a person.
func compileRegexp(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("it has %d bytes, and at most %d are allowed", len(pattern), maxPattern)
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("it cannot be compiled: %w", err)
	}
	if len(prog.Inst) > maxProgram {
		return nil, errors.New("its repetitions make it too large")
	}
	return regexp.Compile(pattern)
}
