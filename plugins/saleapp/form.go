package main

import (
	"crypto/rand"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"
)

// verb is the form field method_type. HTTP's own method is always POST.
type verb string

const (
	verbGet    verb = "GET"
	verbPost   verb = "POST"
	verbPut    verb = "PUT"
	verbDelete verb = "DELETE"
)

// form is a request's fields in their order, values as they are sent.
type form []formField

// room is for the fields of most orders.
const room = 24

type formField struct{ name, value string }

// add appends a field; one without a value is not sent.
func (f *form) add(name, value string) {
	if value != "" {
		*f = append(*f, formField{name, value})
	}
}

// addRecord appends a record's fields but those that skip names. An empty text is
// sent: PUT empties the field by it.
func (f *form) addRecord(record gjson.Result, skip func(name string) bool) {
	record.ForEach(func(k, v gjson.Result) bool {
		if !skip(k.Str) {
			*f = append(*f, formField{k.Str, formValue(v)})
		}
		return true
	})
}

// wholeAsDecimal is a whole number that is written with a fraction of zeros.
var wholeAsDecimal = regexp.MustCompile(`^(-?[0-9]+)\.0+$`)

// formValue is a value as PHP's curl would send it: text as it is, numbers digit
// for digit (a whole one without its fraction), arrays and objects as JSON.
func formValue(v gjson.Result) string {
	switch v.Type {
	case gjson.String:
		return v.Str
	case gjson.Number:
		if strings.IndexByte(v.Raw, '.') < 0 {
			return v.Raw
		}
		if m := wholeAsDecimal.FindStringSubmatch(v.Raw); m != nil {
			return m[1]
		}
		return v.Raw
	case gjson.JSON:
		if compact(v.Raw) {
			return v.Raw
		}
		return v.Get("@ugly").Raw
	case gjson.Null, gjson.True, gjson.False:
	}
	return v.Raw
}

// compact tells whether JSON has no space between its values.
func compact(raw string) bool {
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case ' ', '\t', '\r', '\n':
			return false
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		}
	}
	return true
}

// inName are the characters of a field's name that are written otherwise, as
// browsers do (WHATWG HTML, multipart/form-data encoding algorithm).
var inName = strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")

// encode makes a multipart/form-data body (RFC 7578) of the verb and the fields.
func (f form) encode(v verb) (contentType string, body []byte) {
	// At least 128 random bits: no value holds it.
	boundary := rand.Text()
	const head, end = "\r\nContent-Disposition: form-data; name=\"", "\"\r\n\r\n"
	frame := len("\r\n--") + len(boundary) + len(head) + len(end)
	size := frame + len("method_type") + len(v) + frame
	for _, field := range f {
		size += frame + len(field.name) + len(field.value)
	}
	b := make([]byte, 0, size)
	write := func(name, value string) {
		b = append(append(append(b, "--"...), boundary...), head...)
		b = append(append(append(b, inName.Replace(name)...), end...), value...)
		b = append(b, "\r\n"...)
	}
	write("method_type", string(v))
	for _, field := range f {
		write(field.name, field.value)
	}
	b = append(append(append(b, "--"...), boundary...), "--\r\n"...)
	return "multipart/form-data; boundary=" + boundary, b
}
