package journal

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// LockedError says that another engine holds the data directory.
type LockedError struct {
	// Dir is the data directory.
	Dir string
}

// Error names the directory and what to do.
func (e *LockedError) Error() string {
	return fmt.Sprintf("data directory %s is held by another running engine: stop that engine or choose another directory", e.Dir)
}

// UnavailableError says that the journal cannot store now. What the caller
// wanted stored may or may not have been stored; to try again is safe.
type UnavailableError struct {
	// RetryAfter is after how long trying again makes sense, at least a second.
	RetryAfter time.Duration
	// Reason says in a few words why.
	Reason string
	// Undecoded tells that it is for the requests that wait for their plugin: they take
	// all the room that there is for them.
	Undecoded bool
	// Err is what lies beneath, nil where the journal refused by itself.
	Err error
}

// Error gives the reason and when to try again.
func (e *UnavailableError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("journal unavailable: %s: %v (try again in %s)", e.Reason, e.Err, e.RetryAfter)
	}
	return fmt.Sprintf("journal unavailable: %s (try again in %s)", e.Reason, e.RetryAfter)
}

// Unwrap gives what lies beneath.
func (e *UnavailableError) Unwrap() error { return e.Err }

// EventError says that an event cannot be stored as it is, however often it is tried.
type EventError struct {
	// Field is the event's or request's field, as JSON names it: key, record, received_at.
	Field string
	// Problem says what is wrong with it.
	Problem string
}

// Error names the field and the problem.
func (e *EventError) Error() string { return fmt.Sprintf("event's %s: %s", e.Field, e.Problem) }

// UnreadableError says that an event is there and cannot be read from the disk.
type UnreadableError struct {
	Sequence         uint64
	Connection, Type string
	// Outcomes say what became of it, as "delivered by order"; none where that is not known.
	Outcomes []string
	// Err is JetStream's answer, which is the same for what is not there.
	Err error
}

// Error says what of it is known.
func (e *UnreadableError) Error() string {
	text := fmt.Sprintf("event %d", e.Sequence)
	if e.Connection != "" {
		text += fmt.Sprintf(" (%s of %s)", e.Type, e.Connection)
	}
	text += " is kept and cannot be read from the disk; "
	if len(e.Outcomes) == 0 {
		return text + "nothing has become of it yet"
	}
	return text + "what became of it: " + strings.Join(e.Outcomes, ", ")
}

// Unwrap gives JetStream's answer.
func (e *UnreadableError) Unwrap() error { return e.Err }

// ErrClosed is returned by a lane that was closed, and by the lanes of a closed journal.
var ErrClosed = errors.New("closed")

// Times to try again after, by what is the matter.
const (
	retrySoon = 2 * time.Second
	retryFull = 30 * time.Second
)

func unavailable(after time.Duration, err error, format string, args ...any) *UnavailableError {
	return &UnavailableError{RetryAfter: after, Reason: fmt.Sprintf(format, args...), Err: err}
}
