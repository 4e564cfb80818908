package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query reads parameters and keeps the first that is wrong.
type query struct {
	values url.Values
	wrong  string
}

// query reads the query, in which only the given names may stand, each once.
func (a *api) query(w http.ResponseWriter, r *http.Request, names ...string) (*query, bool) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.bad("the query cannot be read: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		switch {
		case !slices.Contains(names, name):
			q.bad("%.60q is no parameter here", name)
		case len(q.values[name]) > 1:
			q.bad("%s stands twice", name)
		case len(q.values[name][0]) > maxParameter:
			q.bad("%s is longer than %d bytes", name, maxParameter)
		}
	}
	return q, q.valid(a, w)
}

const maxParameter = 1024

func (q *query) bad(format string, args ...any) {
	if q.wrong == "" {
		q.wrong = fmt.Sprintf(format, args...)
	}
}

// valid answers for a query that is not.
func (q *query) valid(a *api, w http.ResponseWriter) bool {
	if q.wrong != "" {
		a.fail(w, http.StatusBadRequest, "bad_parameter", q.wrong)
	}
	return q.wrong == ""
}

func (q *query) text(name string) string { return q.values.Get(name) }

func (q *query) word(name string, words ...string) string {
	v := q.values.Get(name)
	if v != "" && !slices.Contains(words, v) {
		q.bad("%s: want one of %s", name, strings.Join(words, ", "))
	}
	return v
}

func (q *query) number(name string) uint64 {
	v := q.values.Get(name)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil || n == 0 {
		q.bad("%s: want a whole number from 1 on", name)
	}
	return n
}

func (q *query) flag(name string) bool { return q.word(name, "true", "false") == "true" }

func (q *query) time(name string) time.Time {
	v := q.values.Get(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		q.bad("%s: want a time as 2026-11-02T20:41:13Z", name)
	}
	return t
}

func (q *query) limit() int {
	v := q.values.Get("limit")
	if v == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxLimit {
		q.bad("limit: want a whole number from 1 to %d", maxLimit)
	}
	return n
}

// maxRequest bounds a request's body in bytes: a record may be in it.
const maxRequest = 20 << 20

// read reads a request's JSON into v and answers for one that is none.
func (a *api) read(w http.ResponseWriter, r *http.Request, v any) bool {
	if _, ok := a.query(w, r); !ok {
		return false
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		a.fail(w, http.StatusUnsupportedMediaType, "unsupported_media_type", "send application/json")
		return false
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return true
		}
		err = errors.New("something follows the JSON object")
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		a.fail(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the request is larger than %d MiB", maxRequest>>20))
		return false
	}
	a.fail(w, http.StatusBadRequest, "bad_request", "the request cannot be read: "+err.Error())
	return false
}

// refuse answers with an error of the engine.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*NotFoundError](err); ok {
		a.fail(w, http.StatusNotFound, "not_found", e.Message)
		return
	}
	if e, ok := errors.AsType[*UnreadableError](err); ok {
		a.fail(w, http.StatusInternalServerError, "unreadable", e.Message)
		return
	}
	if e, ok := errors.AsType[*RequestError](err); ok {
		a.fail(w, http.StatusBadRequest, "bad_request", e.Message)
		return
	}
	if e, ok := errors.AsType[*UnavailableError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(max(1, math.Ceil(e.RetryAfter.Seconds())))))
		a.fail(w, http.StatusServiceUnavailable, "unavailable", e.Message)
		return
	}
	a.broken(w, r, err)
}
