package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// linesType is the content type of a file with a JSON body on each line.
const linesType = "application/x-ndjson"

// noLines is what is wrong with such a file that is empty.
const noLines = "the file has no line with a body"

// isLines tells whether a file holds a JSON body on each line, by its name.
func isLines(file string) bool { return strings.EqualFold(filepath.Ext(file), ".ndjson") }

// bodyLine is a webhook that stands on a line of a file.
type bodyLine struct {
	wire.Request
	line int
}

// requestLines makes a webhook of each line that is not empty; false for a request that
// is one webhook.
func requestLines(r wire.Request) ([]bodyLine, bool) {
	if !slices.Contains(r.Header, wire.Header{Name: "Content-Type", Value: linesType}) {
		return nil, false
	}
	var out []bodyLine
	n := 0
	for line := range bytes.Lines(r.Body) {
		n++
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, bodyLine{bodyRequest("line.json", r.Method, r.Query, line), n})
		}
	}
	return out, true
}

// eventsOfLines decodes each line by itself. The error of one names it.
func (d *decoder) eventsOfLines(ctx context.Context, prog *mapping.Program, lines []bodyLine) ([]mapping.Event, error) {
	if len(lines) == 0 {
		return nil, &bodyError{noLines}
	}
	var out []mapping.Event
	for _, l := range lines {
		events, err := d.events(ctx, prog, l.Request)
		if bad, ok := errors.AsType[*bodyError](err); ok {
			return nil, &bodyError{fmt.Sprintf("line %d: %s", l.line, bad.message)}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, events...)
	}
	return out, nil
}
