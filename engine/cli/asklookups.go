package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// askTimeout bounds how long a far system may take over the questions of an event.
const askTimeout = time.Minute

// live asks lookups of the systems that the configuration names, with its secrets.
type live struct {
	app     *app
	project *project.Project
	open    map[string]*pluginhost.Connection
	// asked counts the questions; failed tells that one could not be asked.
	asked  int
	failed bool
}

// askError says that a lookup could not be asked, so that the command cannot go on.
type askError struct {
	lookup string
	err    error
}

// Error says which and why.
func (e *askError) Error() string {
	return fmt.Sprintf("lookup %s cannot be asked: %v", e.lookup, e.err)
}

// Unwrap gives why.
func (e *askError) Unwrap() error { return e.err }

// unaskable tells whether err is why a lookup could not be asked.
func unaskable(err error) bool {
	_, failed := errors.AsType[*askError](err)
	return failed || errors.Is(err, errFindings)
}

// close ends the processes that were asked.
func (l *live) close(ctx context.Context) {
	ctx, done := project.Closing(ctx)
	defer done()
	for _, conn := range l.open {
		_ = conn.Close(ctx)
	}
}

// connection gives a connection's process, configured with its secrets.
func (l *live) connection(ctx context.Context, name string) (*pluginhost.Connection, error) {
	if conn := l.open[name]; conn != nil {
		return conn, nil
	}
	p := l.project
	c := p.Config.Connection(name) // the compiler has seen it
	spec, err := p.Host.Describe(ctx, c.Plugin, nil)
	if err != nil {
		return nil, err
	}
	findings := c.CheckSchema(spec.ConfigSchema)
	if !findings.HasErrors() {
		findings = append(findings, p.Config.ResolveConnection(name, os.LookupEnv)...)
	}
	if findings.HasErrors() {
		return nil, l.app.refuse(findings)
	}
	cfg, err := c.JSON(spec.ConfigSchema)
	if err != nil {
		return nil, err
	}
	conn, err := p.Host.Open(ctx, pluginhost.Config{Name: name, Plugin: c.Plugin, JSON: cfg})
	if err != nil {
		return nil, err
	}
	if l.open == nil {
		l.open = map[string]*pluginhost.Connection{}
	}
	l.open[name] = conn
	return conn, nil
}

// ask asks one question, and says on standard error what was asked and answered.
// The error is an *askError, or errFindings where the findings have been printed.
func (l *live) ask(ctx context.Context, q *mapping.Question) (mapping.Answer, error) {
	failed := func(err error) (mapping.Answer, error) {
		return mapping.Answer{}, &askError{q.Connection + "." + q.Name, err}
	}
	l.failed = true
	conn, err := l.connection(ctx, q.Connection)
	if errors.Is(err, errFindings) {
		return mapping.Answer{}, err
	}
	if err != nil {
		return failed(err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var got wire.Answer
	if err := conn.Find(ctx, q.Name, []wire.Question{{Args: q.Args}}, func(a wire.Answer) { got = a }); err != nil {
		return failed(err)
	}
	l.asked++
	out := mapping.Answer{Found: got.Found}
	said := "found"
	if f := got.Failure; f != nil {
		out.Found = nil
		switch f.Class {
		case wire.NotFound:
			said = "nothing is found"
		case wire.Ambiguous:
			said = "several are found"
			out.Refusal = &mapping.Refusal{Ambiguous: true, Message: f.Message}
			for _, c := range got.Candidates {
				out.Refusal.Candidates = append(out.Refusal.Candidates, c)
			}
		case wire.Invalid:
			said = "refused"
			out.Refusal = &mapping.Refusal{Message: f.Message}
		case wire.Auth:
			return failed(fmt.Errorf("the system refuses the credentials of connection %s: %w", q.Connection, f))
		case wire.RateLimited:
			if f.RetryAfter > 0 {
				return failed(fmt.Errorf("%w; it may be asked again in %s", f, f.RetryAfter))
			}
			return failed(f)
		case wire.Transient, wire.Unknown:
			return failed(f)
		}
	}
	l.failed = false
	l.app.message("asked %s.%s %s: %s\n", q.Connection, q.Name, q.Args, said)
	return out, nil
}
