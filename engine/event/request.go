package event

import (
	"strconv"
	"time"
)

// Request is a webhook as it came. It is kept where the plugin of its connection
// could not decode it then, and decoded when the plugin is back.
type Request struct {
	// Sequence is its place among all that are kept, from 1; 0 before it is.
	Sequence uint64
	// ID names it among all that ever were kept; "" before it is.
	ID string
	// Connection is the name of the source connection.
	Connection string
	// Method is HTTP's, Path what follows the token in the URL's path, mostly "", and
	// Query the URL's raw query.
	Method, Path, Query string
	// Header holds names and values of the header's lines, without those that hold
	// secrets.
	Header [][2]string
	// Body is the body, decompressed.
	Body []byte
	// Trace is Event.Trace of the events that it becomes.
	Trace string
	// ReceivedAt is when ingress had read the whole request, in UTC.
	ReceivedAt time.Time
	// Reason says why it was refused when it was decoded, and RefusedAt when that was;
	// nil and zero while it waits.
	Reason    *Reason
	RefusedAt time.Time
}

// Part names the n-th event, from 0, that a request becomes.
func (r *Request) Part(n int) string { return r.ID + "." + strconv.Itoa(n) }
