package saleapptest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// maxControl is the largest body taken by the paths that control the fake, in
// bytes.
const maxControl = 64 << 10

func (s *Server) serveOrders(w http.ResponseWriter, _ *http.Request) { stream(w, s.store.list()) }

func (s *Server) serveDeleted(w http.ResponseWriter, _ *http.Request) {
	stream(w, s.store.listDeleted())
}

func (s *Server) serveWrites(w http.ResponseWriter, _ *http.Request) {
	stream(w, s.store.listWrites())
}

func (s *Server) serveCounts(w http.ResponseWriter, _ *http.Request) { object(w, s.Counts()) }

// serveProgress is Process over HTTP. It answers the order as it is then.
func (s *Server) serveProgress(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.Error(w, fmt.Sprintf("order %q: not a number", r.PathValue("id")), http.StatusBadRequest)
		return
	}
	p, err := readProgress(http.MaxBytesReader(w, r.Body, maxControl))
	if err != nil {
		http.Error(w, "order "+strconv.Itoa(id)+": "+err.Error(), http.StatusBadRequest)
		return
	}
	if !s.Process(id, p) {
		http.Error(w, "order "+strconv.Itoa(id)+": there is none", http.StatusNotFound)
		return
	}
	found := s.store.find(query{by: "id", value: strconv.Itoa(id)})
	if len(found) == 0 {
		http.Error(w, "order "+strconv.Itoa(id)+": deleted meanwhile", http.StatusNotFound)
		return
	}
	object(w, found[0])
}

func readProgress(r io.Reader) (Progress, error) {
	var p Progress
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf(`%w; an example: {"status_id":3,"ttn":"20450000000001"}`, err)
	}
	if p.StatusID != nil && *p.StatusID < 0 || p.SeatsNumber != nil && *p.SeatsNumber < 0 {
		return p, errors.New("status_id and seats_number are not negative")
	}
	return p, nil
}

func object(w http.ResponseWriter, v any) {
	body, err := encode(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(body, '\n')) // the client is gone: there is nobody to tell
}

// stream writes a JSON array, an element a line, without building it in memory.
func stream[T any](w http.ResponseWriter, list []T) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	b := bufio.NewWriterSize(w, 32<<10)
	separator := "[\n"
	for _, v := range list {
		body, err := encode(v)
		if err != nil {
			// Part of the array is on its way, so all that can be told is that it is broken.
			panic(http.ErrAbortHandler)
		}
		_, _ = b.WriteString(separator)
		if _, err := b.Write(body); err != nil {
			return // the client is gone
		}
		separator = ",\n"
	}
	if len(list) == 0 {
		_, _ = b.WriteString("[]\n")
	} else {
		_, _ = b.WriteString("\n]\n")
	}
	_ = b.Flush() // the client is gone: there is nobody to tell
}
