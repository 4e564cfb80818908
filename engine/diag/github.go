package diag

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// WriteGitHub writes each diagnostic as a workflow command of GitHub Actions,
// which shows it beside its line in a pull request: ::error file=…,line=…::message.
// Files are relative to the folder of the checkout, if the diagnostics' are.
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
func (l List) WriteGitHub(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, d := range l {
		message := d.Message
		if d.Hint != "" {
			message += "\nhint: " + d.Hint
		}
		if _, err := out.WriteString(GitHubCommand(d, message)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// GitHubCommand returns the workflow command, with its line end, that shows a
// message of any number of lines at d's position, with d's severity and rule.
func GitHubCommand(d Diagnostic, message string) string {
	var properties []string
	add := func(name, value string) {
		properties = append(properties, name+"="+githubProperty(value))
	}
	if d.Position.File != "" {
		add("file", filepath.ToSlash(d.Position.File))
	}
	if d.Position.Line > 0 {
		add("line", fmt.Sprint(d.Position.Line))
		if d.Position.Column > 0 {
			add("col", fmt.Sprint(d.Position.Column))
		}
		if d.EndColumn > d.Position.Column {
			add("endColumn", fmt.Sprint(d.EndColumn))
		}
	}
	if d.Rule != "" {
		add("title", d.Rule)
	}
	command := "::" + d.Severity.String()
	if len(properties) > 0 {
		command += " " + strings.Join(properties, ",")
	}
	lines := strings.Split(message, "\n")
	for i, line := range lines {
		lines[i] = printable(strings.TrimSuffix(line, "\r"))
	}
	return command + "::" + githubData(strings.Join(lines, "\n")) + "\n"
}

// githubData escapes a command's message as the runner unescapes it.
func githubData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func githubProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(githubData(s))
}
