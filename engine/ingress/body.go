package ingress

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// budget bounds the memory of all bodies at hand.
type budget struct {
	mu   sync.Mutex
	free int64
}

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free < n {
		return false
	}
	b.free -= n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
}

// body is a request's body in memory. Its bytes are good until release.
type body struct {
	data   []byte
	taken  int64
	budget *budget
}

func (b *body) release() {
	b.budget.give(b.taken)
	b.taken, b.data = 0, nil
}

// firstRoom is the room that a body has at first, in bytes, where it is not
// announced to be shorter.
const firstRoom = 16 << 10

// grow makes room for at least one byte more, up to limit; for so many at first.
func (b *body) grow(first, limit int64) bool {
	size := min(max(first, 2*int64(cap(b.data))), limit)
	more := size - int64(cap(b.data))
	if !b.budget.take(more) {
		return false
	}
	b.taken += more
	next := make([]byte, len(b.data), size)
	copy(next, b.data)
	b.data = next
	return true
}

// read reads a request's body, decompressed, within the limits. The caller
// releases it, whatever the problem. Memory grows with what has come and not with
// what was announced, so that announcing costs nothing.
func (s *Server) read(w http.ResponseWriter, r *http.Request, gzipped bool) (*body, *problem) {
	b := &body{budget: s.memory}
	limit := s.limits.MaxBody
	if r.ContentLength > limit {
		return b, tooLarge(limit)
	}
	first := int64(firstRoom)
	if n := r.ContentLength; n > 0 && n < first && !gzipped {
		first = n + 1 // its end shows without more room
	}
	from := io.Reader(http.MaxBytesReader(w, r.Body, limit))
	if gzipped && r.ContentLength != 0 {
		zr, err := gzip.NewReader(from)
		if err != nil {
			return b, s.readProblem(r, b, err)
		}
		from = zr
	}
	for {
		if len(b.data) == cap(b.data) && !b.grow(first, limit+1) {
			p := later(CodeBusy, "too many requests are at hand; send this one again later", time.Second, nil)
			p.hangUp = true
			return b, p
		}
		n, err := from.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case int64(len(b.data)) > limit:
			return b, tooLarge(limit)
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, s.readProblem(r, b, err)
		}
	}
}

func tooLarge(limit int64) *problem {
	p := refuse(http.StatusRequestEntityTooLarge, CodeTooLarge, "the body is larger than %d bytes", limit)
	p.hangUp = true
	return p
}

func (s *Server) readProblem(r *http.Request, b *body, err error) *problem {
	var p *problem
	var corrupt flate.CorruptInputError
	_, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case large:
		return tooLarge(s.limits.MaxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		p = refuse(http.StatusRequestTimeout, CodeTimeout, "the body did not come within %s", s.limits.BodyTimeout)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		p = refuse(http.StatusBadRequest, CodeGzip, "the body is no gzip, and Content-Encoding says that it is")
	case r.ContentLength > 0 && !strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip"):
		p = refuse(http.StatusBadRequest, CodeIncomplete, "the body ended after %d of %d bytes", len(b.data), r.ContentLength)
	default:
		p = refuse(http.StatusBadRequest, CodeIncomplete, "the body ended after %d bytes, before its end", len(b.data))
	}
	p.cause, p.hangUp = err, true
	return p
}
