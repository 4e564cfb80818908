package ingress

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"unicode/utf8"
)

// form says what a body claims to be.
type form int

const (
	formJSON form = iota
	formURLEncoded
	formMultipart
)

// maxFields bounds the fields of a form.
const maxFields = 10_000

// content is what a request's header says of its body.
type content struct {
	form     form
	boundary string
	gzipped  bool
}

const wanted = "send application/json, application/x-www-form-urlencoded or multipart/form-data"

// contentOf reads the header. A body without a Content-Type is JSON.
func contentOf(h http.Header) (content, *problem) {
	var c content
	switch encoding := strings.ToLower(strings.Join(h.Values("Content-Encoding"), ", ")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		c.gzipped = true
	default:
		return c, refuse(http.StatusUnsupportedMediaType, CodeEncoding, "the Content-Encoding %s is not supported: send the body as it is, or gzip", quoted(encoding))
	}
	types := h.Values("Content-Type")
	if len(types) == 0 || len(types) == 1 && strings.TrimSpace(types[0]) == "" {
		return c, nil
	}
	if len(types) > 1 {
		return c, refuse(http.StatusUnsupportedMediaType, CodeType, "there is more than one Content-Type: %s", wanted)
	}
	mediaType, params, err := mime.ParseMediaType(types[0])
	if err != nil {
		return c, refuse(http.StatusUnsupportedMediaType, CodeType, "the Content-Type %s is malformed: %s", quoted(types[0]), wanted)
	}
	switch {
	case mediaType == "application/json", mediaType == "text/json",
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json"):
		c.form = formJSON
	case mediaType == "application/x-www-form-urlencoded":
		c.form = formURLEncoded
	case mediaType == "multipart/form-data":
		c.form, c.boundary = formMultipart, params["boundary"]
		if c.boundary == "" || len(c.boundary) > 70 { // RFC 2046, 5.1.1
			return c, refuse(http.StatusBadRequest, CodeForm, "the Content-Type multipart/form-data has no boundary of 1 to 70 characters")
		}
	default:
		return c, refuse(http.StatusUnsupportedMediaType, CodeType, "the Content-Type %s is not supported: %s", quoted(mediaType), wanted)
	}
	switch charset := params["charset"]; strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii":
	default:
		return c, refuse(http.StatusUnsupportedMediaType, CodeCharset, "the charset %s is not supported: send UTF-8", quoted(charset))
	}
	return c, nil
}

// check holds a body against what it claims to be, before the plugin sees it.
func (c content) check(data []byte) *problem {
	switch c.form {
	case formURLEncoded:
		// Clients that do not say what they send say that it is a form.
		if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
			return checkURLEncoded(data)
		}
	case formMultipart:
		return checkMultipart(data, c.boundary)
	case formJSON:
	}
	if err := CheckJSON("body", data); err != nil {
		return refuse(http.StatusBadRequest, CodeJSON, "%s", err.Error())
	}
	return nil
}

// checkURLEncoded finds what url.ParseQuery would drop or pass on as it is:
// unfinished escapes, and text that is not UTF-8.
func checkURLEncoded(data []byte) *problem {
	bad := func(at int, what string) *problem {
		return refuse(http.StatusBadRequest, CodeForm, "byte %d of the form: %s", at+1, what)
	}
	var unescaped []byte
	fields, start, brackets, inName := 1, 0, 0, true
	for i := 0; i <= len(data); i++ {
		if i == len(data) || data[i] == '&' {
			if !utf8.Valid(unescaped) {
				return bad(start, "the field that begins here is not UTF-8")
			}
			unescaped, start, brackets, inName = unescaped[:0], i+1, 0, true
			if fields++; fields > maxFields+1 {
				return refuse(http.StatusBadRequest, CodeForm, "the form has more than %d fields", maxFields)
			}
			continue
		}
		c := data[i]
		inName = inName && c != '='
		if c == '%' {
			if i+2 >= len(data) || unhex(data[i+1]) < 0 || unhex(data[i+2]) < 0 {
				return bad(i, "a % is not followed by two hexadecimal digits")
			}
			c = byte(unhex(data[i+1])<<4 | unhex(data[i+2])) //nolint:gosec // two digits of 4 bits
			i += 2
		}
		if inName && c == '[' {
			if brackets++; brackets > maxDepth {
				return bad(start, "the name of the field that begins here nests too deep")
			}
		}
		unescaped = append(unescaped, c)
	}
	return nil
}

func unhex(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// checkMultipart walks through all parts, so that one that is cut off is found.
func checkMultipart(data []byte, boundary string) *problem {
	last := []byte("--" + boundary + "--")
	ended := bytes.HasPrefix(data, last) || bytes.Contains(data, append([]byte{'\n'}, last...))
	bad := func(format string, args ...any) *problem {
		return refuse(http.StatusBadRequest, CodeForm, format, args...)
	}
	parts := multipart.NewReader(bytes.NewReader(data), boundary)
	for n := 1; ; n++ {
		part, err := parts.NextRawPart()
		if ended && err == io.EOF { //nolint:errorlint // a form that is cut off gives an error that wraps io.EOF
			return nil
		}
		if n > maxFields {
			return bad("the form has more than %d parts", maxFields)
		}
		if err != nil {
			return bad("part %d of the multipart form is malformed or cut off", n)
		}
		if strings.Count(part.FormName(), "[") > maxDepth {
			return bad("the name of part %d of the multipart form nests too deep", n)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return bad("part %d of the multipart form is cut off", n)
		}
		if part.FileName() == "" && (!utf8.Valid(text) || !utf8.ValidString(part.FormName())) {
			return bad("part %d of the multipart form is not UTF-8", n)
		}
	}
}
