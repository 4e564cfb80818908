package outbound

import (
	"bufio"
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzAnswer: however bytes come, an answer is read as net/http's reader reads it, no
// more is taken than is the answer's, and nothing is kept that holds more.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		sized("", "go"), sized("Content-Encoding: gzip\r\n", zip("go")), sized("Connection: close\r\n", "go"), sized("", "go") + "x",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngo\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 200 OK\r\nRetry-After: 3\r\nContent-Length: 02\r\nX:y\r\n\r\ngo",
		"HTTP/1.1 200 OK\nContent-Length: 1\r\nContent-Length: 2\r\n\r\ngo", "HTTP/1.0 500 No\r\n\r\ngo", "HTTP/1.1 200 \r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := &direct{EndpointOptions: EndpointOptions{MaxAnswer: 64}, expecting: newDirect(EndpointOptions{URL: options(t, "http://a").URL}).expecting}
		read := func(from io.Reader, in *bytes.Reader) (a *Answer, keep bool, left int, err error) {
			k := &kept{Conn: &broken{in: from}}
			k.in = bufio.NewReader(k)
			a, keep, err = d.answer(k)
			if keep && k.in.Buffered() > 0 {
				t.Errorf("a connection is kept that holds %d bytes", k.in.Buffered())
			}
			return a, keep, in.Len() + k.in.Buffered(), err
		}
		whole, bytewise := bytes.NewReader(text), bytes.NewReader(text)
		a, keep, left, err := read(whole, whole)
		// No head is whole in the buffer then, and net/http reads all.
		other, otherKept, otherLeft, otherErr := read(iotest.OneByteReader(bytewise), bytewise)
		if (err == nil) != (otherErr == nil) {
			t.Fatalf("%v in one and %v in bytes", err, otherErr)
		}
		if err != nil {
			if a != nil || keep {
				t.Fatalf("%v with an answer or a connection to keep", err)
			}
			return
		}
		if a.Status != other.Status || !bytes.Equal(a.Body, other.Body) || len(a.Body) > 64 {
			t.Errorf("%d %q in one and %d %q in bytes", a.Status, a.Body, other.Status, other.Body)
		}
		if diff := cmp.Diff(other.Header(), a.Header(), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if a.header != nil && a.fields != "" {
			return
		}
		if left != otherLeft && otherKept {
			t.Errorf("%d bytes are left in one and %d in bytes", left, otherLeft)
		}
		if keep && !otherKept {
			t.Error("kept in one and not in bytes")
		}
	})
}
