package ingress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// shelf is a Keeper that keeps requests in memory.
type shelf struct {
	mu      sync.Mutex
	kept    []event.Request
	refused []event.Request
	last    uint64
	// keep and refuse, where they are set, fail instead.
	keep, refuse func() error
}

func (s *shelf) Waiting(connection string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.kept {
		if r.Connection == connection {
			n++
		}
	}
	return n
}

func (s *shelf) Queues(connection string) bool { return s.Waiting(connection) > 0 }

func (s *shelf) Yield(context.Context, string) {}

func (s *shelf) Keep(_ context.Context, r *event.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keep != nil {
		if err := s.keep(); err != nil {
			return err
		}
	}
	s.last++
	k := *r
	k.Sequence, k.ID, k.Body = s.last, fmt.Sprint("r", s.last), slices.Clone(r.Body)
	s.kept = append(s.kept, k)
	return nil
}

func (s *shelf) Kept(_ context.Context, connection string, limit, _ int) ([]event.Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []event.Request
	for _, r := range s.kept {
		if r.Connection == connection && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) Refuse(_ context.Context, r *event.Request, why event.Reason) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(); err != nil {
			return err
		}
	}
	k := *r
	k.Reason = &why
	s.refused = append(s.refused, k)
	return nil
}

func (s *shelf) Decoded(_ context.Context, _ string, requests []event.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range requests {
		s.kept = slices.DeleteFunc(s.kept, func(k event.Request) bool { return k.Sequence == r.Sequence })
	}
}

func (s *shelf) all() (kept, refused []event.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept), slices.Clone(s.refused)
}

// plugin decodes bodies {"key":…,"n":…} while it is up, and hangs while it is down.
type plugin struct {
	mu sync.Mutex
	up chan struct{}
}

func newPlugin(up bool) *plugin {
	p := &plugin{up: make(chan struct{})}
	if up {
		close(p.up)
	}
	return p
}

func (p *plugin) set(up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if up {
		close(p.up)
		return
	}
	p.up = make(chan struct{})
}

