package journal

import (
	"bytes"
	"strings"
)

// header is what is known of a message beside its data: nats.Header, or headerText.
type header interface {
	// Get gives a header's value, "" where it is not there.
	Get(name string) string
}

// headerText is a message's headers as they come, a line for each. The first line says
// that they are headers, and an empty one ends them.
type headerText struct {
	first []byte
	lines []headerLine
}

type headerLine struct{ name, value []byte }

// headerVersion is how headers begin.
const headerVersion = "NATS/1.0"

// read takes text, which must not change as long as it is used.
func (h *headerText) read(text []byte) {
	h.first, h.lines = nil, h.lines[:0]
	for n := 0; len(text) > 0; n++ {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if n == 0 {
			h.first = line
		} else if i := bytes.IndexByte(line, ':'); i > 0 {
			h.lines = append(h.lines, headerLine{line[:i], bytes.TrimLeft(line[i+1:], " \t")})
		}
	}
}

// Get gives a header's first value, as nats.Header does.
func (h *headerText) Get(name string) string {
	for i := range h.lines {
		if l := &h.lines[i]; string(l.name) == name {
			return string(l.value)
		}
	}
	return ""
}

// status is what the server says instead of a message, "" where it is one.
func (h *headerText) status() (code, description string) {
	code, description, _ = strings.Cut(strings.TrimSpace(strings.TrimPrefix(string(h.first), headerVersion)), " ")
	return code, description
}
