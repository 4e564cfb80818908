package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress tells how far a long piece of work is: a bar on a terminal, nothing
// elsewhere.
type progress struct {
	out   io.Writer
	what  string
	total uint64
	done  uint64
	began time.Time
	drawn time.Time
}

const barWidth = 30

func (a *app) progress(what string, total uint64) *progress {
	p := &progress{what: what, total: max(total, 1), began: time.Now()}
	if f, ok := a.stderr.(*os.File); ok && terminal(f) {
		p.out = f
	}
	return p
}

// terminal tells whether a person looks at f.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// add counts what was done, and draws the bar a few times a second.
func (p *progress) add(n uint64) {
	p.done = min(p.done+n, p.total)
	if now := time.Now(); p.out != nil && (now.Sub(p.drawn) > 100*time.Millisecond || p.done == p.total) {
		p.drawn = now
		_, _ = io.WriteString(p.out, "\r"+p.line(now)) // a terminal that is gone sees nothing
	}
}

// line is the bar.
func (p *progress) line(now time.Time) string {
	full := 0
	for full < barWidth && uint64(full+1)*p.total <= barWidth*p.done {
		full++
	}
	line := fmt.Sprintf("%s [%s%s] %d of %d", p.what, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), p.done, p.total)
	if took := now.Sub(p.began); p.done > 0 && p.done < p.total && took > time.Second {
		left := time.Duration(float64(took) * float64(p.total-p.done) / float64(p.done))
		line += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return line + "   "
}

// end leaves the bar's line.
func (p *progress) end() {
	if p.out != nil && !p.drawn.IsZero() {
		_, _ = io.WriteString(p.out, "\n") // as above
	}
}
