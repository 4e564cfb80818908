package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
)

// Values gives the fields of urlencoded text, a body or a raw query, in their
// order. Only & separates fields; empty ones between two & are passed over.
func Values(text string) ([]Pair, error) {
	var pairs []Pair
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		if len(pairs) == MaxFields {
			return nil, tooMany()
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, &Error{Code: CodeEncoding, Field: shorten(rawName), Message: "the name holds a % without two hexadecimal digits"}
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return nil, &Error{Code: CodeEncoding, Field: shorten(name), Message: "the value holds a % without two hexadecimal digits: write %25"}
		}
		p := Pair{Name: name, Value: value}
		if err := checkText(p); err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// multipartPairs gives the fields of a multipart body.
func multipartPairs(body []byte, boundary string) ([]Pair, error) {
	if boundary == "" {
		return nil, &Error{Code: CodeEncoding, Message: "the Content-Type header names no boundary"}
	}
	var pairs []Pair
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return pairs, nil
		}
		if err != nil {
			return nil, broken(len(pairs))
		}
		if len(pairs) == MaxFields {
			return nil, tooMany()
		}
		name := part.FormName()
		if part.FileName() != "" {
			return nil, &Error{Code: CodeFile, Field: shorten(name), Message: "it is a file, and only values are taken"}
		}
		if _, params, err := mime.ParseMediaType(part.Header.Get("Content-Type")); err == nil {
			if checkCharset(params["charset"]) != nil {
				return nil, &Error{Code: CodeCharset, Field: shorten(name), Message: "its charset is not UTF-8"}
			}
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, broken(len(pairs))
		}
		p := Pair{Name: name, Value: string(value)}
		if err := checkText(p); err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
}

func broken(after int) error {
	return &Error{Code: CodeEncoding, Message: fmt.Sprintf("the multipart body breaks off after %d fields, or its boundary is not the header's", after)}
}

func tooMany() error {
	return &Error{Code: CodeTooLarge, Message: fmt.Sprintf("there are more than %d fields", MaxFields)}
}
