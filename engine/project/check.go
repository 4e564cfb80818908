package project

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

// SourcesOf gives the source connections of a program, each once, sorted.
func SourcesOf(prog *mapping.Program) []string {
	var out []string
	for _, r := range prog.From() {
		out = append(out, r.Connection)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The rules of what concerns the whole project.
const (
	// RulePlugin: a connection's plugin is not there or cannot be asked.
	RulePlugin = "CW211"
	// ruleDoubleName: two mappings have one name.
	ruleDoubleName = "CW212"
	// RuleDraft: a mapping is a draft that says TODO.
	RuleDraft = "CW213"
	// RuleNoRow: a table has no row for a value.
	RuleNoRow = "CW164"
)

// CheckConnections holds each connection's configuration against its plugin's
// schema. What it reports is not reported again by the compiler.
func (p *Project) CheckConnections(ctx context.Context) diag.List {
	var out diag.List
	for _, conn := range p.Config.Connections {
		list := p.checkConnection(ctx, conn)
		if list.HasErrors() {
			p.Catalog.giveUp(conn.Name)
		}
		out = append(out, list...)
	}
	return out
}

func (p *Project) checkConnection(ctx context.Context, conn *config.Connection) diag.List {
	if conn.Plugin == "" {
		return nil // the configuration's own findings say so
	}
	spec, err := p.Host.Describe(ctx, conn.Plugin, nil)
	if err != nil {
		return diag.List{pluginFinding(conn, err)}
	}
	list := conn.CheckSchema(spec.ConfigSchema)
	if list.HasErrors() {
		return list
	}
	if _, err := p.Catalog.Spec(ctx, conn.Name); err != nil {
		list = append(list, pluginFinding(conn, err))
	}
	return list
}

// CheckTokens finds connections that mappings read from and that take no webhooks.
// Where all mappings compiled, it finds those as well that take webhooks which no
// mapping reads.
func (p *Project) CheckTokens(programs []*mapping.Program) diag.List {
	var out diag.List
	all := len(programs) == len(p.Config.Mappings)
	for _, conn := range p.Config.Connections {
		var readers []string
		for _, prog := range programs {
			if slices.Contains(SourcesOf(prog), conn.Name) {
				readers = append(readers, prog.Name())
			}
		}
		if len(readers) == 0 && all {
			out = append(out, conn.UnreadFinding()...)
		}
		out = append(out, conn.TokenFinding(readers)...)
	}
	return out
}

// pluginFinding says why a connection's plugin could not be asked.
func pluginFinding(conn *config.Connection, err error) diag.Diagnostic {
	nf, ok := errors.AsType[*pluginhost.NotFoundError](err)
	if !ok {
		return conn.PluginFinding(RulePlugin, "", err.Error())
	}
	hint := diag.DidYouMean(conn.Plugin, nf.Known)
	if hint == "" {
		hint = "put the plugin's binary there, or name another folder with --plugins"
	}
	return conn.PluginFinding(RulePlugin, hint, fmt.Sprintf("there is no plugin `%s` in %s", conn.Plugin, Relative(nf.Dir)))
}
