// Package webhook reads what vendors post: JSON or form bodies, and queries, each
// as one JSON object. Its errors are refusals (*sdk.Refusal) that say to the
// sender what is wrong and where, without repeating the body.
package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/form"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
)

// Method refuses a request whose method is not one of allowed: 405, with hint, a
// sentence that tells what to do instead.
func Method(r *sdk.Request, hint string, allowed ...string) error {
	if slices.Contains(allowed, r.Method) {
		return nil
	}
	method := r.Method
	if strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		method = Quote(method)
	}
	return sdk.Refuse(http.StatusMethodNotAllowed, "method", "", "%s is not taken here, only %s: %s", method, strings.Join(allowed, ", "), hint)
}

// Object gives a request's body as a JSON object: JSON as it came but for white
// space around it and a byte order mark, a form's fields nested as package form
// does. The content type decides; a body that is JSON under another one, or
// under none, is taken as what it is. A body is refused when it is empty, not
// UTF-8, malformed, no object, or nests deeper than shape.MaxNesting.
func Object(r *sdk.Request) (json.RawMessage, error) {
	contentType := r.HeaderValue("Content-Type")
	// A header that cannot be read counts as none; what it says must not hide a body
	// that is in order.
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType, params = "", nil
	}
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
	default:
		return nil, sdk.Refuse(http.StatusUnsupportedMediaType, "charset", "", "the body's charset is %s: send UTF-8", Quote(params["charset"]))
	}
	body := bytes.TrimSpace(bytes.TrimPrefix(r.Body, []byte("\xEF\xBB\xBF")))
	if len(body) == 0 {
		return nil, sdk.Refuse(http.StatusBadRequest, "empty", "", "the body is empty")
	}
	isForm := mediaType == "application/x-www-form-urlencoded" || mediaType == "multipart/form-data"
	isJSON := mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
	switch {
	case isForm && (body[0] != '{' || !json.Valid(body)):
		return Form(contentType, r.Body)
	case isJSON || isForm || body[0] == '{' || body[0] == '[':
		return object(body)
	}
	return nil, sdk.Refuse(http.StatusUnsupportedMediaType, "content_type", "", "the body is neither JSON nor a form: send it with Content-Type application/json or application/x-www-form-urlencoded")
}

// Form gives a form body as a JSON object.
func Form(contentType string, body []byte) (json.RawMessage, error) {
	obj, err := form.Decode(contentType, body)
	if err != nil {
		return nil, refuseForm(err)
	}
	if len(obj) == len("{}") {
		return nil, sdk.Refuse(http.StatusBadRequest, "empty", "", "the form has no fields")
	}
	return obj, nil
}

// Query gives the query's fields as a JSON object, {} where there are none.
func Query(r *sdk.Request) (json.RawMessage, error) {
	pairs, err := form.Values(r.Query)
	if err != nil {
		return nil, refuseForm(err)
	}
	obj, err := form.Nest(pairs)
	if err != nil {
		return nil, refuseForm(err)
	}
	return obj, nil
}

func refuseForm(err error) error {
	fe, ok := errors.AsType[*form.Error](err)
	if !ok {
		return err
	}
	status := http.StatusBadRequest
	switch fe.Code {
	case form.CodeCharset, form.CodeMediaType:
		status = http.StatusUnsupportedMediaType
	case form.CodeConflict, form.CodeFile, form.CodeName:
		status = http.StatusUnprocessableEntity
	}
	return sdk.Refuse(status, "form_"+fe.Code, fe.Field, "%s", fe.Error())
}

// object checks that body is a JSON object in UTF-8.
func object(body []byte) (json.RawMessage, error) {
	if !utf8.Valid(body) {
		if bytes.HasPrefix(body, []byte("\xFF\xFE")) || bytes.HasPrefix(body, []byte("\xFE\xFF")) {
			return nil, sdk.Refuse(http.StatusUnsupportedMediaType, "charset", "", "the body is UTF-16: send UTF-8")
		}
		at := invalidAt(body)
		return nil, sdk.Refuse(http.StatusUnsupportedMediaType, "charset", "", "the body is not UTF-8 (%s; Windows-1251, perhaps): send UTF-8", place(body, at))
	}
	if shape.Nesting(body) > shape.MaxNesting {
		return nil, sdk.Refuse(http.StatusBadRequest, "too_deep", "", "the body nests deeper than %d", shape.MaxNesting)
	}
	if !gjson.ValidBytes(body) {
		var whole json.RawMessage
		err := json.Unmarshal(body, &whole)
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, sdk.Refuse(http.StatusBadRequest, "json", "", "the body is not JSON: %s", syntaxError(body, se))
		}
		return nil, sdk.Refuse(http.StatusBadRequest, "json", "", "the body is not JSON")
	}
	if body[0] != '{' {
		return nil, sdk.Refuse(http.StatusUnprocessableEntity, "json", "", "the body is JSON but no object: want {…}")
	}
	return bytes.Clone(body), nil
}

// syntaxError words a syntax error and says where it is. Two things are mended:
// encoding/json shows the first byte of a letter outside ASCII as a letter of its
// own, and puts an end that comes too soon on the last byte.
func syntaxError(body []byte, e *json.SyntaxError) string {
	at, text := int(e.Offset)-1, e.Error()
	if strings.HasPrefix(text, "unexpected end") {
		at = len(body)
	} else if at >= 0 && at < len(body) && body[at] >= utf8.RuneSelf {
		r, _ := utf8.DecodeRune(body[at:])
		text = strings.Replace(text, "'"+string(rune(body[at]))+"'", "'"+string(r)+"'", 1)
	}
	return fmt.Sprintf("%s (%s)", text, place(body, at))
}

// invalidAt gives the offset of the first byte that is not UTF-8.
func invalidAt(b []byte) int {
	at := 0
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		at += n
	}
	return at
}

// place says where the byte at offset stands: line and column from 1, the column
// in characters.
func place(b []byte, offset int) string {
	before := b[:min(max(offset, 0), len(b))]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

// Key gives the identifier at path in a record as text: a whole number's digits,
// or text without white space around it. What cannot be a key is refused as 422,
// with hint, which tells where the field comes from.
func Key(record []byte, path, hint string) (string, error) {
	refuse := func(what string) error {
		return sdk.Refuse(http.StatusUnprocessableEntity, "no_key", path, "%s %s: %s", path, what, hint)
	}
	v := gjson.GetBytes(record, path)
	switch v.Type {
	case gjson.Number:
		if strings.Trim(v.Raw, "-0123456789") != "" {
			return "", refuse("is not a whole number")
		}
		return v.Raw, nil
	case gjson.String:
		const limit = 200
		key := strings.TrimSpace(v.Str)
		switch {
		case key == "":
			return "", refuse("is empty")
		case len(key) > limit:
			return "", refuse(fmt.Sprintf("is longer than %d bytes", limit))
		case strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c == 0x7f || c == utf8.RuneError }):
			return "", refuse("holds control characters")
		}
		return key, nil
	case gjson.Null:
		return "", refuse("is missing")
	case gjson.True, gjson.False, gjson.JSON:
	}
	return "", refuse("is neither a number nor text")
}

// Quote makes a sender's word fit for a message: in quotes, on one line, at most
// 60 characters of it.
func Quote(word string) string {
	const limit = 60
	if r := []rune(word); len(r) > limit {
		word = string(r[:limit]) + "…"
	}
	return strconv.Quote(word)
}
