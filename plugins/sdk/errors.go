package sdk

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Transient says that nothing was changed and the same may pass later. The
// engine retries with backoff.
func Transient(code, format string, args ...any) *Failure {
	return failure(wire.Transient, code, format, args)
}

// RateLimited says that the far system asks to be asked less often. The engine
// slows the whole connection, for after where that is above 0.
func RateLimited(after time.Duration, code, format string, args ...any) *Failure {
	f := failure(wire.RateLimited, code, format, args)
	f.RetryAfter = after
	return f
}

// Invalid says that this very record will never pass. The engine makes it a dead
// letter at once, with path, the field that is to blame ("" where it is none).
func Invalid(path, code, format string, args ...any) *Failure {
	f := failure(wire.Invalid, code, format, args)
	f.Path = path
	return f
}

// Unauthorized says that the connection's credentials are refused. The engine
// keeps every record and dead-letters none.
func Unauthorized(code, format string, args ...any) *Failure {
	return failure(wire.Auth, code, format, args)
}

// Lost says that the request was sent and its answer lost: the far system may or
// may not have done it. The engine waits the operation's settle time and asks
// again with PossiblySent.
func Lost(code, format string, args ...any) *Failure {
	return failure(wire.Unknown, code, format, args)
}

// NotFound says that what was asked for is not there.
func NotFound(format string, args ...any) *Failure {
	return failure(wire.NotFound, "not_found", format, args)
}

// Ambiguous says that a record names several things in the far system, or may
// name another than was meant, and that none of them may be picked. path is the
// field that names them.
func Ambiguous(path, code, format string, args ...any) *Failure {
	f := failure(wire.Ambiguous, code, format, args)
	f.Path = path
	return f
}

// AmbiguousError says that several things fit a question and none may be picked.
type AmbiguousError struct {
	// Message is one sentence for people.
	Message string
	// Candidates are what fitted, JSON objects; at most 20 are passed on.
	Candidates []json.RawMessage
}

// Error gives the message.
func (e *AmbiguousError) Error() string { return e.Message }

// ConfigError is what is wrong with a configuration beyond its schema.
type ConfigError struct{ Diagnostics []Diagnostic }

// Error gives every diagnostic's path and message.
func (e *ConfigError) Error() string {
	parts := make([]string, len(e.Diagnostics))
	for i, d := range e.Diagnostics {
		parts[i] = strings.TrimPrefix(d.Path+": "+d.Message, ": ")
	}
	return strings.Join(parts, "; ")
}

// Refuse makes a refusal: status is the HTTP status to answer, 400 to 499.
func Refuse(status int, code, path, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Code: code, Path: path, Message: fmt.Sprintf(format, args...)}
}

func failure(c wire.Class, code, format string, args []any) *Failure {
	return &Failure{Class: c, Code: code, Message: fmt.Sprintf(format, args...)}
}
