package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/engine/words"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func (a *app) testCommand() *cobra.Command {
	var t sampleTest
	cmd := &cobra.Command{
		Use:   "test [MAPPING...]",
		Short: "Map every sample of the mappings and compare with what is wanted",
		Long: `For each mapping, every body in the folder samples beside it (CASE.json, CASE.form, or
CASE.ndjson with one on each line) is decoded by the source's plugin, mapped, held against
the sink's schema, and compared with CASE.want.json: the record, or {"$skip": true}, or
{"$error": "CW301"}; an array of these where there are several events. Nobody is asked: CASE.lookups.json holds the answers to the mapping's lookups, and CASE.query
the query of the webhook's URL, such as event=new_order. At the end it says which rules,
table rows, defaults, and ways of when, where and choose no sample has reached;
--coverage-min makes too few of them a failure.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			t.app = a
			if err := checkFormat(t.report.format, formatText, formatJUnit, formatGitHub); err != nil {
				return err
			}
			if err := t.coverage.check(t.only); err != nil {
				return err
			}
			return t.run(cmd.Context(), files)
		},
	}
	cmd.Flags().BoolVar(&t.update, "update", false, "write the wanted files instead of comparing")
	cmd.Flags().StringVar(&t.report.format, "format", formatText, "text, junit or github (text with annotations of a workflow)")
	cmd.Flags().IntVar(&t.coverage.least, "coverage-min", 0, "fail if the samples reach less than this `percentage` of a mapping")
	cmd.Flags().StringVar(&t.only, "run", "", "only samples whose MAPPING/CASE holds this `text`")
	return cmd
}

// sampleTest is one run of the command.
type sampleTest struct {
	app    *app
	update bool
	only   string

	passed, failed, updated int
	// others are the samples that only leaves out.
	others int
	report testReport
	// coverage is counted unless only leaves samples out.
	coverage coverage
	covered  *mapping.Coverage // of the mapping at hand, nil if it is not counted
}

func (t *sampleTest) run(ctx context.Context, files []string) error {
	cfg, _, err := t.app.ready()
	if err != nil {
		return err
	}
	if files, err = mappingFiles(cfg, files); err != nil {
		return err
	}
	if len(files) == 0 {
		files = cfg.Mappings
	}
	if len(files) == 0 {
		return errors.New("the configuration names no mapping; name one on the command line")
	}
	err = t.app.withProject(ctx, cfg, func(ctx context.Context, p *project.Project) error {
		for _, file := range files {
			if err := t.mapping(ctx, p, file); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.summary()
}

func (t *sampleTest) summary() error {
	switch total := t.passed + t.failed + t.updated; {
	case total == 0 && t.others > 0:
		return fmt.Errorf("none of %s has %q in its name", words.Count(t.others, "sample"), t.only)
	case total == 0:
		return errors.New("no sample to test: put a body as the source sends it into samples/CASE.json beside the mapping, then run `crosswalk test --update`")
	}
	if t.report.format == formatJUnit {
		if err := diag.WriteJUnit(t.app.stdout, "crosswalk test", t.report.suites); err != nil {
			return err
		}
	}
	t.app.message("%d passed, %d failed", t.passed, t.failed)
	if t.update {
		t.app.message(", %d written", t.updated)
	}
	t.app.message("\n")
	if enough := t.coverage.report(t.app); t.failed > 0 || !enough {
		return errFindings
	}
	return nil
}

// mapping tests one mapping file's samples.
func (t *sampleTest) mapping(ctx context.Context, p *project.Project, file string) error {
	t.report.file = project.Relative(file)
	prog, findings, err := p.Compile(ctx, file)
	if err != nil {
		return err
	}
	if prog == nil {
		return t.fail(project.Relative(file), findings, nil)
	}
	samples, err := findSamples(filepath.Join(filepath.Dir(file), "samples"))
	if err != nil {
		return err
	}
	if len(samples) == 0 {
		if t.coverage.least > 0 {
			t.coverage.of(prog)
		}
		t.app.message("%s: there are no samples beside it\n", project.Shown(file))
		return nil
	}
	sink, err := sinkSchema(ctx, p, prog)
	if err != nil {
		return err
	}
	d, err := newDecoder(ctx, p, prog.From()[0].Connection)
	if err != nil {
		return err
	}
	defer d.close(ctx)
	t.covered = nil
	if t.only == "" {
		t.covered = t.coverage.of(prog)
	}
	for _, s := range samples {
		name := prog.Name() + "/" + s.name
		if t.only != "" && !strings.Contains(name, t.only) {
			t.others++
			continue
		}
		t.report.file = project.Relative(cmp.Or(s.body, s.stray, file))
		if err := t.sample(ctx, p, prog, sink, d, name, s); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// sample tests one body.
func (t *sampleTest) sample(ctx context.Context, p *project.Project, prog *mapping.Program, sink *schema.Schema, d *decoder, name string, s sample) error {
	if s.problem != "" {
		return t.fail(name, nil, errors.New(s.problem))
	}
	body, err := readBody(s.body)
	if err != nil {
		return err
	}
	request, err := s.request(body)
	if err != nil {
		return err
	}
	known, err := s.answers(ctx, p)
	if _, wrong := errors.AsType[*answersError](err); wrong {
		return t.fail(name, nil, err)
	}
	if _, broken := errors.AsType[*brokenJSONError](err); broken {
		return t.fail(name, nil, err)
	}
	if err != nil {
		return err
	}
	got, findings, err := sampleResult(ctx, prog, sink, d, request, t.covered, known)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		err = known.unasked()
	}
	if err != nil {
		return t.fail(name, nil, err)
	}
	if t.update {
		return t.write(name, s.want, got, findings)
	}
	want, err := readWanted(s.want)
	if _, broken := errors.AsType[*brokenJSONError](err); broken {
		return t.fail(name, nil, err)
	}
	if errors.Is(err, os.ErrNotExist) {
		return t.fail(name, nil, fmt.Errorf("%s is missing; `crosswalk test --update --run %s` writes it", project.Shown(s.want), words.Plain(name)))
	}
	if err != nil {
		return err
	}
	if err := heldAgainst(s.want, want, got); err != nil {
		return t.fail(name, findings, err)
	}
	return t.pass(name)
}

// sampleResult gives what is made of a body: a record, a skip or an error, or an
// array of these where the body holds several events. The list says more of the
// errors, and covered, unless nil, counts what the events reach.
func sampleResult(ctx context.Context, prog *mapping.Program, sink *schema.Schema, d *decoder, r wire.Request, covered *mapping.Coverage, known *knownAnswers) (json.RawMessage, diag.List, error) {
	events, err := d.events(ctx, prog, r)
	if err != nil {
		return nil, nil, err
	}
	var (
		results  []json.RawMessage
		findings diag.List
	)
	for _, ev := range events {
		if covered != nil {
			if err := cover(ctx, prog, &ev, covered, known); err != nil {
				return nil, nil, err
			}
		}
		rec, err := mapEvent(ctx, prog, sink, &ev, known)
		if me, ok := errors.AsType[*mapping.Error](err); ok {
			findings = append(findings, me.List()...)
			rec, err = json.Marshal(map[string]string{"$error": me.Diagnostic.Rule})
		}
		if err != nil {
			return nil, nil, err
		}
		results = append(results, rec)
	}
	if len(results) == 1 {
		return results[0], findings, nil
	}
	all, err := json.Marshal(results)
	return all, findings, err
}

// write stores what a sample gives as what is wanted.
func (t *sampleTest) write(name, file string, got json.RawMessage, findings diag.List) error {
	var out bytes.Buffer
	if err := json.Indent(&out, got, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	old, err := readWanted(file)
	if err == nil && len(fieldDiff(old, out.Bytes())) == 0 {
		return t.pass(name)
	}
	t.updated++
	t.report.add(name, "", "written: "+project.Relative(file))
	word := "new"
	if !errors.Is(err, os.ErrNotExist) {
		word = "upd"
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil { //nolint:gosec // a file of the project, for everybody to read
		return project.NewFileError("the wanted result", file, err)
	}
	if err := t.print("%s  %s\n", word, words.Plain(name)); err != nil {
		return err
	}
	return t.list(findings)
}

// pass counts a sample that gives what is wanted.
func (t *sampleTest) pass(name string) error {
	t.passed++
	t.report.add(name, "", "")
	return t.print("ok   %s\n", words.Plain(name))
}

// fail counts a failure and prints why.
func (t *sampleTest) fail(name string, findings diag.List, problem error) error {
	t.failed++
	annotations := t.report.failed(name, findings, problem)
	text := "FAIL " + words.Plain(name) + "\n"
	if problem != nil {
		for line := range strings.SplitSeq(problem.Error(), "\n") {
			text += "  " + words.Plain(line) + "\n"
		}
	}
	if err := t.print("%s", text); err != nil {
		return err
	}
	if t.report.format == formatGitHub {
		return t.print("%s", annotations)
	}
	return t.list(findings)
}

// list prints findings.
func (t *sampleTest) list(findings diag.List) error {
	if t.report.format == formatJUnit {
		return nil
	}
	return findings.WriteText(t.app.stdout)
}

// print writes a line for a person; a JUnit report has nothing else beside it.
func (t *sampleTest) print(format string, args ...any) error {
	if t.report.format == formatJUnit {
		return nil
	}
	_, err := fmt.Fprintf(t.app.stdout, format, args...)
	return err
}
