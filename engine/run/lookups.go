package run

import (
	"context"
	"fmt"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// lookingUp answers the questions of lanes by the connections that they name.
type lookingUp struct{ now func() *engine }

// Find asks a connection's lookup.
func (l lookingUp) Find(ctx context.Context, connection, lookup string, questions []wire.Question, each func(wire.Answer)) error {
	e := l.now()
	to := e.links[connection]
	if to == nil { // the configuration has changed since the question was made
		return fmt.Errorf("there is no connection %s", connection)
	}
	for len(questions) > 0 {
		n, err := e.gates[connection].Wait(ctx, len(questions))
		if err != nil {
			return err
		}
		if err := to.Find(ctx, lookup, questions[:n], each); err != nil {
			return err
		}
		questions = questions[n:]
	}
	return nil
}

// Find lets the plugin answer questions; while it is not there they are to be
// asked again.
func (l *link) Find(ctx context.Context, lookup string, questions []wire.Question, each func(wire.Answer)) error {
	if conn, done := l.begin(); conn != nil {
		defer done()
		return conn.Find(ctx, lookup, questions, each)
	}
	for _, q := range questions {
		each(wire.Answer{Index: q.Index, Failure: &wire.Failure{
			Class: wire.Transient, Code: "plugin_down", Message: errNotOpen.Error(),
		}})
	}
	return nil
}
