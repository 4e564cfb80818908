package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"unicode"
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
		return nil, errors.New("it is no regular expression")
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, errors.New("it cannot be compiled")
	}
	if len(prog.Inst) > maxProgram {
		return nil, errors.New("its repetitions make it too large")
	}
	return regexp.Compile(unfolded(tree).String())
}

// unfolded writes letters whose case is ignored as sets of letters: the same
// expression, which the machine runs faster. A letter outside ASCII costs a search of
// the tables of Unicode for each character of a text otherwise.
func unfolded(tree *syntax.Regexp) *syntax.Regexp {
	for i, sub := range tree.Sub {
		tree.Sub[i] = unfolded(sub)
	}
	if tree.Op != syntax.OpLiteral || tree.Flags&syntax.FoldCase == 0 {
		return tree
	}
	all := &syntax.Regexp{Op: syntax.OpConcat, Flags: tree.Flags &^ syntax.FoldCase}
	for _, r := range tree.Rune {
		class := []rune{r, r}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			class = append(class, other, other)
		}
		one := &syntax.Regexp{Op: syntax.OpCharClass, Flags: all.Flags, Rune: class}
		if len(class) == 2 {
			one = &syntax.Regexp{Op: syntax.OpLiteral, Flags: all.Flags, Rune: []rune{r}}
		}
		all.Sub = append(all.Sub, one)
	}
	return all
}
