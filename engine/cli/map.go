package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func (a *app) mapCommand() *cobra.Command {
	var input, method, query, connection, format, lookups string
	var explain bool
	cmd := &cobra.Command{
		Use:   "map MAPPING --input BODY",
		Short: "Show what a mapping makes of a body",
		Long: `Decodes a body as the source's plugin does with a webhook, maps it, holds the result
against the sink's schema, and prints it. Nothing is sent. An event that the mapping
skips prints {"$skip": true}. Exit code 0: mapped or skipped, 1: the mapping, the body
or the result is wrong, 2: could not run.

With --explain it says of each field of the sink's record where its value comes from:
the rule, what was read, the table's row, the default, the conversion, and which when,
where and choose decided; also where the mapping fails.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("map takes one mapping file, and %d are named: crosswalk map MAPPING --input BODY", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if input == "" {
				return errors.New("--input is missing: name a file with a body as the source sends it, or - for standard input")
			}
			if err := checkExplain(explain, format); err != nil {
				return err
			}
			known := &knownAnswers{}
			if lookups != "" {
				var err error
				if known, err = readAnswers(lookups); err != nil {
					return err
				}
			}
			show := func(prog *mapping.Program, sink *schema.Schema, events []mapping.Event) error {
				if explain {
					return a.explain(prog, sink, events, format, known)
				}
				return a.printMapped(prog, sink, events, known)
			}
			return a.mapOne(cmd.Context(), args[0], input, connection, bodyRequest(input, method, query, nil), known, show)
		},
	}
	cmd.Flags().StringVar(&input, "input", "", "`file` with the body: .form holds a form, anything else JSON; - is standard input")
	cmd.Flags().StringVar(&method, "method", "POST", "HTTP method of the webhook")
	cmd.Flags().StringVar(&query, "query", "", "query of the webhook's URL, such as event=new_order")
	cmd.Flags().StringVar(&connection, "connection", "", "source `connection` that the body comes from (default: the first of the mapping's from)")
	cmd.Flags().StringVar(&lookups, "lookups", "", "`file` with answers to the mapping's lookups, as a sample's CASE.lookups.json; nobody is asked")
	cmd.Flags().BoolVar(&explain, "explain", false, "say where each field's value comes from")
	cmd.Flags().StringVar(&format, "format", formatText, "text or json, of --explain")
	return cmd
}

// showEvents prints what becomes of events.
type showEvents func(prog *mapping.Program, sink *schema.Schema, events []mapping.Event) error

func (a *app) mapOne(ctx context.Context, file, input, connection string, request wire.Request, known *knownAnswers, show showEvents) error {
	cfg, _, err := a.ready()
	if err != nil {
		return err
	}
	if request.Body, err = a.readInput(input); err != nil {
		return err
	}
	return a.withProject(ctx, cfg, func(ctx context.Context, p *project) error {
		prog, findings, err := p.compile(ctx, file)
		if err != nil {
			return err
		}
		if prog == nil {
			return a.refuse(findings)
		}
		if connection == "" {
			connection = prog.From()[0].Connection
		}
		if !slices.Contains(sourcesOf(prog), connection) {
			return fmt.Errorf("--connection %s: %s does not read from it (its from: %s)", connection, prog.Name(), fromText(prog))
		}
		d, err := p.decoder(ctx, connection)
		if err != nil {
			return err
		}
		defer d.close(ctx)
		events, err := d.events(ctx, prog, request)
		if bad, ok := errors.AsType[*bodyError](err); ok && ctx.Err() == nil {
			a.message("%v\n", bad)
			return errFindings
		}
		if err != nil {
			return err
		}
		sink, err := p.sinkSchema(ctx, prog)
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
		err = show(prog, sink, events)
		if unasked := known.unasked(); unasked != nil && err == nil {
			a.message("%v\n", unasked)
		}
		return err
	})
}

// printMapped prints what becomes of each event.
func (a *app) printMapped(prog *mapping.Program, sink *schema.Schema, events []mapping.Event, known *knownAnswers) error {
	failed := false
	for _, ev := range events {
		res, err := mapEvent(prog, sink, &ev, known)
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
func (p *project) sinkSchema(ctx context.Context, prog *mapping.Program) (*schema.Schema, error) {
	return p.catalog.with(ctx).Operation(prog.To().Connection, prog.To().Name)
}

// skipped is what stands for the record of an event that a mapping skips.
var skipped = json.RawMessage(`{"$skip":true}`)

// mapEvent maps one event and holds the result against the sink's schema.
func mapEvent(prog *mapping.Program, sink *schema.Schema, ev *mapping.Event, known *knownAnswers) (json.RawMessage, error) {
	answers, err := known.of(prog, ev)
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
