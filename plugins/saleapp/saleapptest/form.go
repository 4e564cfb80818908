package saleapptest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// form holds a request's fields as they came. As in PHP, the last of several with
// one name counts. They are few: to look through them is cheaper than a map.
type form []field

type field struct{ name, value string }

// last is where a field stands, -1 if it was not sent.
func (f form) last(name string) int {
	for i := len(f) - 1; i >= 0; i-- {
		if f[i].name == name {
			return i
		}
	}
	return -1
}

// text returns a field, "" if it was not sent.
func (f form) text(name string) string {
	if i := f.last(name); i >= 0 {
		return f[i].value
	}
	return ""
}

// has reports whether any of the fields was sent, even if empty.
func (f form) has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return f.last(n) >= 0 })
}

// readForm reads the body's fields, or says why it cannot, with the HTTP status to say
// it by.
func readForm(w http.ResponseWriter, r *http.Request) (f form, status int, problem string) {
	var err error
	if r.ContentLength < 0 || r.ContentLength > MaxBody {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	}
	kind, boundary := mediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		f, err = readMultipart(r, boundary)
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

// mediaType is a body's type with its boundary if it has one; "" where it cannot be
// read.
func mediaType(header string) (kind, boundary string) {
	const multipart = "multipart/form-data"
	if plain, ok := strings.CutPrefix(header, multipart+"; boundary="); ok && isPlain(plain) {
		return multipart, plain
	}
	kind, params, err := mime.ParseMediaType(header)
	if err != nil {
		return "", ""
	}
	return kind, params["boundary"]
}

// isPlain tells whether a boundary is one of letters, digits and dashes, and not
// longer than RFC 2046 allows.
func isPlain(boundary string) bool {
	for _, c := range []byte(boundary) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' {
			return false
		}
	}
	return len(boundary) > 0 && len(boundary) <= 70
}

// readText takes a body into memory.
func readText(r *http.Request) (string, error) {
	if r.ContentLength < 0 || r.ContentLength > MaxBody {
		body, err := io.ReadAll(r.Body)
		return string(body), err
	}
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return "", err
	}
	return string(body), nil
}

// readMultipart reads the body by hand where it is as plain as clients write it, so
// that a measurement has little of this in it, and by mime/multipart otherwise.
func readMultipart(r *http.Request, boundary string) (form, error) {
	body, err := readText(r)
	if err != nil {
		return nil, err
	}
	if f := readPlain(body, boundary); f != nil {
		return f, nil
	}
	r.Body = io.NopCloser(strings.NewReader(body))
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
			f = append(f, field{name, string(value)})
		}
	}
}

// readPlain reads a body whose parts have a name without escapes and no other header;
// nil where it is another.
func readPlain(body, boundary string) form {
	const head, end = "\r\nContent-Disposition: form-data; name=\"", "\"\r\n\r\n"
	delimiter := "\r\n--" + boundary
	body, ok := strings.CutPrefix(body, delimiter[2:])
	if !ok || boundary == "" {
		return nil
	}
	for f := make(form, 0, 16); ; {
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
		f = append(f, field{name, value})
	}
}

func readURLEncoded(r *http.Request) (form, error) {
	body, err := readText(r)
	if err != nil {
		return nil, err
	}
	fields, err := url.ParseQuery(body)
	if err != nil {
		return nil, err
	}
	f := make(form, 0, len(fields))
	for name, values := range fields {
		f = append(f, field{name, values[len(values)-1]})
	}
	return f, nil
}

// check refuses what would be stored otherwise than it was meant.
func (f form) check() string {
	for i, one := range f {
		name := one.name
		if (!utf8.ValidString(name) || !utf8.ValidString(one.value)) && f.last(name) == i {
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
