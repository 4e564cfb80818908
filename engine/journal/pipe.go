package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// pipeRead is how much is read at once, in bytes.
const pipeRead = 64 << 10

// pipe speaks the NATS client protocol to the server in this process, as far as it
// takes to read streams. Without a header map, two strings and a queue for each
// message, reading a million takes a quarter less processor time and makes less than
// half of the garbage. It is for one goroutine.
//
// See https://docs.nats.io/reference/reference-protocols/nats-protocol.
type pipe struct {
	conn  net.Conn
	inbox string
	// out goes to the writer, so that the server is always read from while it is
	// written to: there is no room between the two.
	out  chan []byte
	done chan struct{}
	stop func() bool

	until time.Time // when the server has been quiet for too long

	// buf[at:end] came and was not looked at yet.
	buf     []byte
	at, end int
}

// frame is one message. It holds until the next one is read.
type frame struct {
	subject, reply, header []byte
}

// newPipe connects and subscribes; what it waits for ends with ctx.
func newPipe(ctx context.Context, srv *server.Server, inbox string) (*pipe, error) {
	conn, err := srv.InProcessConn()
	if err != nil {
		return nil, err
	}
	w := &pipe{conn: conn, inbox: inbox, out: make(chan []byte, 16), done: make(chan struct{}), buf: make([]byte, 2*pipeRead)}
	w.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	go w.write()
	w.send(`CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1,"name":"reader"}`)
	w.send("SUB " + inbox + " 1")
	return w, nil
}

// close ends the connection and all that runs for it.
func (w *pipe) close() {
	w.stop()
	_ = w.conn.Close() // a pipe's, which cannot fail
	close(w.out)
	<-w.done
}

func (w *pipe) write() {
	defer close(w.done)
	for line := range w.out {
		if _, err := w.conn.Write(line); err != nil {
			break // whoever reads learns of it
		}
	}
	for range w.out {
	}
}

// send gives lines to the writer, which has room for more than are ever unanswered.
func (w *pipe) send(lines ...string) { w.out <- []byte(strings.Join(lines, "\r\n") + "\r\n") }

// request asks for messages, which come to the inbox.
func (w *pipe) request(subject string, what map[string]int64) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	w.send("PUB "+subject+" "+w.inbox+" "+strconv.Itoa(len(text)), string(text))
	return nil
}

// errQuiet says that nothing came for as long as one wanted to wait.
var errQuiet = errors.New("nothing came")

// next gives the next message; errQuiet where none comes for patience or up to twice
// as long.
func (w *pipe) next(patience time.Duration) (frame, error) {
	for {
		f, size, is, err := parseFrame(w.buf[w.at:w.end])
		if err != nil {
			return frame{}, err
		}
		w.at += size
		if is {
			return f, nil
		}
		if size > 0 {
			if string(w.buf[w.at-size:w.at]) == "PING\r\n" {
				w.send("PONG")
			}
			continue
		}
		if err := w.fill(patience); err != nil {
			return frame{}, err
		}
	}
}

// fill reads more.
func (w *pipe) fill(patience time.Duration) error {
	if w.at > 0 {
		w.end, w.at = copy(w.buf, w.buf[w.at:w.end]), 0
	}
	if len(w.buf)-w.end < pipeRead {
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	// To set it each time would cost as much as the reading.
	if now := time.Now(); w.until.Sub(now) < patience {
		w.until = now.Add(2 * patience)
		if err := w.conn.SetReadDeadline(w.until); err != nil {
			return err
		}
	}
	n, err := w.conn.Read(w.buf[w.end:])
	w.end += n
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errQuiet
	}
	return err
}

// parseFrame takes what stands first in b, as long as size: a message where is tells
// so, else something that asks for nothing or a PING. size is 0 where the end of it
// has not come yet.
func parseFrame(b []byte) (f frame, size int, is bool, err error) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return frame{}, 0, false, nil
	}
	line, size := bytes.TrimSuffix(b[:i], []byte("\r")), i+1
	verb, rest, _ := bytes.Cut(line, []byte(" "))
	switch string(verb) {
	case "HMSG", "MSG":
	case "-ERR":
		return frame{}, 0, false, fmt.Errorf("the server says %s", rest)
	default:
		return frame{}, size, false, nil
	}
	// subject, subscription, where an answer goes (may be left out), the headers' size
	// (HMSG alone), the size of all.
	var fields [5][]byte
	n := 0
	for field := range bytes.FieldsSeq(rest) {
		if n == len(fields) {
			return frame{}, 0, false, fmt.Errorf("the server sends %.200q", line)
		}
		fields[n] = field
		n++
	}
	sizes := 1
	if string(verb) == "HMSG" {
		sizes = 2
	}
	if n < 2+sizes || n > 3+sizes {
		return frame{}, 0, false, fmt.Errorf("the server sends %.200q", line)
	}
	all, err := strconv.Atoi(string(fields[n-1]))
	headers := 0
	if sizes == 2 && err == nil {
		headers, err = strconv.Atoi(string(fields[n-2]))
	}
	if err != nil || headers < 0 || all < headers || all > maxFrame {
		return frame{}, 0, false, fmt.Errorf("the server sends %.200q", line)
	}
	if len(b) < size+all+2 {
		return frame{}, 0, false, nil
	}
	f.subject, f.header = fields[0], b[size:size+headers]
	if n == 3+sizes {
		f.reply = fields[2]
	}
	return f, size + all + 2, true, nil
}

// maxFrame bounds a message in bytes: what a server may be told to take.
const maxFrame = 64 << 20
