package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a mapping means the same on a machine without time zones

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// prepareDatetime makes datetime(s, in, out, zone_in, zone_out). The formats are
// written in PHP's letters, which the vendors' documents use; U is a Unix time.
// zone_in is what a time without an offset means (UTC if left out), zone_out what
// the result is given in (zone_in if left out).
func prepareDatetime(e *exprCompiler, args []operand) func([]any) (any, error) {
	in, ok := e.dateFormat(args[1])
	if !ok || !e.readable(in, args[1]) {
		return nil
	}
	e.datesOf(args[0], args[1], in)
	out, ok := e.dateFormat(args[2])
	if !ok {
		return nil
	}
	zones := [2]*time.Location{time.UTC, nil}
	for i := range zones {
		if len(args) > 3+i {
			if zones[i] = e.zone(args[3+i]); zones[i] == nil {
				return nil
			}
		}
	}
	if zones[1] == nil {
		zones[1] = zones[0]
	}
	written, _ := args[1].value.(string)
	return func(values []any) (any, error) {
		s, ok := textOf(values[0])
		if !ok || strings.TrimSpace(s) == "" {
			return nil, nil
		}
		t, err := in.parse(strings.TrimSpace(s), zones[0])
		if err != nil {
			return nil, callError(show(s) + " is no date and time like " + written)
		}
		return out.format(t.In(zones[1])), nil
	}
}

func (e *exprCompiler) zone(o operand) *time.Location {
	name, _ := o.value.(string)
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		e.report("CW134", o.from, o.to, diag.DidYouMean(name, []string{"Europe/Kyiv", "Europe/Warsaw", "Europe/Berlin", "UTC"}), "`%s` is no time zone", name)
		return nil
	}
	return loc
}

// dateFormat is a format as Go's layouts, one for each letter; "U" stands for itself.
type dateFormat []string

// letters are PHP's letters with Go's layouts.
func letters() map[rune]string {
	return map[rune]string{
		'd': "02", 'j': "2", 'D': "Mon", 'l': "Monday", 'm': "01", 'n': "1", 'M': "Jan", 'F': "January",
		'Y': "2006", 'y': "06", 'H': "15", 'h': "03", 'g': "3", 'i': "04", 's': "05", 'A': "PM", 'a': "pm",
		'v': "000", 'u': "000000", 'P': "-07:00", 'p': "Z07:00", 'O': "-0700", 'T': "MST",
		'c': "2006-01-02T15:04:05-07:00", 'U': "U",
	}
}

func (e *exprCompiler) dateFormat(o operand) (dateFormat, bool) {
	s, _ := o.value.(string)
	f, problem, hint := dateFormatOf(s)
	if problem != "" {
		e.report("CW134", o.from, o.to, hint, "%s", problem)
		return nil, false
	}
	return f, true
}

// dateFormatOf reads a format of PHP's letters, or says why it is none and what to do.
func dateFormatOf(s string) (f dateFormat, problem, hint string) {
	literal, before := false, rune(0)
	for _, r := range s {
		again := !literal && r == before
		before = 0
		if !literal {
			before = r
		}
		layout, known := letters()[r]
		switch {
		case literal:
			literal = false
			f = append(f, "\x00"+string(r))
		case r == '\\':
			literal = true
		case known && again:
			return nil, "`" + string(r) + "` stands twice in a row in this format of a date", "each letter stands for the whole part: Y-m-d H:i:s, where other formats write YYYY-MM-DD HH:mm:ss"
		case known:
			f = append(f, layout)
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			return nil, "`" + string(r) + "` is no letter of a date's format", "Y-m-d H:i:s; a letter that stands for itself is written `\\" + string(r) + "` between backquotes, and `\\\\" + string(r) + "` between quotes"
		default:
			f = append(f, "\x00"+string(r))
		}
	}
	if len(f) == 0 {
		return nil, "the format is empty", "for example Y-m-d H:i:s"
	}
	return f, "", ""
}

// readable reports a format that no text is like.
func (e *exprCompiler) readable(f dateFormat, o operand) bool {
	for i, part := range f {
		switch {
		case part == "U" && len(f) > 1:
			e.report("CW134", o.from, o.to, "", "`U`, a Unix time, stands alone in a format that is read")
			return false
		case f.loose(i):
			e.report("CW134", o.from, o.to, "for example Y-m-d H:i:s.u", "fractions of a second are read only behind a point")
			return false
		}
	}
	return true
}

// loose tells whether part i is a fraction of a second without a point before it.
func (f dateFormat) loose(i int) bool {
	return (f[i] == "000" || f[i] == "000000") && (i == 0 || f[i-1] != "\x00.")
}

func (f dateFormat) format(t time.Time) string {
	var b strings.Builder
	for _, part := range f {
		switch {
		case part[0] == 0:
			b.WriteString(part[1:])
		case part == "U":
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case part == "000" || part == "000000": // Go writes fractions only behind a point
			b.WriteString(t.Format("." + part)[1:])
		default:
			b.WriteString(t.Format(part))
		}
	}
	return b.String()
}

func (f dateFormat) parse(s string, zone *time.Location) (time.Time, error) {
	if len(f) == 1 && f[0] == "U" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("read a Unix time: %w", err)
		}
		return time.Unix(n, 0), nil
	}
	var layout strings.Builder
	for _, part := range f {
		layout.WriteString(strings.TrimPrefix(part, "\x00"))
	}
	return time.ParseInLocation(layout.String(), s, zone)
}
