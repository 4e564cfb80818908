package diag_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// odd holds findings that a format can get wrong: signs that it must escape,
// letters of several bytes, places that are not known.
func odd() diag.List {
	return diag.List{
		{
			Rule: "CW121", Message: "the source has no field `delivery_nme`", Hint: "did you mean `delivery_name`?",
			Position: diag.Position{File: "mappings/a b/100%,#1:2.yaml", Line: 12, Column: 18}, EndColumn: 30, Source: "  receiver_name: delivery_nme",
		},
		{
			Severity: diag.Warning, Rule: "CW151", Message: "`ціна` <is> & \"not\" used: 100%, ::error::no\r\nsecond line",
			Position: diag.Position{File: "mappings/a b/100%,#1:2.yaml", Line: 3, Column: 5}, EndColumn: 9, Source: "😀 — ціна: x",
		},
		{Rule: "CW100", Message: "control \x1b]]> and \x00", Hint: "one\ntwo", Position: diag.Position{File: "/abs/файл.yaml"}},
		{Rule: "CW101", Message: "at the end of the line", Position: diag.Position{File: "crosswalk.yaml", Line: 1, Column: 4}, Source: "a: "},
		{Rule: "CW999", Message: "a rule that no list knows", Position: diag.Position{File: "crosswalk.yaml", Line: 2}},
		{Message: "no place and no rule"},
	}
}

func tool() diag.Tool {
	return diag.Tool{
		Name: "crosswalk", Version: "v1.2.3", URL: "https://github.com/crosswalk-etl/crosswalk",
		Rules: []diag.Rule{
			{ID: "CW100", Title: "Unreadable file", Explanation: "The file cannot be read as text."},
			{ID: "CW101", Title: "YAML syntax", Explanation: "The file is not valid YAML."},
			{ID: "CW121", Title: "Unknown field", Explanation: "The source has no such field."},
			{ID: "CW151", Severity: diag.Warning, Title: "Unused name", Explanation: "Nothing uses the name."},
		},
	}
}

