package wire

import (
	"errors"
	"fmt"
	"time"

	pluginv1 "github.com/crosswalk-etl/crosswalk/proto/crosswalk/plugin/v1"
)

// Class says what the engine does about a failure. It decides by the class
// alone, never by the text.
type Class int

// The classes of failure.
const (
	// Unknown: the request was sent and its answer lost. It is the zero value,
	// because an error that nobody classed may mean just that.
	Unknown Class = iota
	// Transient: nothing was changed; the same may pass later.
	Transient
	// RateLimited: ask less often; slows the whole connection.
	RateLimited
	// Invalid: this very record will never pass.
	Invalid
	// Auth: the connection's credentials are refused; no record is to blame.
	Auth
	// NotFound: what the record is about is not there.
	NotFound
	// Ambiguous: several things fit and none may be picked.
	Ambiguous
)

// String gives the protocol's word, such as RATE_LIMITED.
func (c Class) String() string {
	switch c {
	case Transient:
		return "TRANSIENT"
	case RateLimited:
		return "RATE_LIMITED"
	case Invalid:
		return "INVALID"
	case Auth:
		return "AUTH"
	case NotFound:
		return "NOT_FOUND"
	case Ambiguous:
		return "AMBIGUOUS"
	case Unknown:
	}
	return "UNKNOWN"
}

// Failure is why something did not happen. It is an error and crosses the
// process boundary as data.
type Failure struct {
	Class Class
	// Code is stable and for programs: lower case with underscores.
	Code string
	// Message is for people: one sentence, without secrets.
	Message string
	// Path is the field of the record that the failure is about, dotted; "" where
	// it is about none.
	Path string
	// RetryAfter is how long the far system asks to wait; 0 where it does not say.
	RetryAfter time.Duration
}

// Error gives the class, the code and the message on one line.
func (f *Failure) Error() string {
	if f.Path != "" {
		return fmt.Sprintf("%s %s: %s (field %s)", f.Class, f.Code, f.Message, f.Path)
	}
	return fmt.Sprintf("%s %s: %s", f.Class, f.Code, f.Message)
}

// AsFailure gives err as a failure: the *Failure in its chain, or one of class
// Unknown that carries its text. nil gives nil.
func AsFailure(err error) *Failure {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Class: Unknown, Code: "unclassified", Message: err.Error()}
}

func failureToProto(f *Failure) *pluginv1.Failure {
	if f == nil {
		return nil
	}
	return &pluginv1.Failure{
		Class: classToProto(f.Class), Code: valid(f.Code), Message: valid(f.Message),
		Path: valid(f.Path), RetryAfter: durationToProto(f.RetryAfter),
	}
}

func failureFromProto(f *pluginv1.Failure) *Failure {
	if f == nil {
		return nil
	}
	return &Failure{
		Class: classFromProto(f.GetClass()), Code: f.GetCode(), Message: f.GetMessage(),
		Path: f.GetPath(), RetryAfter: durationFromProto(f.GetRetryAfter()),
	}
}

func classToProto(c Class) pluginv1.FailureClass {
	switch c {
	case Transient:
		return pluginv1.FailureClass_FAILURE_CLASS_TRANSIENT
	case RateLimited:
		return pluginv1.FailureClass_FAILURE_CLASS_RATE_LIMITED
	case Invalid:
		return pluginv1.FailureClass_FAILURE_CLASS_INVALID
	case Auth:
		return pluginv1.FailureClass_FAILURE_CLASS_AUTH
	case NotFound:
		return pluginv1.FailureClass_FAILURE_CLASS_NOT_FOUND
	case Ambiguous:
		return pluginv1.FailureClass_FAILURE_CLASS_AMBIGUOUS
	case Unknown:
	}
	return pluginv1.FailureClass_FAILURE_CLASS_UNKNOWN
}

func classFromProto(c pluginv1.FailureClass) Class {
	switch c {
	case pluginv1.FailureClass_FAILURE_CLASS_TRANSIENT:
		return Transient
	case pluginv1.FailureClass_FAILURE_CLASS_RATE_LIMITED:
		return RateLimited
	case pluginv1.FailureClass_FAILURE_CLASS_INVALID:
		return Invalid
	case pluginv1.FailureClass_FAILURE_CLASS_AUTH:
		return Auth
	case pluginv1.FailureClass_FAILURE_CLASS_NOT_FOUND:
		return NotFound
	case pluginv1.FailureClass_FAILURE_CLASS_AMBIGUOUS:
		return Ambiguous
	case pluginv1.FailureClass_FAILURE_CLASS_UNKNOWN, pluginv1.FailureClass_FAILURE_CLASS_UNSPECIFIED:
	}
	return Unknown
}

// Diagnostic is a problem in a connection's configuration.
type Diagnostic struct {
	// Warning tells that the connection works all the same.
	Warning bool
	// Path is the dotted path into the configuration; "" for the whole.
	Path string
	// Message says what is wrong, without repeating secrets.
	Message string
	// Hint says what to do about it.
	Hint string
}

func diagnosticToProto(d Diagnostic) *pluginv1.Diagnostic {
	s := pluginv1.Severity_SEVERITY_ERROR
	if d.Warning {
		s = pluginv1.Severity_SEVERITY_WARNING
	}
	return &pluginv1.Diagnostic{Severity: s, Path: valid(d.Path), Message: valid(d.Message), Hint: valid(d.Hint)}
}

func diagnosticFromProto(d *pluginv1.Diagnostic) Diagnostic {
	return Diagnostic{
		Warning: d.GetSeverity() == pluginv1.Severity_SEVERITY_WARNING,
		Path:    d.GetPath(), Message: d.GetMessage(), Hint: d.GetHint(),
	}
}
