package ingress

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The codes of refusals. They are stable, and Stats counts by them.
const (
	// CodeNotFound (404): no such connection, or not its token.
	CodeNotFound = "not_found"
	// CodeMethod (405): neither POST, PUT, GET nor DELETE.
	CodeMethod = "method_not_allowed"
	// CodeRate (429): the connection sends too much.
	CodeRate = "rate_limited"
	// CodeType (415): neither JSON nor a form, or JSON that claims to be a form's part.
	CodeType = "unsupported_media_type"
	// CodeCharset (415): a charset other than UTF-8.
	CodeCharset = "unsupported_charset"
	// CodeEncoding (415): a Content-Encoding other than gzip.
	CodeEncoding = "unsupported_encoding"
	// CodeTooLarge (413): the body is larger than the limit.
	CodeTooLarge = "body_too_large"
	// CodeTimeout (408): the body did not come in time.
	CodeTimeout = "body_timeout"
	// CodeIncomplete (400): the body ended before its end.
	CodeIncomplete = "incomplete_body"
	// CodeEmpty (400): a POST or PUT without a body.
	CodeEmpty = "empty_body"
	// CodeJSON (400): malformed JSON, with line and column.
	CodeJSON = "bad_json"
	// CodeForm (400): a malformed form.
	CodeForm = "bad_form"
	// CodeGzip (400): malformed gzip.
	CodeGzip = "bad_gzip"
	// CodeSignature (401): the signature is missing or wrong.
	CodeSignature = "bad_signature"
	// CodeRefused (4xx): the connector refuses, for a reason of its own, whose
	// code the sender is told instead of this one.
	CodeRefused = "refused"
	// CodeUnacceptable (422): the request or its event can never be taken.
	CodeUnacceptable = "unacceptable"
	// CodeBusy (503): the bodies at hand fill the memory that is set for them.
	CodeBusy = "busy"
	// CodeConnector (503): the connector does not answer.
	CodeConnector = "connector_unavailable"
	// CodeJournal (503): the journal cannot store.
	CodeJournal = "journal_unavailable"
	// CodeBroken (500): the connector, or the engine, broke on the request.
	CodeBroken = "internal_error"
	// CodeGone (no answer): the sender went away before its events were stored.
	CodeGone = "sender_gone"
)

// problem is why a request is not taken.
type problem struct {
	status        int
	code, message string
	// field is the part of the body that it is about.
	field string
	// told is the code that the sender is told, where that is another one.
	told       string
	retryAfter time.Duration
	// hangUp closes the connection: the rest of the body is not read.
	hangUp bool
	// cause is for the log alone.
	cause error
}

func refuse(status int, code, format string, args ...any) *problem {
	return &problem{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// later is a 503 with Retry-After: 5 s where nothing better is known.
func later(code, message string, after time.Duration, cause error) *problem {
	if after <= 0 {
		after = 5 * time.Second
	}
	return &problem{status: http.StatusServiceUnavailable, code: code, message: message, retryAfter: after, cause: cause}
}

func (p *problem) answer() answer {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Field   string `json:"field,omitempty"`
		} `json:"error"`
	}
	body.Error.Code = p.code
	if p.told != "" {
		body.Error.Code = p.told
	}
	body.Error.Message, body.Error.Field = line(p.message), line(p.field)
	return answer{status: p.status, contentType: "application/json", body: toJSON(body), problem: p}
}

// counted is the answer of a connection whose connector gives none of its own.
func counted(accepted, duplicates int) []byte {
	b := append(make([]byte, 0, 48), `{"accepted":`...)
	b = strconv.AppendInt(b, int64(accepted), 10)
	b = append(b, `,"duplicates":`...)
	b = strconv.AppendInt(b, int64(duplicates), 10)
	return append(b, "}\n"...)
}

// toJSON gives v on one line, without the escapes that only HTML needs.
func toJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("{}\n") // structs of strings and numbers always can be
	}
	return b.Bytes()
}

// line makes a text one line of at most 500 bytes without control characters.
func line(s string) string {
	const limit = 500
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > limit {
		cut := limit
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// quoted shows a sender's word in a message.
func quoted(s string) string {
	const limit = 60
	if runes := []rune(s); len(runes) > limit {
		s = string(runes[:limit]) + "…"
	}
	return "`" + line(s) + "`"
}
