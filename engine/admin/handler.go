package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	// pageOutcomes and pageDead are how many elements are in memory at a time; a
	// dead letter holds a whole record.
	pageOutcomes = 200
	pageDead     = 8
)

type api struct {
	engine Engine
	log    *slog.Logger
	token  string
}

// loopback reports whether a Host header names this machine to itself.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	a.write(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (a *api) ready(w http.ResponseWriter, r *http.Request) {
	reasons := a.engine.Unready(r.Context())
	if len(reasons) > 0 && !a.authorized(r) {
		a.write(w, http.StatusServiceUnavailable, map[string]bool{"ready": false})
		return
	}
	answer := struct {
		Ready    bool     `json:"ready"`
		Reasons  []string `json:"reasons,omitempty"`
		Degraded []string `json:"degraded,omitempty"`
	}{Ready: len(reasons) == 0, Reasons: reasons}
	if a.authorized(r) {
		answer.Degraded = a.engine.Degraded(r.Context())
	}
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	a.write(w, status, answer)
}

func (a *api) status(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.parameters(w, r); !ok {
		return
	}
	respond(a, w, r, a.engine.Status)
}

func (s *Status) tidy() {
	s.Connections, s.Lanes, s.Mappings = listed(s.Connections), listed(s.Lanes), listed(s.Mappings)
	if s.Ingress.Refused == nil {
		s.Ingress.Refused = map[string]uint64{}
	}
}

func (a *api) outcomes(w http.ResponseWriter, r *http.Request) {
	p, ok := a.parameters(w, r, "from", "limit")
	if !ok {
		return
	}
	array(a, w, r, p, pageOutcomes, a.engine.Outcomes, func(_ uint64, o event.Outcome) any { return brief(o) })
}

func (a *api) dead(w http.ResponseWriter, r *http.Request) {
	p, ok := a.parameters(w, r, "from", "limit")
	if !ok {
		return
	}
	array(a, w, r, p, pageDead, a.engine.Dead, func(place uint64, d event.DeadLetter) any { return deadLetter(place, d) })
}

func deadLetter(place uint64, d event.DeadLetter) DeadLetter {
	o := d.Outcome
	return DeadLetter{
		Place: place, Lane: o.Lane, Mapping: o.Mapping, MappingSHA256: o.MappingSHA256, Operation: o.Operation,
		Attempts: o.Attempts, Reason: o.Reason, Answer: o.Answer, At: o.At,
		Event: Event{HeadOf(&d.Event), d.Event.Record},
	}
}

// page is what part of a list is asked for.
type page struct {
	from  uint64
	limit int
}

// parameters reads the query, in which only the given names may stand.
func (a *api) parameters(w http.ResponseWriter, r *http.Request, names ...string) (page, bool) {
	p := page{from: 1, limit: defaultLimit}
	bad := func(format string, args ...any) (page, bool) {
		a.fail(w, http.StatusBadRequest, "bad_parameter", fmt.Sprintf(format, args...))
		return page{}, false
	}
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		switch {
		case !slices.Contains(names, name):
			return bad("%.60q is no parameter here", name)
		case len(values) > 1:
			return bad("%s stands twice", name)
		}
		switch name {
		case "from":
			n, err := strconv.ParseUint(values[0], 10, 63)
			if err != nil || n < 1 {
				return bad("from: want a whole number from 1 on")
			}
			p.from = n
		case "limit":
			n, err := strconv.Atoi(values[0])
			if err != nil || n < 1 || n > maxLimit {
				return bad("limit: want a whole number from 1 to %d", maxLimit)
			}
			p.limit = n
		}
	}
	return p, true
}

// array writes a list as it is read, so that little of it is in memory.
func array[T any](a *api, w http.ResponseWriter, r *http.Request, p page, atOnce int,
	read func(ctx context.Context, from uint64, limit int) ([]T, error), show func(place uint64, item T) any,
) {
	place, left := p.from, p.limit
	for first := true; ; first = false {
		items, err := read(r.Context(), place, min(left, atOnce))
		var b []byte
		for i, item := range items {
			var one []byte
			if one, err = marshal(show(place+uint64(i), item)); err != nil {
				break
			}
			if !first || i > 0 {
				b = append(b, ",\n"...)
			}
			b = append(b, one...)
		}
		switch {
		case err != nil && first:
			a.broken(w, r, err)
			return
		case err != nil:
			a.log.Error("an answer of the admin interface is cut off", "path", r.URL.Path, "error", err)
			panic(http.ErrAbortHandler) // the only way to tell the client once it has a part
		case first:
			w.Header().Set("Content-Type", "application/json")
			b = append([]byte{'['}, b...)
		}
		left -= len(items)
		place += uint64(len(items))
		last := left <= 0 || len(items) < atOnce
		if last {
			b = append(b, "]\n"...)
		}
		if _, err := w.Write(b); err != nil || last {
			return // a client that has gone needs no more
		}
	}
}

func (a *api) broken(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	a.log.Error("the admin interface cannot answer", "path", r.URL.Path, "error", err)
	a.fail(w, http.StatusInternalServerError, "internal_error", "the engine cannot answer just now; its log says why")
}

func (a *api) fail(w http.ResponseWriter, status int, code, message string) {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = code, message
	a.write(w, status, body)
}

func (a *api) write(w http.ResponseWriter, status int, v any) {
	b, err := marshal(v)
	if err != nil {
		a.log.Error("an answer of the admin interface cannot be written as JSON", "error", err)
		status, b = http.StatusInternalServerError, []byte(`{"error":{"code":"internal_error","message":"the answer cannot be written"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // a client that has gone needs no answer
}

// marshal gives v on one line, without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}
