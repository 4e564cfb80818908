package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/engine/words"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func (a *app) connectionsCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "connections [CONNECTION | CONNECTION.NAME]",
		Short: "List connections, their events, operations and lookups, and the fields of one",
		Long: `Without an argument it lists what each connection of the configuration offers: the events
that a mapping's from can name, the operations for its to, and lookups. With a connection
it lists the keys of its config too, and with connection.name the fields of that event,
operation or lookup: their types, when they are required, the vendor's labels, and the
values that they can hold.

Without a configuration --plugins names the folder of plugins, and each of them is listed.
The plugins are asked offline; no secret is needed.`,
		Aliases: []string{"connection"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("connections takes one name, and %d are given: crosswalk connections CONNECTION.NAME", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format, formatText, formatJSON); err != nil {
				return err
			}
			return a.connections(cmd.Context(), args, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", formatText, "text or json")
	return cmd
}

// listedConnection is a connection as it is listed.
type listedConnection struct {
	Connection string        `json:"connection"`
	Plugin     string        `json:"plugin"`
	Version    string        `json:"version,omitempty"`
	Title      string        `json:"title,omitempty"`
	Config     []listedField `json:"config,omitempty"`
	Offers     []listedOffer `json:"offers"`
	// Error is why the plugin cannot be asked.
	Error string `json:"error,omitempty"`
}

// listedOffer is an event, an operation or a lookup as it is listed.
type listedOffer struct {
	// Name is connection.name, Kind event, operation or lookup.
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// Key is the path of the field by which an event's records are told apart.
	Key string `json:"key,omitempty"`
	// Fields are those of an event or operation, Args and Answer those of a lookup.
	Fields []listedField `json:"fields,omitempty"`
	Args   []listedField `json:"args,omitempty"`
	Answer []listedField `json:"answer,omitempty"`
}

// configured is load for a command that needs no configuration if --plugins names the
// folder of plugins: then each plugin is a connection of its name.
func (a *app) configured(ctx context.Context, use func(context.Context, *project.Project) error) error {
	cfg, findings, err := a.load()
	switch {
	case err == nil && findings.HasErrors() && (cfg == nil || len(cfg.Connections) == 0):
		return a.refuse(findings)
	case err == nil:
		return a.withProject(ctx, cfg, use)
	case a.pluginsDir == "":
		return fmt.Errorf("%w, or the folder of plugins with --plugins", err)
	case a.configPath != "":
		return err
	}
	return a.withProject(ctx, &config.Config{}, func(ctx context.Context, p *project.Project) error {
		names, err := p.Host.Names()
		if err != nil {
			return err
		}
		for _, name := range names {
			p.Config.Connections = append(p.Config.Connections, &config.Connection{Name: name, Plugin: name})
		}
		return use(ctx, p)
	})
}

func (a *app) connections(ctx context.Context, args []string, format string) error {
	return a.configured(ctx, func(ctx context.Context, p *project.Project) error {
		if len(args) == 0 {
			return a.listConnections(ctx, p, format)
		}
		name, offer, one := strings.Cut(args[0], ".")
		spec, err := p.Catalog.Spec(ctx, name)
		if nf, ok := errors.AsType[*mapping.NotFoundError](err); ok {
			return fmt.Errorf("%w; %s", nf, diag.Known(nf.Name, nf.Known))
		}
		if err != nil {
			return err
		}
		all := offersOf(name, spec)
		if !one {
			c := listed(p, name, spec)
			if c.Config, err = fieldsOf(spec.ConfigSchema); err != nil {
				return fmt.Errorf("config of plugin %s: %w", spec.Name, err)
			}
			if format == formatJSON {
				return a.printJSON(c)
			}
			return a.print(connectionText(c))
		}
		var found []listedOffer
		var known []string
		for _, o := range all {
			known = append(known, o.Name)
			if o.Name == args[0] {
				if err := o.fill(spec, offer); err != nil {
					return fmt.Errorf("%s: %w", o.Name, err)
				}
				found = append(found, o)
			}
		}
		switch {
		case len(found) == 0:
			hint := diag.Known(args[0], known)
			if hint == "" {
				hint = "it offers nothing"
			}
			return fmt.Errorf("connection %s has no event, operation or lookup %s; %s", name, offer, hint)
		case format == formatJSON:
			return a.printJSON(found)
		}
		for _, o := range found {
			if err := a.print(offerText(o)); err != nil {
				return err
			}
		}
		return nil
	})
}

// listConnections lists all of them. Those that cannot be asked are findings.
func (a *app) listConnections(ctx context.Context, p *project.Project, format string) error {
	all := []listedConnection{}
	failed := false
	for _, conn := range p.Config.Connections {
		spec, err := p.Catalog.Spec(ctx, conn.Name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c := listed(p, conn.Name, spec)
		if err != nil {
			c.Error, failed = err.Error(), true
			if format == formatText {
				a.message("connection %s cannot be asked: %v\n", conn.Name, err)
			}
		}
		all = append(all, c)
	}
	err := error(nil)
	if format == formatJSON {
		err = a.printJSON(all)
	} else {
		err = a.print(connectionsText(all))
	}
	if err == nil && failed {
		return errFindings
	}
	return err
}

func listed(p *project.Project, name string, spec wire.Spec) listedConnection {
	return listedConnection{
		Connection: name, Plugin: p.Config.Connection(name).Plugin, Version: spec.Version, Title: spec.Title,
		Offers: offersOf(name, spec),
	}
}

// offersOf lists what a connection offers, without the fields.
func offersOf(connection string, spec wire.Spec) []listedOffer {
	out := []listedOffer{}
	add := func(kind, name, title, description string) {
		out = append(out, listedOffer{Name: connection + "." + name, Kind: kind, Title: title, Description: description})
	}
	for _, e := range spec.Events {
		add("event", e.Name, e.Title, e.Description)
	}
	for _, o := range spec.Operations {
		add("operation", o.Name, o.Title, o.Description)
	}
	for _, l := range spec.Lookups {
		add("lookup", l.Name, l.Title, l.Description)
	}
	return out
}

// fill adds the fields of the offer of that name.
func (o *listedOffer) fill(spec wire.Spec, name string) (err error) {
	switch o.Kind {
	case "event":
		i := slices.IndexFunc(spec.Events, func(e wire.EventSpec) bool { return e.Name == name })
		var s *schema.Schema
		if s, err = schema.Parse(spec.Events[i].Schema); err == nil {
			o.Key, o.Fields = s.Key(), listFields(s)
		}
	case "operation":
		i := slices.IndexFunc(spec.Operations, func(e wire.OperationSpec) bool { return e.Name == name })
		var s *schema.Schema
		if s, err = schema.Parse(spec.Operations[i].Schema); err == nil {
			o.Key, o.Fields = s.Key(), listFields(s)
		}
	default:
		i := slices.IndexFunc(spec.Lookups, func(e wire.LookupSpec) bool { return e.Name == name })
		if o.Args, err = fieldsOf(spec.Lookups[i].ArgsSchema); err == nil {
			o.Answer, err = fieldsOf(spec.Lookups[i].AnswerSchema)
		}
	}
	return err
}

// fieldsOf lists the fields of a JSON Schema; none of an empty one.
func fieldsOf(text json.RawMessage) ([]listedField, error) {
	if len(text) == 0 {
		return nil, nil
	}
	s, err := schema.Parse(text)
	if err != nil {
		return nil, err
	}
	return listFields(s), nil
}

func connectionsText(all []listedConnection) string {
	rows := []string{row("NAME", "KIND", "PLUGIN", "TITLE")}
	for _, c := range all {
		rows = append(rows, row(c.Connection, "connection", c.Plugin, c.Title))
		for _, o := range c.Offers {
			rows = append(rows, row("  "+o.Name, o.Kind, "", words.Cut(o.Title, maxCell)))
		}
	}
	return columns(rows)
}

func connectionText(c listedConnection) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: connection of plugin %s %s", c.Connection, c.Plugin, c.Version)
	if c.Title != "" {
		fmt.Fprintf(&b, ", %s", c.Title)
	}
	b.WriteString("\n\n")
	if len(c.Offers) > 0 {
		rows := []string{row("OFFERS", "KIND", "TITLE")}
		for _, o := range c.Offers {
			rows = append(rows, row(o.Name, o.Kind, words.Cut(o.Title, maxCell)))
		}
		b.WriteString(columns(rows) + "\n")
	}
	if len(c.Config) == 0 {
		b.WriteString("Its config has no keys.\n")
	} else {
		b.WriteString(fieldTable("CONFIG", c.Config))
	}
	return b.String()
}

func offerText(o listedOffer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", o.Name, o.Kind)
	if o.Title != "" {
		fmt.Fprintf(&b, ", %s", words.Plain(o.Title))
	}
	b.WriteByte('\n')
	if o.Description != "" {
		b.WriteString(words.Plain(o.Description) + "\n")
	}
	if o.Key != "" {
		b.WriteString("Key: " + o.Key + "\n")
	}
	b.WriteByte('\n')
	if o.Kind == "lookup" {
		b.WriteString(fieldTable("ARGUMENT", o.Args) + "\n" + fieldTable("ANSWER", o.Answer))
		return b.String()
	}
	b.WriteString(fieldTable("FIELD", o.Fields))
	return b.String()
}
