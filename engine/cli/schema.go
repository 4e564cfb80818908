package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/editor"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

func (a *app) schemaCommand() *cobra.Command {
	var (
		file, to, output string
		from             []string
	)
	cmd := &cobra.Command{
		Use:   "schema [--mapping FILE | --from EVENT --to OPERATION | --config [FILE]]",
		Short: "Print a JSON Schema with which an editor checks and completes YAML",
		Long: `Prints a JSON Schema for an editor's YAML language server.

With --mapping it is for that mapping file: its keys, the fields of its operation with
the vendor's labels, the paths of its events. The file needs ` + "`from` and `to`" + `, and may be
unfinished otherwise; for one that is not there yet, --from and --to say them. Make the
schema again when they change, or when names are added that shall be completed.

Without them it is for crosswalk.yaml: its keys, and each plugin's own under config.

The plugins are asked offline; no secret is needed.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.schemaFlags(cmd, args, file, from, to); err != nil {
				return err
			}
			var text []byte
			var err error
			if file == "" && len(from) == 0 {
				text, err = a.configSchema(cmd.Context())
			} else {
				text, err = a.mappingSchema(cmd.Context(), file, from, to)
			}
			if err != nil {
				return err
			}
			if output == "" {
				_, err = a.stdout.Write(text)
				return err
			}
			if err := os.WriteFile(output, text, 0o644); err != nil { //nolint:gosec // a schema is for everybody who edits the files
				return fmt.Errorf("the schema cannot be written to %s: %w", output, project.Bare(err))
			}
			a.message("wrote %s\n", project.Relative(output))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "mapping", "", "the mapping `file` that is edited")
	flags.StringSliceVar(&from, "from", nil, "the `event` of a mapping that is not there yet, connection.event; several with commas")
	flags.StringVar(&to, "to", "", "its `operation`, connection.operation")
	flags.StringVarP(&output, "output", "o", "", "write to this `file`, and only if there is a schema")
	// Here --config may stand alone: the schema of crosswalk.yaml is asked for.
	flags.StringVar(&a.configPath, "config", "", "configuration `file` (default crosswalk.yaml here or in a folder above); its own schema if no mapping is named")
	flags.Lookup("config").NoOptDefVal = nearest
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		flags.Lookup("config").NoOptDefVal = "" // it is no text that people type
		cmd.Root().HelpFunc()(cmd, args)
	})
	return cmd
}

// nearest is what --config holds when no file follows it.
const nearest = "\x00"

// schemaFlags reads what stands behind --config, and refuses what does not fit.
func (a *app) schemaFlags(cmd *cobra.Command, args []string, file string, from []string, to string) error {
	if a.configPath == nearest {
		a.configPath = ""
		if len(args) > 0 {
			a.configPath, args = args[0], args[1:]
		}
	}
	if err := noArgs(cmd, args); err != nil {
		return err
	}
	switch {
	case file != "" && (len(from) > 0 || to != ""):
		return errors.New("a mapping file says its own `from` and `to`: give --mapping, or --from and --to")
	case (len(from) > 0) != (to != ""):
		return errors.New("--from and --to go together: --from shop.order_created --to saleapp.upsert_order")
	case cmd.Flags().Changed("mapping") && file == "":
		return errors.New("--mapping names no file")
	}
	return nil
}

// configSchema gives the schema of crosswalk.yaml. There need be none yet, if
// --plugins names the folder of plugins.
func (a *app) configSchema(ctx context.Context) ([]byte, error) {
	cfg := &config.Config{}
	if a.pluginsDir == "" || a.configPath != "" {
		var err error
		if cfg, _, err = a.load(); err != nil {
			return nil, fmt.Errorf("%w; --plugins names the folder of plugins without one", err)
		}
		if cfg == nil {
			return nil, errors.New("the configuration is no YAML, so that it does not say where the plugins are; name their folder with --plugins")
		}
	}
	var text []byte
	err := a.withProject(ctx, cfg, func(ctx context.Context, p *project.Project) error {
		names, err := p.Host.Names()
		if err != nil {
			return err
		}
		var plugins []editor.Plugin
		for _, name := range names {
			one := editor.Plugin{Name: name}
			spec, err := p.Host.Describe(ctx, name, nil)
			if err != nil {
				a.message("crosswalk: %v; its config is not checked\n", err)
			} else {
				one.Title, one.Config = spec.Title, spec.ConfigSchema
			}
			plugins = append(plugins, one)
		}
		text, err = editor.Config(plugins)
		return err
	})
	return text, err
}

// mappingSchema gives the schema of a mapping file, or of one that will have the
// given from and to.
func (a *app) mappingSchema(ctx context.Context, file string, from []string, to string) ([]byte, error) {
	cfg, _, err := a.load()
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		_, _, err := a.ready() // which prints what is wrong with it
		return nil, err
	}
	var text []byte
	err = a.withProject(ctx, cfg, func(ctx context.Context, p *project.Project) error {
		source, name := []byte(nil), "mapping.yaml"
		if file == "" {
			source, err = yaml.Marshal(map[string]any{"mapping": "new", "from": from, "to": to})
		} else {
			if file, err = mappingFile(cfg, file); err != nil {
				return err
			}
			source, err = project.ReadBounded("the mapping", file, mapping.MaxFile)
			name = project.Relative(file)
		}
		if err != nil {
			return err
		}
		m, findings, err := editedMapping(ctx, p, name, source)
		if err != nil {
			return err
		}
		if findings.HasErrors() {
			if file == "" {
				for i := range findings { // there is no file to show
					findings[i].Position, findings[i].Source = diag.Position{}, ""
				}
			}
			return a.refuse(findings)
		}
		text, err = m.Schema()
		return err
	})
	return text, err
}

// editedMapping gathers what the schema of a mapping is made of. What is wrong with its
// from and to is in the list.
func editedMapping(ctx context.Context, p *project.Project, file string, text []byte) (*editor.Mapping, diag.List, error) {
	draft, ok := editor.Read(text)
	_, found := mapping.CompileWith(file, text, p.Catalog.With(ctx), mapping.Options{Tables: project.TablesOf(file)})
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if !ok {
		return nil, found, nil
	}
	nodes := draft.From
	if draft.To != nil {
		nodes = append(slices.Clip(nodes), draft.To)
	}
	if len(draft.From) == 0 || draft.To == nil {
		return nil, append(about(found, nodes), diag.Diagnostic{
			Severity: diag.Error, Rule: "CW106", Position: diag.Position{File: file},
			Message: "a schema is made for the mapping's `from` and `to`, and the file does not say both",
			Hint:    "write both, as from: shop.order_created and to: saleapp.upsert_order, or give --from and --to",
		}), nil
	}
	if wrong := about(found, nodes); len(wrong) > 0 {
		return nil, wrong, nil
	}
	m := &editor.Mapping{Draft: draft}
	catalog := p.Catalog.With(ctx)
	for _, n := range draft.From {
		connection, event, _ := strings.Cut(n.Value, ".")
		s, err := catalog.Event(connection, event)
		if err != nil {
			return nil, nil, err
		}
		m.From = append(m.From, editor.Event{Name: n.Value, Schema: s})
	}
	connection, operation, _ := strings.Cut(draft.To.Value, ".")
	s, err := catalog.Operation(connection, operation)
	if err != nil {
		return nil, nil, err
	}
	m.To = editor.Event{Name: draft.To.Value, Schema: s}
	addOffers(ctx, p, m)
	return m, nil, ctx.Err()
}

// addOffers fills in what all connections offer.
func addOffers(ctx context.Context, p *project.Project, m *editor.Mapping) {
	for _, conn := range p.Config.Connections {
		spec, err := p.Catalog.Spec(ctx, conn.Name)
		if err != nil {
			m.Unknown = append(m.Unknown, conn.Name)
			continue
		}
		for _, e := range spec.Events {
			m.Events = append(m.Events, editor.Offer{Name: conn.Name + "." + e.Name, Title: e.Title})
		}
		for _, o := range spec.Operations {
			m.Operations = append(m.Operations, editor.Offer{Name: conn.Name + "." + o.Name, Title: o.Title})
		}
		for _, l := range spec.Lookups {
			one := editor.Lookup{Name: conn.Name + "." + l.Name, Title: l.Title}
			if s, err := p.Catalog.With(ctx).Lookup(conn.Name, l.Name); err == nil {
				one.Args, one.Answer = s.Args, s.Answer
			}
			m.Lookups = append(m.Lookups, one)
		}
	}
}

// about gives the errors that stand at the lines of nodes.
func about(found diag.List, nodes []*yaml.Node) diag.List {
	var out diag.List
	for _, d := range found {
		if d.Severity == diag.Error && slices.ContainsFunc(nodes, func(n *yaml.Node) bool {
			return d.Position.Line == n.Line && d.Position.Column >= n.Column && d.Position.Column <= n.Column+len(n.Value)+1
		}) {
			out = append(out, d)
		}
	}
	return out
}
