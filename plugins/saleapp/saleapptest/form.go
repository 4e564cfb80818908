package saleapptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// form holds a request's fields. As in PHP, the last of several with one name
// counts.
type form map[string]string

// text returns a field, "" if it was not sent.
func (f form) text(name string) string { return f[name] }

// has reports whether any of the fields was sent, even if empty.
func (f form) has(names ...string) bool {
	for _, n := range names {
		if _, ok := f[n]; ok {
			return true
		}
	}
	return false
}

// readForm reads the body's fields, or says why it cannot, with the HTTP status to say
// it by.
func readForm(w http.ResponseWriter, r *http.Request) (f form, status int, problem string) {
	r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	switch kind {
	case "multipart/form-data":
		f, err = readMultipart(r, params["boundary"])
	case "application/x-www-form-urlencoded":
		f, err = readURLEncoded(r)
	default:
		return nil, http.StatusOK, "Content-Type запиту має бути multipart/form-data або application/x-www-form-urlencoded"
	}
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, http.StatusRequestEntityTooLarge, fmt.Sprintf("Запит завеликий: дозволено %d байтів", MaxBody)
	}
	if err != nil {
		return nil, http.StatusOK, "Не вдалося прочитати поля запиту: " + err.Error()
	}
	return f, http.StatusOK, f.check()
}

// readMultipart reads the body by hand where it is as plain as clients write it, so
// that a measurement has little of this in it, and by mime/multipart otherwise.
func readMultipart(r *http.Request, boundary string) (form, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if f := readPlain(string(body), boundary); f != nil {
		return f, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	f := form{}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		// Files are no fields to PHP, and the API has no use for any.
		if name := part.FormName(); name != "" && part.FileName() == "" {
			f[name] = string(value)
		}
	}
}

// readPlain reads a body whose parts have a name without escapes and no other header;
// nil where it is another.
func readPlain(body, boundary string) form {
	const head, end = "\r\nContent-Disposition: form-data; name=\"", "\"\r\n\r\n"
	delimiter := "\r\n--" + boundary
	body, ok := strings.CutPrefix("\r\n"+body, delimiter)
	if !ok || boundary == "" {
		return nil
	}
	for f := (form{}); ; {
		if body == "--" || body == "--\r\n" {
			return f
		}
		if body, ok = strings.CutPrefix(body, head); !ok {
			return nil
		}
		var name, value string
		if name, body, ok = strings.Cut(body, end); !ok || name == "" || strings.ContainsAny(name, "\"\\\r\n") {
			return nil
		}
		if value, body, ok = strings.Cut(body, delimiter); !ok {
			return nil
		}
		f[name] = value
	}
}

func readURLEncoded(r *http.Request) (form, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	f := make(form, len(fields))
	for name, values := range fields {
		f[name] = values[len(values)-1]
	}
	return f, nil
}

// check refuses what would be stored otherwise than it was meant.
func (f form) check() string {
	for name, value := range f {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return fmt.Sprintf("Поле %q не в кодуванні UTF-8", name)
		}
		// PHP would make an array of products[0][id], where the API wants JSON.
		for _, list := range []string{"products", "custom_fields"} {
			if strings.HasPrefix(name, list+"[") {
				return fmt.Sprintf("Поле %s має бути рядком json_encode, а не масивом %s", list, name)
			}
		}
	}
	return ""
}
