package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/diag/rules"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// The formats of reports.
const (
	formatText   = "text"
	formatJSON   = "json"
	formatJUnit  = "junit"
	formatGitHub = "github"
	formatSARIF  = "sarif"
)

// homepage is where the tool that a SARIF log names is explained.
const homepage = "https://github.com/crosswalk-etl/crosswalk"

// checkFormat refuses what --format cannot be.
func checkFormat(format string, known ...string) error {
	if slices.Contains(known, format) {
		return nil
	}
	hint := diag.DidYouMean(format, known)
	if hint != "" {
		hint = "; " + hint
	}
	last := len(known) - 1
	return fmt.Errorf("--format %s: want %s or %s%s", format, strings.Join(known[:last], ", "), known[last], hint)
}

// report prints findings on standard output. The files are those that were checked.
func (a *app) report(findings diag.List, format string, files []string, strict bool) error {
	switch format {
	case formatJSON:
		return findings.WriteJSON(a.stdout)
	case formatJUnit:
		return diag.WriteJUnit(a.stdout, "crosswalk validate", findings.Suites(files, strict))
	case formatGitHub:
		return findings.WriteGitHub(a.stdout)
	case formatSARIF:
		return findings.WriteSARIF(a.stdout, diag.Tool{Name: "crosswalk", Version: a.version, URL: homepage, Rules: rules.All()})
	}
	return findings.WriteText(a.stdout)
}

// testReport collects what became of samples, for the formats that need it.
type testReport struct {
	format string
	suites []diag.Suite
	// file is what is being tested now: a mapping, or a sample's body.
	file string
}

// add notes a sample of MAPPING/CASE, or a mapping file, and why it failed.
func (r *testReport) add(name, failure, output string) {
	suite, test := filepath.ToSlash(filepath.Dir(name)), filepath.Base(name)
	if suite == "." || r.file == name {
		suite, test = name, "compile"
	}
	i := slices.IndexFunc(r.suites, func(s diag.Suite) bool { return s.Name == suite })
	if i < 0 {
		i = len(r.suites)
		r.suites = append(r.suites, diag.Suite{Name: suite})
	}
	r.suites[i].Cases = append(r.suites[i].Cases, diag.Case{Name: test, File: r.file, Failure: failure, Output: output})
}

// failed is add for a failure, and gives what GitHub is told of it: the findings,
// each at its line, or the problem at the sample.
func (r *testReport) failed(name string, findings diag.List, problem error) string {
	var text strings.Builder
	failure := ""
	if problem != nil {
		failure = strings.SplitN(problem.Error(), "\n", 2)[0]
		text.WriteString(problem.Error() + "\n")
	} else if len(findings) > 0 {
		first := max(0, slices.IndexFunc(findings, func(d diag.Diagnostic) bool { return d.Severity == diag.Error }))
		failure = findings[first].Error()
	}
	_ = findings.WriteText(&text) // a strings.Builder takes everything
	r.add(name, failure, text.String())
	var out strings.Builder
	if problem != nil {
		d := diag.Diagnostic{Position: diag.Position{File: words.Plain(r.file)}}
		if broken, ok := errors.AsType[*brokenJSONError](problem); ok {
			d.Position = diag.Position{File: project.Shown(broken.file), Line: broken.line, Column: broken.column}
		}
		out.WriteString(diag.GitHubCommand(d, name+": "+problem.Error()))
	}
	_ = findings.WriteGitHub(&out) // as above
	return out.String()
}
