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

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

func (a *app) testCommand() *cobra.Command {
	var t sampleTest
	cmd := &cobra.Command{
		Use:   "test [MAPPING...]",
		Short: "Map every sample of the mappings and compare with what is wanted",
		Long: `For each mapping, every body in the folder samples beside it (CASE.json or CASE.form)
is decoded by the source's plugin, mapped, held against the sink's schema, and compared
with CASE.want.json: the record, or {"$skip": true}, or {"$error": "CW301"}.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			t.app = a
			return t.run(cmd.Context(), files)
		},
	}
	cmd.Flags().BoolVar(&t.update, "update", false, "write the wanted files instead of comparing")
	cmd.Flags().StringVar(&t.only, "run", "", "only samples whose MAPPING/CASE holds this `text`")
	return cmd
}

// sampleTest is one run of the command.
type sampleTest struct {
	app    *app
	update bool
	only   string

	passed, failed, updated int
}

func (t *sampleTest) run(ctx context.Context, files []string) error {
	p, findings, err := t.app.open()
	if err != nil {
		return err
	}
	if p == nil {
		return t.app.refuse(findings)
	}
	defer p.close()
	if len(files) == 0 {
		files = p.config.Mappings
	}
	if len(files) == 0 {
		return errors.New("the configuration names no mapping; name one on the command line")
	}
	for _, file := range files {
		if err := t.mapping(ctx, p, file); err != nil {
			return err
		}
	}
	if t.passed+t.failed+t.updated == 0 {
		return errors.New("no sample to test: put a body as the source sends it into samples/CASE.json beside the mapping, then run `crosswalk test --update`")
	}
	t.app.message("%d passed, %d failed", t.passed, t.failed)
	if t.update {
		t.app.message(", %d written", t.updated)
	}
	t.app.message("\n")
	if t.failed > 0 {
		return errFindings
	}
	return nil
}

// mapping tests one mapping file's samples.
func (t *sampleTest) mapping(ctx context.Context, p *project, file string) error {
	prog, findings, err := p.compile(ctx, file)
	if err != nil {
		return err
	}
	if prog == nil {
		t.failed++
		return findings.WriteText(t.app.stdout)
	}
	samples, err := sampleFiles(filepath.Join(filepath.Dir(file), "samples"))
	if err != nil {
		return err
	}
	sink, err := p.sinkSchema(ctx, prog)
	if err != nil {
		return err
	}
	d, err := p.decoder(ctx, prog.From()[0].Connection)
	if err != nil {
		return err
	}
	defer d.close()
	for _, sample := range samples {
		name := prog.Name() + "/" + caseName(sample)
		if t.only != "" && !strings.Contains(name, t.only) {
			continue
		}
		if err := t.sample(ctx, prog, sink, d, name, sample); err != nil {
			return err
		}
	}
	return nil
}

// sample tests one body.
func (t *sampleTest) sample(ctx context.Context, prog *mapping.Program, sink *schema.Schema, d *decoder, name, file string) error {
	body, err := readBounded(file, maxBodyBytes)
	if err != nil {
		return err
	}
	got, problem := sampleResult(ctx, prog, sink, d, file, body)
	if problem != nil {
		t.failed++
		return t.print("FAIL %s\n  %v\n", name, problem)
	}
	wantFile := strings.TrimSuffix(file, filepath.Ext(file)) + ".want.json"
	if t.update {
		return t.write(name, wantFile, got)
	}
	want, err := readBounded(wantFile, maxBodyBytes)
	if errors.Is(err, os.ErrNotExist) {
		t.failed++
		return t.print("FAIL %s\n  %s is missing; `crosswalk test --update --run %s` writes it\n", name, relative(wantFile), name)
	}
	if err != nil {
		return err
	}
	if !json.Valid(want) {
		t.failed++
		return t.print("FAIL %s\n  %s is not JSON\n", name, relative(wantFile))
	}
	if diff := fieldDiff(want, got); len(diff) > 0 {
		t.failed++
		return t.print("FAIL %s\n  (- wanted in %s, + made)\n  %s\n", name, relative(wantFile), strings.Join(diff, "\n  "))
	}
	t.passed++
	return t.print("ok   %s\n", name)
}

// sampleResult gives what is made of a body: a record, a skip or an error, or an
// array of these where the body holds several events.
func sampleResult(ctx context.Context, prog *mapping.Program, sink *schema.Schema, d *decoder, file string, body []byte) (json.RawMessage, error) {
	events, err := d.events(ctx, prog, bodyRequest(file, "POST", "", body))
	if err != nil {
		return nil, err
	}
	var results []json.RawMessage
	for _, ev := range events {
		rec, err := mapEvent(prog, sink, &ev)
		if me, ok := errors.AsType[*mapping.Error](err); ok {
			rec, err = json.Marshal(map[string]string{"$error": me.Diagnostic.Rule})
		}
		if err != nil {
			return nil, err
		}
		results = append(results, rec)
	}
	if len(results) == 1 {
		return results[0], nil
	}
	return json.Marshal(results)
}

// write stores what a sample gives as what is wanted.
func (t *sampleTest) write(name, file string, got json.RawMessage) error {
	var out bytes.Buffer
	if err := json.Indent(&out, got, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	old, err := os.ReadFile(file) //nolint:gosec // the sample's own wanted file
	if err == nil && bytes.Equal(old, out.Bytes()) {
		t.passed++
		return t.print("ok   %s\n", name)
	}
	t.updated++
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil { //nolint:gosec // a file of the project, for everybody to read
		return err
	}
	return t.print("new  %s\n", name)
}

func (t *sampleTest) print(format string, args ...any) error {
	_, err := fmt.Fprintf(t.app.stdout, format, args...)
	return err
}

// sampleFiles lists a folder's bodies, sorted; a folder that is not there holds
// none.
func sampleFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		name := e.Name()
		ext := filepath.Ext(name)
		if e.IsDir() || (ext != ".json" && ext != ".form") ||
			strings.HasSuffix(name, ".want.json") || strings.HasSuffix(name, ".lookups.json") {
			continue
		}
		out = append(out, filepath.Join(dir, name))
	}
	slices.Sort(out)
	return out, nil
}

// caseName gives a sample's name: its file's without the ending.
func caseName(file string) string {
	return strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
}
