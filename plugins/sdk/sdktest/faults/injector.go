package faults

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// maxBody bounds the request bodies that are read ahead of a latency, in bytes.
const maxBody = 8 << 20

// Counts is what has happened to the API's requests.
type Counts struct {
	Requests int64 `json:"requests"` // all, whatever became of them
	Down     int64 `json:"down"`     // turned away by Faults.Down
	Limited  int64 `json:"limited"`  // answered by 429
	Failed   int64 `json:"failed"`   // answered by 500
	Lost     int64 `json:"lost"`     // done, and left without an answer
}

// Injector makes faults happen. Its methods may be called concurrently.
type Injector struct {
	seed    uint64
	drawn   atomic.Uint64
	changes sync.Mutex // held while current is replaced
	current atomic.Pointer[active]

	requests, down, limited, failed, lost atomic.Int64
}

// active is the faults of one moment, with the limit's bucket.
type active struct {
	Faults
	bucket *rate.Limiter // nil without a limit
}

// New makes an injector of f. seed makes the chances repeatable: the n-th request
// fares alike under the same seed and faults.
func New(f Faults, seed uint64) *Injector {
	i := &Injector{seed: seed}
	i.current.Store(&active{})
	i.Update(func(Faults) Faults { return f })
	return i
}

// Faults returns the faults as they are now.
func (i *Injector) Faults() Faults { return i.current.Load().Faults }

// Update replaces the faults by change of them. A limit that stays keeps its bucket,
// and requests under way keep the former faults.
func (i *Injector) Update(change func(Faults) Faults) {
	i.changes.Lock()
	defer i.changes.Unlock()
	old := i.current.Load()
	next := &active{Faults: change(old.Faults)}
	switch {
	case next.Limit <= 0:
	case next.Limit == old.Limit:
		next.bucket = old.bucket
	default:
		burst := max(1, int(math.Ceil(float64(next.Limit))))
		next.bucket = rate.NewLimiter(rate.Limit(next.Limit), burst)
	}
	i.current.Store(next)
}

// Before lets faults act ahead of a request's work. It says whether the work's
// answer is to be lost, by panicking with http.ErrAbortHandler once the work is
// done, and whether the request has been answered already. It panics with
// http.ErrAbortHandler itself where a fault closes the connection.
func (i *Injector) Before(w http.ResponseWriter, r *http.Request) (lose, answered bool) {
	i.requests.Add(1)
	f := i.current.Load()
	switch f.Down {
	case DownNot:
	case DownDrop:
		i.down.Add(1)
		panic(http.ErrAbortHandler)
	default:
		i.down.Add(1)
		httpError(w, http.StatusServiceUnavailable)
		return false, true
	}
	if f.bucket != nil && !f.bucket.Allow() {
		i.limited.Add(1)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(1/float64(f.Limit))))))
		httpError(w, http.StatusTooManyRequests)
		return false, true
	}
	if f.Latency > 0 {
		// net/http notices that a client has left only once the body was read.
		readAhead(w, r)
		wait := time.NewTimer(f.Latency)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done():
			return false, true // the client has left before anything was done
		}
	}
	// Each request draws twice, so that one rate does not disturb the other's chances.
	n := i.drawn.Add(2)
	if i.chance(n) < float64(f.Fail) {
		i.failed.Add(1)
		httpError(w, http.StatusInternalServerError)
		return false, true
	}
	if i.chance(n+1) < float64(f.Lose) {
		i.lost.Add(1)
		return true, false
	}
	return false, false
}

// readAhead takes the body into memory. What fails fails again for whoever reads it.
func readAhead(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = io.EOF
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(data), failing{err}))
}

// failing is a reader of nothing but an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// chance is the n-th number of the seed's sequence, from 0 up to but not including 1
// (the SplitMix64 generator of Steele, Lea and Flood, which needs no lock).
func (i *Injector) chance(n uint64) float64 {
	z := i.seed + n*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}

// Counts returns what has happened to requests so far.
func (i *Injector) Counts() Counts {
	return Counts{
		Requests: i.requests.Load(), Down: i.down.Load(), Limited: i.limited.Load(),
		Failed: i.failed.Load(), Lost: i.lost.Load(),
	}
}

// httpError answers as a web server in front of the API would: by a page of HTML.
func httpError(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	_, _ = w.Write([]byte("<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>\n"))
}
