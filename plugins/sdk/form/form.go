// Package form turns the fields of a form body, or of a query, into one JSON
// object, the way that PHP and the vendors' documents name them:
//
//	data[contacts][0][fName]=Олена   {"data":{"contacts":[{"fName":"Олена"}]}}
//	tags[]=a&tags[]=b                {"tags":["a","b"]}
//	customer.phones.0.number=1       {"customer":{"phones":[{"number":"1"}]}}
//
// All values are text. PHP's rules hold where they lose nothing: numbers from 0
// without a gap make an array, other numbers (payments[4326]) are an object's
// names. Where PHP would drop, rename or overwrite something, the body is refused
// and the field named: two different values for one name, a name that is both a
// value and a group, brackets that do not close, files.
package form

import (
	"encoding/json"
	"fmt"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of one body.
const (
	// MaxDepth is how many parts a name may have.
	MaxDepth = 32
	// MaxFields is how many fields there may be.
	MaxFields = 10_000
	// maxNodes bounds what all names together make.
	maxNodes = 100_000
)

// Pair is one field.
type Pair struct{ Name, Value string }

// The codes of an Error.
const (
	CodeCharset   = "charset"   // the body or a field is not UTF-8
	CodeEncoding  = "encoding"  // the body does not follow its content type
	CodeName      = "name"      // a field's name cannot be read
	CodeConflict  = "conflict"  // two fields cannot both be there
	CodeTooLarge  = "too_large" // more fields or deeper names than the bounds allow
	CodeFile      = "file"      // a field is a file
	CodeMediaType = "media_type"
)

// Error says why a form cannot be read.
type Error struct {
	// Code is one of this package's codes.
	Code string
	// Field is the field's name as it came, shortened; "" where it is about none.
	Field string
	// Message is one sentence, without the field's value.
	Message string
}

// Error gives the field and the message.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return fmt.Sprintf("field `%s`: %s", e.Field, e.Message)
}

// Decode turns a body of type application/x-www-form-urlencoded or
// multipart/form-data into a JSON object. Errors are of type *Error.
func Decode(contentType string, body []byte) (json.RawMessage, error) {
	pairs, err := Parse(contentType, body)
	if err != nil {
		return nil, err
	}
	return Nest(pairs)
}

// Parse gives the fields of a body in their order.
func Parse(contentType string, body []byte) ([]Pair, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, &Error{Code: CodeMediaType, Message: "the Content-Type header cannot be read"}
	}
	if err := checkCharset(params["charset"]); err != nil {
		return nil, err
	}
	switch mediaType {
	case "application/x-www-form-urlencoded":
		return Values(string(body))
	case "multipart/form-data":
		return multipartPairs(body, params["boundary"])
	}
	return nil, &Error{Code: CodeMediaType, Message: fmt.Sprintf("the body is %s, want application/x-www-form-urlencoded or multipart/form-data", shorten(mediaType))}
}

func checkCharset(name string) error {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "utf-8", "utf8", "us-ascii":
		return nil
	}
	return &Error{Code: CodeCharset, Message: fmt.Sprintf("the body's charset is %s: send UTF-8", shorten(name))}
}

// checkText refuses what is not UTF-8.
func checkText(p Pair) error {
	if !utf8.ValidString(p.Name) {
		return &Error{Code: CodeCharset, Field: shorten(p.Name), Message: "the name is not UTF-8: send the body in UTF-8"}
	}
	if !utf8.ValidString(p.Value) {
		return &Error{Code: CodeCharset, Field: shorten(p.Name), Message: "the value is not UTF-8 (Windows-1251, perhaps): send the body in UTF-8"}
	}
	return nil
}

// shorten makes a sender's text fit for a message of one line.
func shorten(s string) string {
	const limit = 80
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	if len(s) <= limit {
		return s
	}
	cut := limit
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
