package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/admin/client"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// picking are names that flags pick by: of connections, and of mappings.
type picking struct{ connections, mappings []string }

func (f *eventFlags) picks() picking {
	return picking{connections: []string{f.connection}, mappings: []string{f.mapping}}
}

func (f *letterFlags) picks() picking {
	return picking{connections: []string{f.source, f.sink}, mappings: []string{f.mapping}}
}

func (f *undecodedFlags) picks() picking { return picking{connections: []string{f.connection}} }

// unknown says which of the names that nothing was found for the engine does not have:
// they may be misspelt. What the configuration had before may have a history, too.
func (a *app) unknown(ctx context.Context, c *client.Client, p picking) error {
	given := func(s string) bool { return s != "" }
	if !slices.ContainsFunc(p.connections, given) && !slices.ContainsFunc(p.mappings, given) {
		return nil
	}
	s, err := client.Status.Get(ctx, c)
	if err != nil {
		return err
	}
	var connections, mappings []string
	for i := range s.Connections {
		connections = append(connections, s.Connections[i].Name)
	}
	for i := range s.Mappings {
		mappings = append(mappings, s.Mappings[i].Name)
	}
	for i := range s.Paused {
		mappings = append(mappings, s.Paused[i].Mapping)
	}
	for _, of := range []struct {
		what         string
		names, there []string
	}{{"connection", p.connections, connections}, {"mapping", p.mappings, mappings}} {
		for _, name := range of.names {
			if name != "" && !slices.Contains(of.there, name) {
				a.message("the engine has no %s %s: it has %s\n", of.what, words.Cut(name, 60), words.Plain(strings.Join(of.there, ", ")))
			}
		}
	}
	return nil
}
