package project

import (
	"context"
	"errors"
	"sync"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// catalog answers what the connections of a configuration offer, by asking their
// plugins offline. Each plugin is asked once for each connection.
type catalog struct {
	config *config.Config
	host   *pluginhost.Host

	mu    sync.Mutex
	specs map[string]described
	// givenUp are the connections that are known to be wrong: nothing is said of
	// them, and what refers to them is not held against a schema.
	givenUp map[string]bool
}

// described is what a connection's plugin said of itself, or why it did not.
type described struct {
	spec wire.Spec
	err  error
}

func newCatalog(cfg *config.Config, host *pluginhost.Host) *catalog {
	c := &catalog{config: cfg, host: host, specs: map[string]described{}, givenUp: map[string]bool{}}
	for _, conn := range cfg.Connections {
		if conn.Plugin == "" { // the configuration's own findings say so
			c.givenUp[conn.Name] = true
		}
	}
	return c
}

// giveUp keeps the compiler from reporting a connection that has been reported.
func (c *catalog) giveUp(connection string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.givenUp[connection] = true
}

func (c *catalog) isGivenUp(connection string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.givenUp[connection]
}

// Spec gives what a configured connection offers under its configuration,
// without its secrets.
func (c *catalog) Spec(ctx context.Context, connection string) (wire.Spec, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d, ok := c.specs[connection]; ok {
		return d.spec, d.err
	}
	spec, err := c.describe(ctx, connection)
	if ctx.Err() == nil {
		c.specs[connection] = described{spec, err}
	}
	return spec, err
}

func (c *catalog) describe(ctx context.Context, connection string) (wire.Spec, error) {
	conn, err := pick(c.config.Connections, func(c *config.Connection) string { return c.Name }, "connection", connection)
	if err != nil {
		return wire.Spec{}, err
	}
	// The first answer tells which values are secrets, the second is for the rest.
	spec, err := c.host.Describe(ctx, conn.Plugin, nil)
	if err != nil {
		return wire.Spec{}, err
	}
	return c.host.Describe(ctx, conn.Plugin, conn.Public(spec.ConfigSchema))
}

// OperationSpec gives the spec of a connection's operation.
func (c *catalog) OperationSpec(ctx context.Context, connection, name string) (wire.OperationSpec, error) {
	spec, err := c.Spec(ctx, connection)
	if err != nil {
		return wire.OperationSpec{}, err
	}
	return pick(spec.Operations, func(o wire.OperationSpec) string { return o.Name }, "operation of "+connection, name)
}

// EventSpec gives the spec of a connection's event.
func (c *catalog) EventSpec(ctx context.Context, connection, name string) (wire.EventSpec, error) {
	spec, err := c.Spec(ctx, connection)
	if err != nil {
		return wire.EventSpec{}, err
	}
	return pick(spec.Events, func(e wire.EventSpec) string { return e.Name }, "event of "+connection, name)
}

// LookupSpec gives the spec of a connection's lookup.
func (c *catalog) LookupSpec(ctx context.Context, connection, name string) (wire.LookupSpec, error) {
	spec, err := c.Spec(ctx, connection)
	if err != nil {
		return wire.LookupSpec{}, err
	}
	return pick(spec.Lookups, func(l wire.LookupSpec) string { return l.Name }, "lookup of "+connection, name)
}

// pick gives the one of all that has the name, or a *mapping.NotFoundError with
// the names that there are; what says what they are.
func pick[T any](all []T, nameOf func(T) string, what, name string) (T, error) {
	known := make([]string, 0, len(all))
	for _, one := range all {
		if nameOf(one) == name {
			return one, nil
		}
		known = append(known, nameOf(one))
	}
	var none T
	return none, &mapping.NotFoundError{What: what, Name: name, Known: known}
}

// With gives the compiler's view of the catalog, bound to ctx.
func (c *catalog) With(ctx context.Context) mapping.Catalog { return boundCatalog{c, ctx} }

type boundCatalog struct {
	*catalog
	ctx context.Context
}

// Event gives the schema of a connection's event; nil if the connection was
// given up.
func (b boundCatalog) Event(connection, name string) (*schema.Schema, error) {
	if b.isGivenUp(connection) {
		return nil, nil
	}
	e, err := b.EventSpec(b.ctx, connection, name)
	if err != nil {
		return nil, compilerError(connection, err)
	}
	return schema.Parse(e.Schema)
}

// Plugin gives the name of a connection's plugin, "" for a connection that there is not.
func (b boundCatalog) Plugin(connection string) string {
	conn, err := pick(b.config.Connections, func(c *config.Connection) string { return c.Name }, "connection", connection)
	if err != nil {
		return ""
	}
	return conn.Plugin
}

// Operation gives the schema of a connection's operation; nil if the connection
// was given up.
func (b boundCatalog) Operation(connection, name string) (*schema.Schema, error) {
	if b.isGivenUp(connection) {
		return nil, nil
	}
	o, err := b.OperationSpec(b.ctx, connection, name)
	if err != nil {
		return nil, compilerError(connection, err)
	}
	return schema.Parse(o.Schema)
}

// Lookup gives the schemas of a connection's lookup; none if the connection was
// given up.
func (b boundCatalog) Lookup(connection, name string) (mapping.LookupSchema, error) {
	if b.isGivenUp(connection) {
		return mapping.LookupSchema{}, nil
	}
	l, err := b.LookupSpec(b.ctx, connection, name)
	if err != nil {
		return mapping.LookupSchema{}, compilerError(connection, err)
	}
	args, err := schema.Parse(l.ArgsSchema)
	if err != nil {
		return mapping.LookupSchema{}, err
	}
	answer, err := schema.Parse(l.AnswerSchema)
	return mapping.LookupSchema{Args: args, Answer: answer, CacheFor: l.CacheFor}, err
}

// compilerError tells what is not there from what is not known just now.
func compilerError(connection string, err error) error {
	if nf, ok := errors.AsType[*mapping.NotFoundError](err); ok {
		return nf
	}
	return &mapping.UnavailableError{Connection: connection, Err: err}
}
