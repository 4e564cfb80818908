package diag

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Suite is a testsuite of a JUnit report.
type Suite struct {
	Name  string
	Cases []Case
}

// Case is a testcase of a JUnit report. It passed if Failure is empty.
type Case struct {
	Name string
	// File and Line are where it stands; "" and 0 if that is not known.
	File string
	Line int
	// Failure says in one line why it failed, Rule is its type, and Output says more.
	Failure, Rule, Output string
}

// Suites returns a suite for each file: a case for each of its diagnostics, or
// one that passed if there is none. Files are those that were checked, found
// something or not; files that only the list names are added. Warnings pass,
// with their text as output, unless strict.
func (l List) Suites(files []string, strict bool) []Suite {
	var out []Suite
	at := map[string]int{}
	add := func(file string) {
		if _, there := at[file]; !there {
			at[file] = len(out)
			out = append(out, Suite{Name: file})
		}
	}
	for _, f := range files {
		add(f)
	}
	for _, d := range l {
		add(d.Position.File)
		s := &out[at[d.Position.File]]
		var text strings.Builder
		_ = List{d}.WriteText(&text) // a strings.Builder takes everything
		c := Case{
			Name: strings.TrimSpace(d.Rule + " " + strings.TrimPrefix(strings.TrimPrefix(d.Position.String(), d.Position.File), ":")),
			File: d.Position.File, Line: d.Position.Line, Output: text.String(),
		}
		if c.Name == "" {
			c.Name = "finding"
		}
		if d.Severity == Error || strict {
			c.Failure, c.Rule = d.Message, d.Rule
		}
		s.Cases = append(s.Cases, c)
	}
	for i := range out {
		if len(out[i].Cases) == 0 {
			out[i].Cases = []Case{{Name: "valid", File: out[i].Name}}
		}
	}
	return out
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    int           `xml:"line,attr,omitempty"`
	Failure *junitFailure `xml:"failure"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes suites as the XML that CI systems read as JUnit's. Characters
// that XML cannot hold become U+FFFD.
func WriteJUnit(w io.Writer, name string, suites []Suite) error {
	all := junitSuites{Name: name, Suites: make([]junitSuite, 0, len(suites))}
	for _, s := range suites {
		out := junitSuite{Name: s.Name, Tests: len(s.Cases), Cases: make([]junitCase, 0, len(s.Cases))}
		for _, c := range s.Cases {
			jc := junitCase{Name: c.Name, Class: s.Name, File: c.File, Line: c.Line}
			if c.Failure != "" {
				jc.Failure = &junitFailure{Message: oneLine(c.Failure), Type: c.Rule, Text: c.Output}
				out.Failures++
			} else {
				jc.Output = c.Output
			}
			out.Cases = append(out.Cases, jc)
		}
		all.Tests += out.Tests
		all.Failures += out.Failures
		all.Suites = append(all.Suites, out)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write a JUnit report: %w", err)
	}
	// A report reads better with its lines as lines.
	text = bytes.ReplaceAll(text, []byte("&#xA;"), []byte("\n"))
	_, err = w.Write(slices.Concat([]byte(xml.Header), text, []byte{'\n'}))
	return err
}
