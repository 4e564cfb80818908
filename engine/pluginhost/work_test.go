package pluginhost_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestWriteGivesEachRecordItsResult(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", map[string]any{"key": "top-secret"})
	results := write(t, t.Context(), c, deeds(t, "a", "invalid", "auth", "hello"))
	if r := results[0]; r.Failure != nil || r.Action != "created" || string(r.Answer) != `"did a"` {
		t.Errorf("result %+v", r)
	}
	if f := results[1].Failure; f == nil || f.Class != wire.Invalid || f.Code != "bad_phone" || f.Path != "phone" || f.Message != "no such phone for [secret]" {
		t.Errorf("failure %+v", f)
	}
	if f := results[2].Failure; f == nil || f.Class != wire.Auth || strings.Contains(f.Message, "top-secret") {
		t.Errorf("failure %+v", f)
	}

	if err := c.Write(t.Context(), "sing", deeds(t, "a"), nil); err == nil || err.Error() != "connection my-shop: plugin shop has no operation sing" {
		t.Errorf("error %v", err)
	}
	if err := c.Find(t.Context(), "street", nil, nil); err == nil || err.Error() != "connection my-shop: plugin shop has no lookup street" {
		t.Errorf("error %v", err)
	}
	twice := append(deeds(t, "a"), deeds(t, "b")...)
	if err := c.Write(t.Context(), "save", twice, nil); err == nil || !strings.Contains(err.Error(), "have the index 0") {
		t.Errorf("error %v", err)
	}
	if results := write(t, t.Context(), c, nil); len(results) != 0 {
		t.Errorf("results %v of nothing", results)
	}
	many := make([]string, 3000)
	for i := range many {
		many[i] = "a"
	}
	for _, r := range write(t, t.Context(), c, deeds(t, many...)) {
		if r.Failure != nil {
			t.Fatal(r.Failure)
		}
	}
}

func TestFindAnswersEachQuestion(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answers := map[uint32]wire.Answer{}
	questions := []wire.Question{
		{Index: 1, Args: toJSON(t, deed{Do: "a"})}, {Index: 2, Args: toJSON(t, deed{Do: "invalid"})}, {Index: 3, Args: toJSON(t, deed{Do: "hang"})},
	}
	if err := c.Find(ctx, "city", questions, func(a wire.Answer) {
		if answers[a.Index] = a; len(answers) == 2 {
			cancel() // nobody waits for the third
		}
	}); err != nil {
		t.Fatal(err)
	}
	if a := answers[1]; a.Failure != nil || string(a.Found) != `{"text":"did a"}` {
		t.Errorf("answer %+v", a)
	}
	if a := answers[2]; a.Failure == nil || a.Failure.Class != wire.Invalid {
		t.Errorf("answer %+v", a)
	}
	if a := answers[3]; a.Failure == nil || a.Failure.Class != wire.Transient || a.Failure.Code != "not_awaited" {
		t.Errorf("answer %+v, want it not awaited", a)
	}
	for _, do := range []string{"kill", "a"} {
		questions := []wire.Question{{Index: 5, Args: toJSON(t, deed{Do: do})}}
		if err := c.WaitRunning(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Find(t.Context(), "city", questions, func(a wire.Answer) { answers[a.Index] = a }); err != nil {
			t.Fatal(err)
		}
		if do == "kill" {
			if f := answers[5].Failure; f == nil || f.Class != wire.Transient || f.Code != "plugin_lost" {
				t.Errorf("answer %+v, want it transient: a question may be asked again", answers[5])
			}
			eventually(t, "it came up again", func() bool { return c.State().Restarts == 1 })
		} else if answers[5].Failure != nil {
			t.Errorf("answer %+v", answers[5])
		}
	}
}

func TestWriteBoundsWhatIsAtHand(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	c, err := h.Open(t.Context(), pluginhost.Config{Name: "narrow", Plugin: "shop", Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	full := make(chan []wire.WriteResult, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { full <- write(t, ctx, c, deeds(t, "hang", "hang")) }()
	eventually(t, "the connection is full", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r := write(t, ctx, c, deeds(t, "a"))[0]
		return r.Failure != nil && r.Failure.Class == wire.Transient && r.Failure.Code == "not_sent"
	})
	cancel()
	for _, r := range <-full {
		if r.Failure == nil || r.Failure.Class != wire.Unknown || r.Failure.Code != "not_awaited" {
			t.Errorf("result %+v, want it sent and not awaited", r)
		}
	}
	for _, r := range write(t, t.Context(), c, deeds(t, "a", "b", "c", "d", "e")) {
		if r.Failure != nil {
			t.Errorf("result %+v", r)
		}
	}
}

func TestLargeRecords(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", nil)
	large := func(n int) []byte {
		return append(append([]byte(`{"Do":"a","Text":"`), bytes.Repeat([]byte("x"), n)...), `"}`...)
	}
	results := write(t, t.Context(), c, []wire.Record{
		{Index: 0, Data: large(5 << 20)}, {Index: 1, Data: large(65 << 20)}, {Index: 2, Data: large(1 << 20)}, {Index: 3, Data: large(18 << 20)},
	})
	for i, r := range results {
		if i == 1 {
			if r.Failure == nil || r.Failure.Class != wire.Invalid || r.Failure.Code != "too_large" {
				t.Errorf("65 MiB: %+v", r)
			}
		} else if r.Failure != nil {
			t.Errorf("record %d: %v", i, r.Failure)
		}
	}
}

func TestCheck(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	if err := open(t, h, "shop", nil).Check(t.Context()); err != nil {
		t.Error(err)
	}
	var failure *wire.Failure
	err := open(t, h, "shop", map[string]any{"tone": "unauthorized", "key": "top-secret"}).Check(t.Context())
	if !errors.As(err, &failure) || failure.Class != wire.Auth || failure.Message != "the key [secret] is refused" {
		t.Errorf("check: %v", err)
	}
}
