package cli

import (
	"context"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/engine/suggest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// lookupsFor lists the lookups that a mapping to a sink may ask: those of the
// connections, and those of plugins that no connection has, which can only be
// mentioned. What the sink knows itself is none, and a plugin that cannot be asked
// has none.
func lookupsFor(ctx context.Context, p *project.Project, sink string) ([]suggest.Lookup, error) {
	var out []suggest.Lookup
	add := func(name, missing string, spec wire.Spec) {
		for _, l := range spec.Lookups {
			args, err := schema.Parse(l.ArgsSchema)
			if err != nil {
				continue
			}
			answer, err := schema.Parse(l.AnswerSchema)
			if err != nil {
				continue
			}
			out = append(out, suggest.Lookup{Name: name + "." + l.Name, Label: l.Title, System: spec.Title + " " + spec.Name, Missing: missing, Args: args, Answer: answer})
		}
	}
	of := p.Config.Connection(sink).Plugin
	for _, conn := range p.Config.Connections {
		if conn.Plugin == of {
			continue
		}
		if spec, err := p.Catalog.Spec(ctx, conn.Name); err == nil {
			add(conn.Name, "", spec)
		}
	}
	names, err := p.Host.Names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if slices.ContainsFunc(p.Config.Connections, func(c *config.Connection) bool { return c.Plugin == name }) {
			continue
		}
		if spec, err := p.Host.Describe(ctx, name, nil); err == nil {
			add(name, name, spec)
		}
	}
	return out, ctx.Err()
}
