package diag

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rule is what is known of a kind of diagnostic before any is found.
type Rule struct {
	// ID is the stable id, CW followed by three digits.
	ID string
	// Severity is the usual one; a diagnostic can have another.
	Severity Severity
	// Title names the mistake in a few words.
	Title string
	// Explanation says in one sentence what is wrong and why it matters.
	Explanation string
}

// Tool is the program that found the diagnostics of a SARIF log.
type Tool struct {
	Name, Version, URL string
	// Rules are all that the tool knows, in the order of their ids.
	Rules []Rule
}

// The part of SARIF 2.1.0 that is written.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri,omitempty"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string       `json:"id"`
		ShortDescription     sarifText    `json:"shortDescription"`
		FullDescription      sarifText    `json:"fullDescription"`
		DefaultConfiguration sarifDefault `json:"defaultConfiguration"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId,omitempty"`
		RuleIndex *int            `json:"ruleIndex,omitempty"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPlace `json:"physicalLocation"`
	}
	sarifPlace struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int        `json:"startLine"`
		StartColumn int        `json:"startColumn,omitempty"`
		EndColumn   int        `json:"endColumn,omitempty"`
		Snippet     *sarifText `json:"snippet,omitempty"`
	}
)

// WriteSARIF writes the list as a SARIF 2.1.0 log of one run. Columns count
// Unicode code points, and the log says so; a relative file is relative to
// %SRCROOT%, the root of the sources.
func (l List) WriteSARIF(w io.Writer, tool Tool) error {
	driver := sarifDriver{Name: tool.Name, Version: tool.Version, InformationURI: tool.URL, Rules: make([]sarifRule, 0, len(tool.Rules))}
	for _, r := range tool.Rules {
		driver.Rules = append(driver.Rules, sarifRule{
			ID: r.ID, ShortDescription: sarifText{r.Title}, FullDescription: sarifText{r.Explanation},
			DefaultConfiguration: sarifDefault{r.Severity.String()},
		})
	}
	results := make([]sarifResult, 0, len(l))
	for _, d := range l {
		result := sarifResult{RuleID: d.Rule, Level: d.Severity.String(), Message: sarifText{d.Message}}
		if d.Hint != "" {
			result.Message.Text += "\nhint: " + d.Hint
		}
		if i := slices.IndexFunc(tool.Rules, func(r Rule) bool { return r.ID == d.Rule }); i >= 0 {
			result.RuleIndex = &i
		}
		if d.Position.File != "" {
			result.Locations = []sarifLocation{{d.sarifPlace()}}
		}
		results = append(results, result)
	}
	return writeJSON(w, sarifLog{
		Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: results}},
	})
}

func (d Diagnostic) sarifPlace() sarifPlace {
	file := filepath.ToSlash(d.Position.File)
	place := sarifPlace{ArtifactLocation: sarifArtifact{URI: (&url.URL{Path: file}).String(), URIBaseID: "%SRCROOT%"}}
	if filepath.IsAbs(d.Position.File) {
		if !strings.HasPrefix(file, "/") {
			file = "/" + file // a drive's letter
		}
		place.ArtifactLocation = sarifArtifact{URI: (&url.URL{Scheme: "file", Path: file}).String()}
	}
	if d.Position.Line > 0 {
		place.Region = &sarifRegion{StartLine: d.Position.Line}
		if d.Position.Column > 0 {
			place.Region.StartColumn, place.Region.EndColumn = d.Position.Column, d.end()
		}
		if text := d.marked(); text != "" {
			place.Region.Snippet = &sarifText{text}
		}
	}
	return place
}

// maxSnippet is how many characters of a line a SARIF log quotes.
const maxSnippet = 1000

// marked is the offending text.
func (d Diagnostic) marked() string {
	line := []rune(d.Source)
	from := min(max(d.Position.Column-1, 0), len(line))
	return string(line[from:min(max(d.end()-1, from), len(line), from+maxSnippet)])
}

// end is the column behind the offending text; where it is behind the end of the
// line, nothing is marked.
func (d Diagnostic) end() int {
	switch {
	case d.EndColumn > d.Position.Column:
		return d.EndColumn
	case d.Position.Column > utf8.RuneCountInString(d.Source):
		return d.Position.Column
	}
	return d.Position.Column + 1
}
