package pluginhost

import "bytes"

const (
	// maxScan bounds what is held of one line while its end is sought.
	maxScan = 64 << 10
	// maxLine bounds what is logged of one line.
	maxLine = 8 << 10
)

// lineSplitter is a writer that calls each with every line written to it,
// without its end. Of a line longer than maxScan each gets the beginning, and
// how many bytes were left out. It is for one goroutine.
type lineSplitter struct {
	each func(line []byte, leftOut int)
	buf  []byte
	lost int
}

// Write takes bytes and never fails.
func (s *lineSplitter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, end := bytes.Cut(p, []byte{'\n'})
		keep := min(len(line), maxScan-len(s.buf))
		s.buf = append(s.buf, line[:keep]...)
		s.lost += len(line) - keep
		if end {
			s.flush()
		}
		p = rest
	}
	return n, nil
}

// flush gives away a last line that has no end.
func (s *lineSplitter) flush() {
	line, lost := bytes.TrimSuffix(s.buf, []byte{'\r'}), s.lost
	s.buf, s.lost = s.buf[:0], 0
	if len(line) > 0 {
		s.each(line, lost)
	}
	if cap(s.buf) > maxLine {
		s.buf = nil
	}
}