func (p *plugin) decode(ctx context.Context, r wire.Request) (wire.Decoded, error) {
	p.mu.Lock()
	up := p.up
	p.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
		return wire.Decoded{}, ctx.Err()
	}
	var body struct {
		Key    string `json:"key"`
		Events int    `json:"events"`
		Refuse bool   `json:"refuse"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return wire.Decoded{}, err
	}
	if body.Refuse {
		return wire.Decoded{Refusal: &wire.Refusal{Status: 409, Code: "no_such_shop", Message: "two\nlines", Path: "order.id"}}, nil
	}
	d := wire.Decoded{Reply: &wire.Reply{Status: 201}}
	for range max(1, body.Events) {
		d.Events = append(d.Events, wire.Event{Type: "t", Key: body.Key, Record: r.Body})
	}
	return d, nil
}

// deferring starts a server that keeps what its plugin cannot decode.
func deferring(t *testing.T, p *plugin, s *shelf) *rig {
	t.Helper()
	return start(t, p.decode, func(o *ingress.Options) {
		o.Keeper, o.Limits.DecodeTimeout = s, 50*time.Millisecond
		o.Connections = append(o.Connections, ingress.Connection{Name: "other", Token: token, Decoder: decoder(nil)})
	})
}

func body(n int) string { return fmt.Sprintf(`{"key":"k%d","n":%d}`, n%3, n) }

// TestPluginHangs has the plugin hang: webhooks are taken, and decoded in their order
// when it is back.
func TestPluginHangs(t *testing.T) {
	p, s := newPlugin(false), &shelf{}
	r := deferring(t, p, s)
	var want []string
	for n := range 200 {
		want = append(want, body(n))
		got := r.post(t, body(n), "X-Shop", "ü", "X-Api-Key", "planted", "X-Auth-Token", "planted", "Authorization", "Bearer planted", "Cookie", "planted")
		if got.StatusCode != 202 || got.text != `{"accepted":0,"undecoded":1}`+"\n" {
			t.Fatalf("request %d: %d %s", n, got.StatusCode, got.text)
		}
	}
	kept, _ := s.all()
	received := kept[0].ReceivedAt
	kept[0].ReceivedAt, kept[0].ID, kept[0].Sequence = time.Time{}, "", 0
	first := event.Request{
		Connection: "shop", Method: "POST", Body: []byte(body(0)),
		Header: [][2]string{{"Accept-Encoding", "gzip"}, {"User-Agent", "Go-http-client/1.1"}, {"X-Shop", "ü"}},
	}
	kept[0].Header = slices.DeleteFunc(kept[0].Header, func(h [2]string) bool { return h[0] == "Accept-Encoding" })
	first.Header = first.Header[1:]
	if diff := cmp.Diff(first, kept[0]); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	// Another connection is not touched by it.
	if got := r.send(t, "POST", "/in/other/"+token, strings.NewReader("{}")); got.StatusCode != 200 {
		t.Errorf("another connection: %d %s", got.StatusCode, got.text)
	}
	if c := r.Stats().Connections; c[1].Kept != 200 || c[1].Accepted != 0 || len(c[1].Refused) != 0 {
		t.Errorf("stats %+v", c)
	}
	p.set(true)
	eventually(t, "all are decoded", func() bool { return s.Waiting("shop") == 0 })
	// On a busy machine this one may have to be kept as well.
	if got := r.post(t, body(200)); got.StatusCode != 201 && got.StatusCode != 202 {
		t.Errorf("afterwards: %d %s", got.StatusCode, got.text)
	}
	want = append(want, body(200))
	eventually(t, "the last one is decoded", func() bool { return len(r.journal.all()) == 202 })
	byKey(t, r, want)
	events := r.journal.all()
	for _, e := range events {
		if string(e.Record) == body(0) && (!e.ReceivedAt.Equal(received) || e.Part != "r1.0") {
			t.Errorf("the first was received at %s, is part %q", e.ReceivedAt, e.Part)
		}
	}
	if strings.Contains(r.log.String(), "planted") {
		t.Error("the log holds a secret")
	}
}

// byKey checks that the events of the connection shop are those of want, each key's
// in their order.
func byKey(t *testing.T, r *rig, want []string) {
	t.Helper()
	sorted := func(all []string) map[string][]string {
		out := map[string][]string{}
		for _, b := range all {
			var v struct{ Key string }
			if err := json.Unmarshal([]byte(b), &v); err != nil {
				t.Fatal(err)
			}
			out[v.Key] = append(out[v.Key], b)
		}
		return out
	}
	var got []string
	for _, e := range r.journal.all() {
		if e.Connection == "shop" {
			got = append(got, string(e.Record))
		}
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Errorf("events by key (-want +got):\n%s", diff)
	}
}

// TestLaterOnesQueue has a webhook come while one that was kept is being decoded.
func TestLaterOnesQueue(t *testing.T) {
	p, s := newPlugin(true), &shelf{}
	s.last = 1
	s.kept = []event.Request{{Sequence: 1, ID: "r1", Connection: "shop", Method: "POST", Body: []byte(body(0)), ReceivedAt: time.Now()}}
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	j := &memory{accept: func(context.Context, *event.Event) (ingress.Receipt, error) {
		once.Do(func() {
			close(entered)
			<-release
		})
		return ingress.Receipt{}, nil
	}}
	r := start(t, p.decode, func(o *ingress.Options) { o.Keeper, o.Journal = s, j })
	r.journal = j
	<-entered // what a run before kept is decoded without anything that comes
	if got := r.post(t, body(3)); got.StatusCode != 202 {
		t.Errorf("behind one that waits: %d %s", got.StatusCode, got.text)
	}
	close(release)
	eventually(t, "both are decoded", func() bool { return s.Waiting("shop") == 0 })
	byKey(t, r, []string{body(0), body(3)})
}

// TestNothingKeptForThoseWhoLeft has senders give up before the server comes to their
// webhooks, as while it is stopped or overloaded. They have sent them again by then.
func TestNothingKeptForThoseWhoLeft(t *testing.T) {
	p, s := newPlugin(false), &shelf{kept: []event.Request{{Sequence: 1, ID: "r1", Connection: "shop", Method: "POST", Body: []byte(body(0))}}}
	server, err := ingress.New(ingress.Options{
		Journal: &memory{}, Keeper: s, Logger: (&sdktest.Log{}).Logger(),
		Connections: []ingress.Connection{{Name: "shop", Token: token, Decoder: decoder(p.decode)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	for range n {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		put(t, c, "POST /in/shop/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", token)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, ln) }()
	left := func() int { return int(server.Stats().Refused[ingress.CodeGone]) }
	eventually(t, "each webhook is looked at", func() bool { return left()+s.Waiting("shop")-1 == n })
	// Which of two goroutines is first is never certain.
	if left() < n*9/10 {
		t.Errorf("of %d webhooks whose senders had left %d were kept", n, n-left())
	}
	cancel()
	p.set(true)
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// TestRefusedWhenDecoded keeps what turns out wrong only then.
func TestRefusedWhenDecoded(t *testing.T) {
	p, s := newPlugin(false), &shelf{}
	r := deferring(t, p, s)
	r.journal.accept = func(_ context.Context, e *event.Event) (ingress.Receipt, error) {
		if e.Key == "" {
			return ingress.Receipt{}, errors.New("an event without a key")
		}
		if e.Key == "long" {
			return ingress.Receipt{}, &ingress.UnacceptableError{Field: "key", Message: "too long"}
		}
		return ingress.Receipt{}, nil
	}
	var failures atomic.Int64
	s.refuse = func() error {
		if failures.Add(1) == 1 {
			return &ingress.UnavailableError{Err: errors.New("for a moment")}
		}
		return nil
	}
	for _, b := range []string{`{"key":"a"}`, `{"refuse":true}`, `{"key":""}`, `{"key":"long"}`, `{"key":"b","events":2000}`, `{"key":"c","events":3}`} {
		if got := r.post(t, b); got.StatusCode != 202 {
			t.Fatalf("%s: %d %s", b, got.StatusCode, got.text)
		}
	}
	// Malformed JSON does not wait for anybody.
	if got := r.post(t, `{"key":`); got.StatusCode != 400 {
		t.Errorf("malformed: %d %s", got.StatusCode, got.text)
	}
	p.set(true)
	eventually(t, "all are decoded", func() bool { return s.Waiting("shop") == 0 })
	_, refused := s.all()
	var got []string
	for _, k := range refused {
		got = append(got, string(k.Body)+" "+k.Reason.Class+" "+k.Reason.Code+" "+k.Reason.Path+": "+k.Reason.Message)
	}
	want := []string{
		`{"refuse":true} INVALID no_such_shop order.id: two lines`,
		`{"key":""} INVALID internal_error : the connector made something of this request that is no event`,
		`{"key":"long"} INVALID unacceptable key: too long`,
		`{"key":"b","events":2000} INVALID internal_error : the connector made something of this request that is no event`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	keys := map[string]int{}
	for _, e := range r.journal.all() {
		keys[e.Key]++
	}
	// The first failure had all of them decoded again; the journal tells parts apart.
	if keys["a"] < 1 || keys["c"] < 3 || len(keys) != 2 {
		t.Errorf("events by key: %v", keys)
	}
	eventually(t, "the refusals are counted", func() bool {
		return r.Stats().Connections[1].Refused[ingress.CodeBroken] == 2 && r.Stats().Refused[ingress.CodeRefused] == 1
	})
	if !strings.Contains(r.log.String(), "crosswalk undecoded list") {
		t.Error("the log does not say where they are")
	}
}

// TestNoRoomToKeep answers 503 where a request cannot be kept either.
func TestNoRoomToKeep(t *testing.T) {
	p, s := newPlugin(false), &shelf{}
	s.keep = func() error {
		return &ingress.UnavailableError{RetryAfter: 30 * time.Second, Err: errors.New("the disk's 64 MiB are used up")}
	}
	r := deferring(t, p, s)
	got := r.post(t, body(1))
	if got.StatusCode != 503 || got.code() != ingress.CodeConnector || got.Header.Get("Retry-After") != "30" || strings.Contains(got.text, "MiB") {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
	// One that was only to queue behind others says nothing of the connector.
	no := s.keep
	s.keep = nil
	if got := r.post(t, body(1)); got.StatusCode != 202 {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
	s.keep = no
	got = r.post(t, body(2))
	if got.StatusCode != 503 || got.code() != ingress.CodeJournal || got.Header.Get("Retry-After") != "30" || strings.Contains(got.text, "connector") {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
	// Unless those others have taken all the room.
	s.keep = func() error {
		return &ingress.UnavailableError{RetryAfter: 30 * time.Second, Undecoded: true, Err: errors.New("the 64 MiB are used up")}
	}
	if got = r.post(t, body(2)); got.StatusCode != 503 || got.code() != ingress.CodeConnector {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
	s.keep = func() error { return &ingress.UnacceptableError{Field: "body", Message: "too large"} }
	if got := r.post(t, body(1)); got.StatusCode != 422 || got.code() != ingress.CodeUnacceptable {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
}

// TestJournalFailsWhileDecoding has the journal refuse for a while.
func TestJournalFailsWhileDecoding(t *testing.T) {
	p, s := newPlugin(false), &shelf{}
	r := deferring(t, p, s)
	var want []string
	for n := range 30 {
		want = append(want, body(n))
		r.post(t, body(n))
	}
	var mu sync.Mutex
	stored, failed := map[string]bool{}, 0
	r.journal.accept = func(_ context.Context, e *event.Event) (ingress.Receipt, error) {
		mu.Lock()
		defer mu.Unlock()
		if failed < 2 && string(e.Record) == body(7) {
			failed++
			return ingress.Receipt{}, &ingress.UnavailableError{Err: errors.New("disk")}
		}
		again := stored[e.Part] // as the journal does
		stored[e.Part] = true
		return ingress.Receipt{Duplicate: again}, nil
	}
	p.set(true)
	eventually(t, "all are decoded", func() bool { return s.Waiting("shop") == 0 })
	byKey(t, r, want)
	if failed != 2 {
		t.Errorf("%d failures", failed)
	}
}

// TestStopWhileDecoding ends the server while the plugin hangs on what was kept.
func TestStopWhileDecoding(t *testing.T) {
	p, s := newPlugin(false), &shelf{}
	r := deferring(t, p, s)
	if got := r.post(t, body(1)); got.StatusCode != 202 {
		t.Fatalf("got %d %s", got.StatusCode, got.text)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if n := s.Waiting("shop"); n != 1 || len(r.journal.all()) != 0 {
		t.Errorf("%d wait, %d are stored", n, len(r.journal.all()))
	}
}
