package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/engine/suggest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// initFlags are what `crosswalk init` is told, by flags or by answers.
type initFlags struct {
	from, to, input, name, out, method, query string
	noBody, force                             bool
}

func (a *app) initCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init --from CONNECTION.EVENT --to CONNECTION.OPERATION --input BODY",
		Short: "Write a first mapping, with a suggestion for each field of the sink",
		Long: `Writes a mapping from a source's event to a sink's operation. For each field of the sink
it looks for the source's field that is meant, by names and labels in English, Ukrainian
and Russian, by types and by what a body holds, and says how sure it is and why. Required
fields for which there is nothing say TODO; the file validates apart from these.

The body becomes the mapping's first sample. On a terminal it asks for what the flags do
not say. No file is overwritten without --force. Exit code 0: written, 1: the body makes
no such event, 2: could not run.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.init(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.from, "from", "", "the source's event: `connection.event`")
	cmd.Flags().StringVar(&f.to, "to", "", "the sink's operation: `connection.operation`")
	cmd.Flags().StringVar(&f.input, "input", "", "`file` with a body as the source sends it: .form holds a form, anything else JSON; - is standard input")
	cmd.Flags().BoolVar(&f.noBody, "no-body", false, "suggest without a body, of the schemas alone")
	cmd.Flags().StringVar(&f.name, "name", "", "the mapping's `name` (default: made of --from)")
	cmd.Flags().StringVar(&f.out, "out", "", "`file` to write, - for standard output (default: where the configuration's mappings look for it, as NAME/mapping.yaml)")
	cmd.Flags().BoolVar(&f.force, "force", false, "overwrite what is there")
	cmd.Flags().StringVar(&f.method, "method", "POST", "HTTP method of the webhook")
	cmd.Flags().StringVar(&f.query, "query", "", "query of the webhook's URL, such as event=new_order")
	return cmd
}

func (a *app) init(ctx context.Context, f initFlags) error {
	cfg, err := a.readyForInit()
	if err != nil {
		return err
	}
	if f.noBody && f.input != "" {
		return errors.New("--input and --no-body contradict each other")
	}
	if err := a.complete(ctx, cfg, &f); err != nil {
		return err
	}
	if f.name == "" {
		f.name = nameFrom(f.from)
	}
	if !mappingName.MatchString(f.name) {
		return fmt.Errorf("--name %s: a mapping's name has letters, digits, `-` and `_`, at most 64, for example horoshop-order", f.name)
	}
	if f.out == "" {
		f.out = project.Relative(placeOf(cfg, f.name))
	}
	var body []byte
	if !f.noBody {
		if body, err = a.readInput(f.input); err != nil {
			return err
		}
	}
	files := filesOf(f, body, neighbour(cfg, f.out))
	if err := files.check(f.force); err != nil {
		return err
	}
	return a.withProject(ctx, cfg, func(ctx context.Context, p *project.Project) error {
		in, err := a.suggestInput(ctx, p, f, body)
		if err != nil {
			return err
		}
		draft := suggest.Make(in)
		draft.Settle(func(yaml []byte) diag.List {
			_, findings := mapping.CompileWith(project.Relative(f.out), yaml, p.Catalog.With(ctx), mapping.Options{})
			return findings
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		files[0].text = draft.YAML()
		if err := files.write(a.stdout); err != nil {
			return err
		}
		a.summary(cfg, f, draft, files)
		return nil
	})
}

// mappingName is what a mapping may be called.
var mappingName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// readyForInit is ready, but for mappings that are not there: one is being
// written.
func (a *app) readyForInit() (*config.Config, error) {
	cfg, findings, err := a.load()
	if err != nil {
		return nil, err
	}
	findings = slices.DeleteFunc(findings, func(d diag.Diagnostic) bool { return d.Rule == config.RuleMappings })
	if cfg == nil || findings.HasErrors() {
		return nil, a.refuse(findings)
	}
	return cfg, nil
}

// nameFrom makes a mapping's name of an event: shop.order_created is
// shop-order-created.
func nameFrom(ref string) string {
	name := strings.NewReplacer(".", "-", "_", "-").Replace(ref)
	return name[:min(len(name), 64)]
}

// splitRef takes connection.name apart.
func splitRef(flag, ref string) (connection, name string, err error) {
	connection, name, ok := strings.Cut(ref, ".")
	if !ok || connection == "" || name == "" || strings.ContainsAny(name, ". ,") {
		example := "shop.order_created"
		if flag == "--to" {
			example = "saleapp.upsert_order"
		}
		return "", "", fmt.Errorf("%s %s: it is written connection.name, for example %s", flag, ref, example)
	}
	return connection, name, nil
}

// suggestInput asks the plugins for what a draft is made of.
func (a *app) suggestInput(ctx context.Context, p *project.Project, f initFlags, body []byte) (suggest.Input, error) {
	in := suggest.Input{Name: f.name, From: f.from, To: f.to}
	source, eventName, err := splitRef("--from", f.from)
	if err != nil {
		return in, err
	}
	sink, operationName, err := splitRef("--to", f.to)
	if err != nil {
		return in, err
	}
	event, err := p.Catalog.EventSpec(ctx, source, eventName)
	if err != nil {
		return in, flagError("--from", f.from, err)
	}
	operation, err := p.Catalog.OperationSpec(ctx, sink, operationName)
	if err != nil {
		return in, flagError("--to", f.to, err)
	}
	if in.Source, err = schema.Parse(event.Schema); err != nil {
		return in, fmt.Errorf("%s: %w", f.from, err)
	}
	if in.Sink, err = schema.Parse(operation.Schema); err != nil {
		return in, fmt.Errorf("%s: %w", f.to, err)
	}
	spec, err := p.Catalog.Spec(ctx, sink)
	if err != nil {
		return in, err
	}
	in.System = spec.Title
	if spec, err = p.Catalog.Spec(ctx, source); err != nil {
		return in, err
	}
	for _, e := range spec.Events {
		if e.Name != eventName && bytes.Equal(e.Schema, event.Schema) {
			in.AlsoFrom = append(in.AlsoFrom, source+"."+e.Name)
		}
	}
	if in.Lookups, err = lookupsFor(ctx, p, sink); err != nil || f.noBody {
		return in, err
	}
	in.Record, err = a.sampleRecord(ctx, p, source, eventName, bodyRequest(f.input, f.method, f.query, body))
	return in, err
}

// flagError says what is wrong with a flag that names something of a connection.
func flagError(flag, value string, err error) error {
	nf, ok := errors.AsType[*mapping.NotFoundError](err)
	if !ok {
		return fmt.Errorf("%s %s: %w", flag, value, err)
	}
	hint := diag.Known(nf.Name, nf.Known)
	if hint != "" {
		hint = "; " + hint
	}
	return fmt.Errorf("%s %s: %w%s", flag, value, err, hint)
}

// sampleRecord decodes a body and gives the record of the event that it holds.
func (a *app) sampleRecord(ctx context.Context, p *project.Project, connection, event string, r wire.Request) ([]byte, error) {
	d, err := newDecoder(ctx, p, connection)
	if err != nil {
		return nil, err
	}
	defer d.close(ctx)
	if lines, ok := requestLines(r); ok && len(lines) == 0 {
		a.message("%s\n", noLines)
		return nil, errFindings
	} else if ok {
		r = lines[0].Request // one is enough to see what there is
	}
	all, err := d.decode(ctx, r)
	if bad, ok := errors.AsType[*bodyError](err); ok && ctx.Err() == nil {
		a.message("%v\n", bad)
		return nil, errFindings
	}
	if err != nil {
		return nil, err
	}
	var others []string
	for _, e := range all {
		if e.Type == event {
			return e.Record, nil
		}
		others = append(others, connection+"."+e.Type)
	}
	if len(others) == 0 {
		a.message("%s finds no event in the body\n", connection)
	} else {
		a.message("the body holds %s, and not %s.%s: name that with --from, or another body\n", strings.Join(others, ", "), connection, event)
	}
	return nil, errFindings
}
