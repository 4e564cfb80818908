package diag

// A line that is longer than maxExcerpt characters, as of a file that a program
// wrote, is shown in part: what is wrong, and excerptBefore characters before it.
const (
	maxExcerpt    = 160
	excerptBefore = 60
)

// excerpt gives d with no more of its line than a terminal shows well.
func (d Diagnostic) excerpt() Diagnostic {
	line := []rune(d.Source)
	if len(line) <= maxExcerpt {
		return d
	}
	start := min(max(d.Position.Column-1-excerptBefore, 0), len(line)-maxExcerpt)
	end := start + maxExcerpt
	d.EndColumn = min(d.EndColumn, end+1)
	text := string(line[start:end])
	if end < len(line) {
		text += "…"
	}
	if start > 0 {
		text = "…" + text
		d.Position.Column -= start - 1
		d.EndColumn -= start - 1
	}
	d.Source = text
	return d
}
