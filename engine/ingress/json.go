package ingress

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may nest.
const maxDepth = 64

// JSONError says where a document breaks RFC 8259, and how.
type JSONError struct {
	// Line and Column count from 1, columns in characters.
	Line, Column int
	Problem      string
}

// Error gives the place and the problem.
func (e *JSONError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// CheckJSON holds data against RFC 8259: one value in UTF-8, nesting no deeper
// than 64. The error is a *JSONError, which calls data what says, such as "body"; its
// lines and columns count behind a byte order mark. A byte order mark before it is passed over, as section 8.1
// allows. Names that stand twice in an object are no error. It allocates nothing
// for a document that is in order.
func CheckJSON(what string, data []byte) error {
	s := scanner{what: what, data: data}
	if bytes.HasPrefix(data, []byte("\xFF\xFE")) || bytes.HasPrefix(data, []byte("\xFE\xFF")) {
		return s.fail("the " + what + " is UTF-16, not UTF-8")
	}
	if bytes.HasPrefix(data, []byte("\xEF\xBB\xBF")) {
		s.at, s.start = 3, 3
	}
	if s.space(); s.at == len(data) {
		return s.fail("there is no value, only the end of the " + s.what)
	}
	if err := s.value(0); err != nil {
		return err
	}
	if s.space(); s.at < len(data) {
		return s.unexpected("behind the end of the document")
	}
	return nil
}

type scanner struct {
	// what is how the document is called.
	what string
	data []byte
	at   int
	// start is where the document begins.
	start int
}

func (s *scanner) fail(problem string) error {
	before := s.data[s.start:min(s.at, len(s.data))]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return &JSONError{
		Line: bytes.Count(before, []byte{'\n'}) + 1, Column: utf8.RuneCount(before[lineStart:]) + 1, Problem: problem,
	}
}

// unexpected is an error about the character at hand; where says what was wanted
// or where it stands.
func (s *scanner) unexpected(where string) error {
	if s.at >= len(s.data) {
		return s.fail("the " + s.what + " ends " + where)
	}
	r, size := utf8.DecodeRune(s.data[s.at:])
	switch {
	case r == utf8.RuneError && size == 1:
		return s.notUTF8()
	case r < ' ' || r == 0x7f:
		return s.fail(fmt.Sprintf("unexpected control character U+%04X %s", r, where))
	}
	return s.fail(fmt.Sprintf("unexpected %q %s", r, where))
}

func (s *scanner) notUTF8() error {
	return s.fail(fmt.Sprintf("the byte 0x%02X is not UTF-8", s.data[s.at]))
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// peek is the byte at hand, 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *scanner) value(depth int) error {
	s.space()
	switch c := s.peek(); {
	case c == '{' || c == '[':
		if depth == maxDepth {
			return s.fail(fmt.Sprintf("arrays and objects nest deeper than %d", maxDepth))
		}
		s.at++
		if c == '{' {
			return s.object(depth + 1)
		}
		return s.array(depth + 1)
	case c == '"':
		return s.text()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return s.unexpected("where a value should begin")
}

func (s *scanner) object(depth int) error {
	if s.space(); s.peek() == '}' {
		s.at++
		return nil
	}
	for {
		if s.space(); s.peek() != '"' {
			return s.unexpected("where a name in quotes should begin")
		}
		if err := s.text(); err != nil {
			return err
		}
		if s.space(); s.peek() != ':' {
			return s.unexpected("where a colon should follow the name")
		}
		s.at++
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.at++
		case '}':
			s.at++
			return nil
		default:
			return s.unexpected("where a comma or } should follow")
		}
	}
}

func (s *scanner) array(depth int) error {
	if s.space(); s.peek() == ']' {
		s.at++
		return nil
	}
	for {
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.at++
		case ']':
			s.at++
			return nil
		default:
			return s.unexpected("where a comma or ] should follow")
		}
	}
}

func (s *scanner) text() error {
	for s.at++; s.at < len(s.data); {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c == '\\':
			s.at++
			if err := s.escape(); err != nil {
				return err
			}
		case c < ' ':
			return s.unexpected("in a text: it must be escaped")
		case c < utf8.RuneSelf:
			s.at++
		default:
			r, size := utf8.DecodeRune(s.data[s.at:])
			if r == utf8.RuneError && size == 1 {
				return s.notUTF8()
			}
			s.at += size
		}
	}
	return s.unexpected("inside a text in quotes")
}

// escape reads what follows a backslash.
func (s *scanner) escape() error {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return nil
	case 'u':
		s.at++
		for range 4 {
			if unhex(s.peek()) < 0 {
				return s.unexpected(`where \u needs four hexadecimal digits`)
			}
			s.at++
		}
		return nil
	}
	return s.unexpected("behind a backslash")
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		if s.at++; s.peek() >= '0' && s.peek() <= '9' {
			return s.unexpected("behind a leading zero")
		}
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.peek() == '.' {
		s.at++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.peek() == 'e' || s.peek() == 'E' {
		if s.at++; s.peek() == '+' || s.peek() == '-' {
			s.at++
		}
		return s.digits()
	}
	return nil
}

func (s *scanner) digits() error {
	first := s.at
	for s.peek() >= '0' && s.peek() <= '9' {
		s.at++
	}
	if s.at == first {
		return s.unexpected("where a number needs a digit")
	}
	return nil
}

func (s *scanner) word(word string) error {
	for i := range len(word) {
		if s.peek() != word[i] {
			return s.unexpected("in the word " + word)
		}
		s.at++
	}
	return nil
}
