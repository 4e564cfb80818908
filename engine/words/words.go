// Package words holds what the engine and its commands say to people in the same words:
// counts, ages, times, and texts from outside as a terminal may show and a store take them.
package words

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Plain is a text from outside as a terminal may show it: on one line, without
// what would steer the terminal.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// Cut is plain, and no longer than so many characters.
func Cut(s string, most int) string {
	r := []rune(Plain(s))
	if len(r) <= most {
		return string(r)
	}
	return string(r[:most-1]) + "…"
}

// Bounded is a text of at most so many bytes: what is longer is cut off, between two
// characters.
func Bounded(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// Clock is a time as people are shown it: in this machine's zone, which is that of the
// times that they write.
func Clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// EventsWait says how many events wait.
func EventsWait(n uint64) string {
	if n == 1 {
		return "1 event waits"
	}
	return fmt.Sprintf("%d events wait", n)
}

// Age is how long ago something was, in one or two units.
func Age(t, now time.Time) string {
	d := max(now.Sub(t), 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// Count gives "1 mapping", "2 mappings".
func Count[N int | uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