// TestFormats compares what each format makes of the odd list with a file of
// testdata. UPDATE=1 rewrites it.
func TestFormats(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"text.txt":   odd().WriteText,
		"json.json":  odd().WriteJSON,
		"github.txt": odd().WriteGitHub,
		"sarif.json": func(w io.Writer) error { return odd().WriteSARIF(w, tool()) },
		"junit.xml": func(w io.Writer) error {
			return diag.WriteJUnit(w, "validate", odd().Suites([]string{"fine.yaml"}, false))
		},
		"strict.xml":  func(w io.Writer) error { return diag.WriteJUnit(w, "validate", odd()[1:2].Suites(nil, true)) },
		"none.json":   diag.List{}.WriteJSON,
		"none.txt":    diag.List{}.WriteGitHub,
		"none.sarif":  func(w io.Writer) error { return diag.List{}.WriteSARIF(w, diag.Tool{Name: "crosswalk"}) },
		"nothing.xml": func(w io.Writer) error { return diag.WriteJUnit(w, "validate", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "formats", name)
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestSARIFSchema holds logs against the schema of the standard.
func TestSARIFSchema(t *testing.T) {
	text, err := os.ReadFile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("test:///sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	sch, err := compiler.Compile("test:///sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(l diag.List, tool diag.Tool, mend func(string) string) error {
		var out bytes.Buffer
		if err := l.WriteSARIF(&out, tool); err != nil {
			t.Fatal(err)
		}
		log, err := jsonschema.UnmarshalJSON(strings.NewReader(mend(out.String())))
		if err != nil {
			t.Fatal(err)
		}
		return sch.Validate(log)
	}
	same := func(s string) string { return s }
	if err := check(odd(), tool(), same); err != nil {
		t.Errorf("%v", err)
	}
	if err := check(nil, diag.Tool{Name: "crosswalk"}, same); err != nil {
		t.Errorf("without findings: %v", err)
	}
	for _, broken := range [][2]string{
		{`"level": "error"`, `"level": "bad"`},
		{`"startLine": 12`, `"startLine": 0`},
		{`"columnKind"`, `"columnKnd"`},
		{`"ruleIndex": 2`, `"ruleIndex": -2`},
		{`"uri": "crosswalk.yaml"`, `"uri": "http://[a"`},
	} {
		mend := func(s string) string {
			out := strings.Replace(s, broken[0], broken[1], 1)
			if out == s {
				t.Errorf("no %s in the log", broken[0])
			}
			return out
		}
		if err := check(odd(), tool(), mend); err == nil {
			t.Errorf("the schema takes %s", broken[1])
		}
	}
}

// TestSARIFPlaces reads a log back as one who shows it does: the columns count
// code points and mark the offending text.
func TestSARIFPlaces(t *testing.T) {
	var out bytes.Buffer
	if err := odd().WriteSARIF(&out, tool()); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Runs []struct {
			ColumnKind string
			Tool       struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex *int
				Locations []struct {
					PhysicalLocation struct {
						Region struct {
							StartColumn, EndColumn int
							Snippet                struct{ Text string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if run.ColumnKind != "unicodeCodePoints" {
		t.Errorf("columns are of kind %q", run.ColumnKind)
	}
	for i, r := range run.Results {
		if r.RuleIndex != nil && run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID {
			t.Errorf("result %d: rule %d is not %s", i, *r.RuleIndex, r.RuleID)
		}
	}
	for i, want := range map[int]string{0: "delivery_nme", 1: "ціна", 3: ""} {
		region := run.Results[i].Locations[0].PhysicalLocation.Region
		line := []rune(odd()[i].Source)
		if got := string(line[region.StartColumn-1 : region.EndColumn-1]); got != want || region.Snippet.Text != want {
			t.Errorf("result %d marks %q and quotes %q, want %q", i, got, region.Snippet.Text, want)
		}
	}
}

// TestGitHubCommands unescapes the commands as the runner does.
func TestGitHubCommands(t *testing.T) {
	var out bytes.Buffer
	if err := odd().WriteGitHub(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(odd()) {
		t.Fatalf("%d lines for %d findings:\n%s", len(lines), len(odd()), out.String())
	}
	shown := strings.NewReplacer("\r", "", "\x1b", "\uFFFD", "\x00", "\uFFFD")
	plain := strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",")
	for i, d := range odd() {
		head, message, found := strings.Cut(strings.TrimPrefix(lines[i], "::"), "::")
		if !found || !strings.HasPrefix(plain.Replace(message), shown.Replace(d.Message)) {
			t.Errorf("%q does not say %q", lines[i], d.Message)
		}
		kind, properties, _ := strings.Cut(head, " ")
		if kind != d.Severity.String() {
			t.Errorf("%q is no command %s", lines[i], d.Severity)
		}
		file := ""
		for p := range strings.SplitSeq(properties, ",") {
			if name, value, _ := strings.Cut(p, "="); name == "file" {
				file = plain.Replace(value)
			}
		}
		if file != d.Position.File {
			t.Errorf("%q names the file %q, want %q", lines[i], file, d.Position.File)
		}
	}
}

// TestJUnitCounts reads a report back.
func TestJUnitCounts(t *testing.T) {
	var out bytes.Buffer
	if err := diag.WriteJUnit(&out, "validate", odd().Suites([]string{"fine.yaml", "crosswalk.yaml"}, false)); err != nil {
		t.Fatal(err)
	}
	var report struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Tests int    `xml:"tests,attr"`
			Cases []struct {
				Failure *struct{} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	tests, failures := 0, 0
	for _, s := range report.Suites {
		if s.Tests != len(s.Cases) {
			t.Errorf("%s counts %d of %d", s.Name, s.Tests, len(s.Cases))
		}
		tests += len(s.Cases)
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
		}
	}
	if tests != 7 || report.Tests != 7 || failures != 5 || report.Failures != 5 {
		t.Errorf("%d tests (said %d), %d failures (said %d); want 7 and 5", tests, report.Tests, failures, report.Failures)
	}
}
