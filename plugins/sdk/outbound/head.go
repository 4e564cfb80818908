package outbound

import (
	"bufio"
	"bytes"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// plainHead takes the head of an answer that is as most are: a 200 with a length, in
// the reader's buffer as a whole, with nothing in it that says more of the body or the
// connection. It takes nothing where ok is false: net/http knows what to do then.
func plainHead(in *bufio.Reader) (fields string, length int64, ok bool) {
	if _, err := in.Peek(1); err != nil {
		return "", 0, false
	}
	waits, err := in.Peek(in.Buffered())
	end := bytes.Index(waits, []byte("\r\n\r\n"))
	if err != nil || end < 0 {
		return "", 0, false
	}
	status, lines, _ := bytes.Cut(waits[:end], []byte("\r\n"))
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) || bytes.ContainsAny(status, "\r\n\x00") {
		return "", 0, false
	}
	fields, length = string(lines), -1
	for rest := fields; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, found := strings.Cut(line, ":")
		if !found || !isName(name) || strings.ContainsAny(value, "\r\n\x00") {
			return "", 0, false
		}
		switch len(name) { // of those that count
		case len("Trailer"), len("Connection"), len("Content-Encoding"), len("Transfer-Encoding"):
			if strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Transfer-Encoding") ||
				strings.EqualFold(name, "Content-Encoding") || strings.EqualFold(name, "Trailer") {
				return "", 0, false
			}
		case len("Content-Length"):
			if !strings.EqualFold(name, "Content-Length") {
				continue
			}
			n, err := strconv.ParseUint(strings.Trim(value, " \t"), 10, 62)
			if err != nil || length >= 0 {
				return "", 0, false
			}
			length = int64(n)
		}
	}
	if length < 0 {
		return "", 0, false
	}
	_, err = in.Discard(end + len("\r\n\r\n"))
	return fields, length, err == nil
}

// isName tells whether a header's name is one of letters, digits and dashes.
func isName(name string) bool {
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' {
			return false
		}
	}
	return name != ""
}

// readFields reads a head's lines that plainHead has taken.
func readFields(lines string) http.Header {
	h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(lines + "\r\n\r\n"))).ReadMIMEHeader()
	if err != nil {
		return http.Header{}
	}
	return http.Header(h)
}
