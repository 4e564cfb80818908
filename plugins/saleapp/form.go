package main

import (
	"bytes"
	"mime/multipart"
	"regexp"

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
		if m := wholeAsDecimal.FindStringSubmatch(v.Raw); m != nil {
			return m[1]
		}
		return v.Raw
	case gjson.JSON:
		return v.Get("@ugly").Raw
	case gjson.Null, gjson.True, gjson.False:
	}
	return v.Raw
}

// encode makes a multipart/form-data body (RFC 7578) of the verb and the fields.
func (f form) encode(v verb) (contentType string, body []byte, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("method_type", string(v)); err != nil {
		return "", nil, err
	}
	for _, field := range f {
		if err := w.WriteField(field.name, field.value); err != nil {
			return "", nil, err
		}
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return w.FormDataContentType(), b.Bytes(), nil
}
