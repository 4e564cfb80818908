package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// What is skimmed is what the client's library reads, over more than one request.
func TestSkimReadsWhatTheClientReads(t *testing.T) {
	j, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close(context.WithoutCancel(t.Context())) })
	const n = skimBatch + 100
	var wg sync.WaitGroup
	for worker := range 100 {
		wg.Go(func() {
			for i := worker; i < n; i += 100 {
				e := event.Event{
					Connection: "shop", Type: "order_created", Key: fmt.Sprint("№ ", i), ID: fmt.Sprint(i), ReceivedAt: time.Now(),
					Record: []byte(strings.Repeat(" ", i) + `{"id":1}`), Body: []byte(fmt.Sprint("id=", i)),
				}
				if _, err := j.Accept(t.Context(), &e); err != nil {
					t.Errorf("accept %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	type message struct {
		Sequence uint64
		Subject  string
		Values   [5]string
	}
	read := func(seq uint64, subject string, h header) message {
		m := message{Sequence: seq, Subject: subject}
		for i, name := range []string{hdrKey, hdrID, hdrType, hdrReceived, "Cw-None"} {
			m.Values[i] = h.Get(name)
		}
		return m
	}
	for _, from := range []uint64{1, 7, n, n + 1} {
		var want, got []message
		if err := j.scan(t.Context(), j.events, from, "", true, func(seq uint64, m *nats.Msg) (bool, error) {
			want = append(want, read(seq, m.Subject, m.Header))
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := j.skim(t.Context(), j.events, from, func(seq uint64, subject string, h header) error {
			got = append(got, read(seq, subject, h))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) != int(n+1-from) {
			t.Errorf("from %d: %d messages (-scanned +skimmed):\n%s", from, len(got), diff)
		}
	}

	// It ends with whoever reads, and with the one who wants it.
	enough := errors.New("enough")
	if err := j.skim(t.Context(), j.events, 1, func(uint64, string, header) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := j.skim(ctx, j.events, 1, func(seq uint64, _ string, _ header) error {
		if seq == 10 {
			cancel()
		}
		return nil
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestParseFrame(t *testing.T) {
	const head = "NATS/1.0\r\nA: b\r\n\r\n"
	for _, c := range []struct {
		name, in              string
		subject, reply, texts string
		size                  int
		is, fails             bool
	}{
		{name: "a message with headers", in: "HMSG e.a 1 r.x 18 20\r\n" + head + "{}\r\nPING\r\n", subject: "e.a", reply: "r.x", texts: head, size: 44, is: true},
		{name: "headers alone", in: "HMSG e.a 1 r.x 18 18\r\n" + head + "\r\n", subject: "e.a", reply: "r.x", texts: head, size: 42, is: true},
		{name: "without a reply", in: "HMSG e.a 1 18 18\r\n" + head + "\r\n", subject: "e.a", texts: head, size: 38, is: true},
		{name: "without headers", in: "MSG e.a 1 r.x 2\r\n{}\r\n", subject: "e.a", reply: "r.x", size: 21, is: true},
		{name: "the end has not come", in: "HMSG e.a 1 r.x 18 20\r\n" + head + "{}\r"},
		{name: "half a line", in: "HMSG e.a 1 r.x 19"},
		{name: "nothing"},
		{name: "ping", in: "PING\r\nPING\r\n", size: 6},
		{name: "what it is", in: "INFO {}\r\n", size: 9},
		{name: "an error", in: "-ERR 'Slow Consumer'\r\n", fails: true},
		{name: "too few fields", in: "HMSG e.a 1\r\n", fails: true},
		{name: "too many", in: "MSG e.a 1 r.x 2 3 4 5\r\n", fails: true},
		{name: "no number", in: "HMSG e.a 1 r.x 19 x\r\n", fails: true},
		{name: "below 0", in: "HMSG e.a 1 r.x -1 2\r\n", fails: true},
		{name: "less in all than headers", in: "HMSG e.a 1 r.x 19 18\r\n", fails: true},
		{name: "more than can be", in: "MSG e.a 1 r.x 99999999999\r\n", fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, size, is, err := parseFrame([]byte(c.in))
			if (err != nil) != c.fails || size != c.size || is != c.is {
				t.Errorf("size %d, message %t, %v", size, is, err)
			}
			if string(f.subject) != c.subject || string(f.reply) != c.reply || string(f.header) != c.texts {
				t.Errorf("%s %s %q", f.subject, f.reply, f.header)
			}
		})
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte("HMSG e.a 1 r.x 18 20\r\nNATS/1.0\r\nA: b\r\n\r\n{}\r\n"), 12)
	f.Add([]byte("MSG e.a 1 2\r\n{}\r\n-ERR x\r\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		g, size, is, err := parseFrame(b)
		if size < 0 || size > len(b) || err != nil && size > 0 || is && size == 0 {
			t.Fatalf("size %d of %d, message %t, %v", size, len(b), is, err)
		}
		if !is || cut < 0 || cut >= size {
			return
		}
		// Less of it is not taken for another one, and more of what comes changes nothing.
		if _, size, _, err := parseFrame(b[:cut]); size != 0 || err != nil && !bytes.Contains(b[:cut], []byte("\n")) {
			t.Errorf("the first %d bytes are %d long, %v", cut, size, err)
		}
		if h, _, is, err := parseFrame(append(bytes.Clone(b[:size]), "PING\r\n"...)); !is || err != nil || !bytes.Equal(h.header, g.header) {
			t.Errorf("with more behind it it is another: %v", err)
		}
	})
}

// FuzzHeaderText holds what is read of headers against the client's library.
func FuzzHeaderText(f *testing.F) {
	f.Add("Cw-Key: 7\r\nCw-Type:order\r\nCw-Key: 8\r\nempty:\r\n", "Cw-Key")
	f.Add("a:\t b \r\n", "a")
	f.Fuzz(func(t *testing.T, lines, name string) {
		text := "NATS/1.0\r\n" + lines + "\r\n"
		want, err := nats.DecodeHeadersMsg([]byte(text))
		if err != nil || name == "" || http.CanonicalHeaderKey(name) == "" {
			return
		}
		// A line that only looks like the end: nothing of ours has one.
		if head, _, ok := strings.Cut(lines+"\r\n", "\r\n\r\n"); ok && head != strings.TrimSuffix(lines, "\r\n") || strings.HasPrefix(lines, "\r\n") {
			return
		}
		var h headerText
		h.read([]byte(text))
		if got := h.Get(name); got != want.Get(name) {
			t.Errorf("%q of %q is %q, want %q", name, text, got, want.Get(name))
		}
	})
}

func TestAckSequences(t *testing.T) {
	for _, c := range []struct {
		reply            string
		stream, consumer uint64
	}{
		{"$JS.ACK.EVENTS.c1.1.42.7.1700000000.3", 42, 7},
		{"$JS.ACK._.AbCd.EVENTS.c1.1.42.7.1700000000.3", 42, 7},
		{"$JS.ACK._.AbCd.EVENTS.c1.1.42.7.1700000000.3.more", 42, 7},
		{"$JS.ACK.EVENTS.c1.1.x.7.1700000000.3", 0, 0},
		{"$JS.ACK.EVENTS.c1.1.42", 0, 0},
		{"$JS.ACK.EVENTS.c1.1.0.7.1700000000.3", 0, 0},
		{"elsewhere.a.b.c.1.42.7.8.9", 0, 0},
		{"", 0, 0},
	} {
		stream, consumer, err := ackSequences([]byte(c.reply))
		if stream != c.stream || consumer != c.consumer || (err == nil) != (c.stream > 0) {
			t.Errorf("%q: %d, %d, %v", c.reply, stream, consumer, err)
		}
	}
}
