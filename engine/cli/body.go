package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// maxBodyBytes bounds a sample body.
const maxBodyBytes = 64 << 20

// decodeTimeout bounds how long a plugin may take over one body.
const decodeTimeout = 30 * time.Second

// receivedAt is when every sample was received, so that a mapping that reads
// _meta.received_at gives the same result each time.
var receivedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// decoder turns bodies into events with the plugin of one source connection.
type decoder struct {
	connection string
	conn       *pluginhost.Connection
}

// newDecoder starts the source connection that a mapping reads from, configured
// without its secrets: decoding is offline.
func newDecoder(ctx context.Context, p *project.Project, connection string) (*decoder, error) {
	if _, err := p.Catalog.Spec(ctx, connection); err != nil {
		return nil, err
	}
	c := p.Config.Connection(connection)
	spec, err := p.Host.Describe(ctx, c.Plugin, nil)
	if err != nil {
		return nil, err
	}
	conn, err := p.Host.Open(ctx, pluginhost.Config{Name: connection, Plugin: c.Plugin, JSON: c.Public(spec.ConfigSchema)})
	if err != nil {
		return nil, err
	}
	return &decoder{connection: connection, conn: conn}, nil
}

func (d *decoder) close(ctx context.Context) {
	ctx, done := project.Closing(ctx)
	defer done()
	_ = d.conn.Close(ctx)
}

// bodyRequest makes the webhook that would have brought a body, by the name of
// its file: .json, .form for application/x-www-form-urlencoded, or .ndjson for one on each
// line.
func bodyRequest(file, method, query string, body []byte) wire.Request {
	contentType := "application/json"
	if isForm(file) {
		contentType = "application/x-www-form-urlencoded"
	}
	if isLines(file) {
		contentType = linesType
	}
	return wire.Request{
		Method: method, Query: query, Body: body,
		Header: []wire.Header{{Name: "Content-Type", Value: contentType}},
	}
}

// bodyError says that a body makes no event that the mapping takes.
type bodyError struct{ message string }

// Error says why.
func (e *bodyError) Error() string { return e.message }

// isForm tells whether a file holds a form, by its name.
func isForm(file string) bool { return strings.EqualFold(filepath.Ext(file), ".form") }

// readBody reads a body from a file. The end of a form's last line is an
// editor's and is left out.
func readBody(file string) ([]byte, error) {
	body, err := project.ReadBounded("the body", file, maxBodyBytes)
	if isForm(file) {
		body = bytes.TrimRight(body, "\r\n")
	}
	return body, err
}

// decode decodes a webhook. The error is a *bodyError where the body is what is
// wrong.
func (d *decoder) decode(ctx context.Context, r wire.Request) ([]wire.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, decodeTimeout)
	defer cancel()
	decoded, err := d.conn.Decode(ctx, r)
	if crash, ok := errors.AsType[*pluginhost.CrashError](err); ok {
		return nil, &bodyError{crash.Error()}
	}
	if err != nil {
		return nil, err
	}
	if decoded.Refusal != nil {
		return nil, &bodyError{fmt.Sprintf("%s refuses the body with %d: %v", d.connection, decoded.Refusal.Status, decoded.Refusal)}
	}
	return decoded.Events, nil
}

// events decodes a webhook and gives those of its events that prog takes, at
// least one. The error is a *bodyError where the body is what is wrong.
func (d *decoder) events(ctx context.Context, prog *mapping.Program, r wire.Request) ([]mapping.Event, error) {
	if lines, ok := requestLines(r); ok {
		return d.eventsOfLines(ctx, prog, lines)
	}
	decoded, err := d.decode(ctx, r)
	if err != nil {
		return nil, err
	}
	var out []mapping.Event
	var others []string
	for _, e := range decoded {
		if !takes(prog, d.connection, e.Type) {
			others = append(others, d.connection+"."+e.Type)
			continue
		}
		out = append(out, mapping.Event{
			ID: e.ID, Connection: d.connection, Type: e.Type, Key: e.Key, ReceivedAt: receivedAt, Record: e.Record,
		})
	}
	if len(out) > 0 {
		return out, nil
	}
	if len(others) > 0 {
		return nil, &bodyError{fmt.Sprintf("the body holds %s, which %s does not take (its from: %s)",
			strings.Join(others, ", "), prog.Name(), fromText(prog))}
	}
	return nil, &bodyError{d.connection + " finds no event in the body"}
}

// takes tells whether prog's from names the event.
func takes(prog *mapping.Program, connection, event string) bool {
	return slices.ContainsFunc(prog.From(), func(r mapping.Ref) bool {
		return r.Connection == connection && r.Name == event
	})
}

func fromText(prog *mapping.Program) string {
	var out []string
	for _, r := range prog.From() {
		out = append(out, r.String())
	}
	return strings.Join(out, ", ")
}

// readInput reads a body from a file, or from standard input for "-".
func (a *app) readInput(file string) ([]byte, error) {
	if file != "-" {
		return readBody(file)
	}
	body, err := project.ReadLimited(a.stdin, maxBodyBytes)
	if err != nil {
		return nil, fmt.Errorf("standard input cannot be read: %w", err)
	}
	return body, nil
}
