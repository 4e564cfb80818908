package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// mapFlags are what `crosswalk map` is told.
type mapFlags struct {
	input, method, query, connection, format, lookups, save string

	explain, ask bool
}

func (a *app) mapCommand() *cobra.Command {
	var f mapFlags
	cmd := &cobra.Command{
		Use:   "map MAPPING --input BODY",
		Short: "Show what a mapping makes of a body",
		Long: `Decodes a body as the source's plugin does with a webhook, maps it, holds the result
against the sink's schema, and prints it. Nothing is sent. MAPPING is a file, or the name
of a mapping of the configuration. An event that the mapping skips prints {"$skip": true}.
Exit code 0: mapped or skipped, 1: the mapping, the body or the result is wrong, 2: could
not run.

With --explain it says of each field of the sink's record where its value comes from:
the rule, what was read, the table's row, the default, the conversion, and which when,
where and choose decided; also where the mapping fails.

The mapping's lookups are answered by --lookups FILE, or by CASE.lookups.json beside the
body CASE.json; CASE.query beside it holds the query. With --ask the systems are asked what
these do not answer, through the connections of the configuration and with their secrets;
--save keeps the answers, for a sample.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return a.whichMapping(len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.input == "" {
				return a.missingBody(args[0])
			}
			if err := checkExplain(f.explain, f.format); err != nil {
				return err
			}
			return a.mapOne(cmd.Context(), args[0], f)
		},
	}
	cmd.Flags().StringVar(&f.input, "input", "", "`file` with the body: .form holds a form, .ndjson a JSON body on each line, anything else JSON; - is standard input")
	cmd.Flags().StringVar(&f.method, "method", "POST", "HTTP method of the webhook")
	cmd.Flags().StringVar(&f.query, "query", "", "query of the webhook's URL, such as event=new_order (default: CASE.query beside the body)")
	cmd.Flags().StringVar(&f.connection, "connection", "", "source `connection` that the body comes from (default: the first of the mapping's from)")
	cmd.Flags().StringVar(&f.lookups, "lookups", "", "`file` with answers to the mapping's lookups (default: CASE.lookups.json beside the body)")
	cmd.Flags().BoolVar(&f.ask, "ask", false, "ask the systems what no file answers; needs the secrets of the lookups' connections")
	cmd.Flags().StringVar(&f.save, "save", "", "`file` to write all answers to, as CASE.lookups.json; goes with --ask")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "say where each field's value comes from")
	cmd.Flags().StringVar(&f.format, "format", formatText, "text or json, of --explain")
	return cmd
}

// answers reads the file with the answers of lookups that the flags name, or the one
// beside the body; none without either.
func (f *mapFlags) answers() (*knownAnswers, error) {
	file := f.lookups
	if beside := f.beside(lookupsEnding); file == "" && beside != "" {
		file = beside
	}
	known := &knownAnswers{}
	if file != "" {
		var err error
		if known, err = readAnswers(file); err != nil {
			return nil, err
		}
	}
	switch {
	case f.save == "":
		return known, nil
	case !f.ask:
		return nil, errors.New("--save keeps what --ask is answered: give both")
	}
	if _, err := os.Stat(f.save); err == nil && filepath.Clean(f.save) != filepath.Clean(file) {
		return nil, fmt.Errorf("--save %s: it is there already; add to it with --lookups %s, or name another file", f.save, f.save)
	}
	return known, nil
}

// request makes the webhook that would have brought the body.
func (f *mapFlags) request(body []byte) (wire.Request, error) {
	query := f.query
	if beside := f.beside(queryEnding); query == "" && beside != "" {
		text, err := project.ReadBounded("the query", beside, maxQueryBytes)
		if err != nil {
			return wire.Request{}, err
		}
		query = strings.TrimSpace(string(text))
	}
	return bodyRequest(f.input, f.method, query, body), nil
}

// beside gives the file beside the body that a sample would have, "" if it is not
// there.
func (f *mapFlags) beside(ending string) string {
	if f.input == "-" {
		return ""
	}
	file := strings.TrimSuffix(f.input, filepath.Ext(f.input)) + ending
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return file
}

func (a *app) mapOne(ctx context.Context, arg string, f mapFlags) error {
	cfg, _, err := a.ready()
	if err != nil {
		return err
	}
	file, err := mappingFile(cfg, arg)
	if err != nil {
		return err
	}
	known, err := f.answers()
	if err != nil {
		return err
	}
	body, err := a.readInput(f.input)
	if err != nil {
		return err
	}
	request, err := f.request(body)
	if err != nil {
		return err
	}
	return a.withProject(ctx, cfg, func(ctx context.Context, p *project.Project) error {
		prog, findings, err := p.Compile(ctx, file)
		if err != nil {
			return err
		}
		if prog == nil {
			return a.refuse(findings)
		}
		events, err := a.mapEvents(ctx, p, prog, f, request)
		if err != nil {
			return err
		}
		sink, err := sinkSchema(ctx, p, prog)
		if err != nil {
			return err
		}
		err = known.check(ctx, p)
		if wrong, ok := errors.AsType[*answersError](err); ok {
			a.message("%v\n", wrong)
			return errFindings
		}
		if err != nil {
			return err
		}
		if f.ask {
			known.live = &live{app: a, project: p}
			defer known.live.close(ctx)
		}
		if f.explain {
			err = a.explain(ctx, prog, sink, events, f.format, known)
		} else {
			err = a.printMapped(ctx, prog, sink, events, known)
		}
		if err != nil && !errors.Is(err, errFindings) {
			return err
		}
		if unasked := known.unasked(); unasked != nil && err == nil {
			a.message("%v\n", unasked)
		}
		if failed := a.afterAsking(f, prog, known); failed != nil {
			return failed
		}
		return err
	})
}

// afterAsking keeps the answers, and says if nothing was asked.
func (a *app) afterAsking(f mapFlags, prog *mapping.Program, known *knownAnswers) error {
	switch {
	case !f.ask || known.live.failed:
		return nil
	case known.live.asked == 0 && prog.Lookups() == 0:
		a.message("nothing was asked: %s has no lookups\n", prog.Name())
	case known.live.asked == 0:
		a.message("nothing was asked: the event needs no answer that is not known\n")
	}
	if f.save == "" || len(known.entries) == 0 {
		return nil
	}
	if err := known.save(f.save); err != nil {
		return err
	}
	a.message("wrote %s\n", project.Relative(f.save))
	return nil
}

// mapEvents decodes the body.
func (a *app) mapEvents(ctx context.Context, p *project.Project, prog *mapping.Program, f mapFlags, request wire.Request) ([]mapping.Event, error) {
	connection := f.connection
	if connection == "" {
		connection = prog.From()[0].Connection
	}
	if !slices.Contains(project.SourcesOf(prog), connection) {
		return nil, fmt.Errorf("--connection %s: %s does not read from it (its from: %s)", connection, prog.Name(), fromText(prog))
	}
	d, err := newDecoder(ctx, p, connection)
	if err != nil {
		return nil, err
	}
	defer d.close(ctx)
	events, err := d.events(ctx, prog, request)
	if bad, ok := errors.AsType[*bodyError](err); ok && ctx.Err() == nil {
		a.message("%v\n", bad)
		return nil, errFindings
	}
	return events, err
}

// printMapped prints what becomes of each event.
func (a *app) printMapped(ctx context.Context, prog *mapping.Program, sink *schema.Schema, events []mapping.Event, known *knownAnswers) error {
	failed := false
	for _, ev := range events {
		res, err := mapEvent(ctx, prog, sink, &ev, known)
		if unaskable(err) {
			return err
		}
		if err != nil {
			failed = true
			if err := a.printFailure(err); err != nil {
				return err
			}
			continue
		}
		var out bytes.Buffer
		if err := json.Indent(&out, res, "", "  "); err != nil {
			return fmt.Errorf("the mapping made no JSON: %w", err)
		}
		if _, err := fmt.Fprintln(a.stdout, out.String()); err != nil {
			return err
		}
	}
	if failed {
		return errFindings
	}
	return nil
}

// refuse prints findings that keep a command from going on.
func (a *app) refuse(findings diag.List) error {
	if err := findings.WriteText(a.stderr); err != nil {
		return err
	}
	return errFindings
}

// printFailure prints why an event cannot be mapped, on standard error.
func (a *app) printFailure(err error) error {
	if me, ok := errors.AsType[*mapping.Error](err); ok {
		return me.List().WriteText(a.stderr)
	}
	a.message("%v\n", err)
	return nil
}

// sinkSchema gives the schema of the operation that prog's records go to.
func sinkSchema(ctx context.Context, p *project.Project, prog *mapping.Program) (*schema.Schema, error) {
	return p.Catalog.With(ctx).Operation(prog.To().Connection, prog.To().Name)
}

// skipped is what stands for the record of an event that a mapping skips.
var skipped = json.RawMessage(`{"$skip":true}`)

// mapEvent maps one event and holds the result against the sink's schema.
func mapEvent(ctx context.Context, prog *mapping.Program, sink *schema.Schema, ev *mapping.Event, known *knownAnswers) (json.RawMessage, error) {
	answers, err := known.of(ctx, prog, ev)
	if err != nil {
		return nil, err
	}
	res, err := prog.MapWith(ev, answers, nil)
	if err != nil {
		return nil, err
	}
	if res.Skipped {
		return skipped, nil
	}
	if vs := sink.Validate(res.Record); len(vs) > 0 {
		errs := make([]error, 0, len(vs))
		for _, v := range vs {
			errs = append(errs, fmt.Errorf("the record breaks the schema of %s: %s", prog.To(), v))
		}
		return res.Record, errors.Join(errs...)
	}
	return res.Record, nil
}
