package pluginhost_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestDecodeAnswersEachItsOwn(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", nil)
	var wg sync.WaitGroup
	for i := range 2000 {
		wg.Go(func() {
			want := fmt.Sprintf("key-%d", i)
			d, err := c.Decode(t.Context(), wire.Request{ID: uint64(i), Path: want, Body: toJSON(t, deed{Do: want})})
			if err != nil || d.ID != uint64(i) || len(d.Events) != 1 || d.Events[0].Key != want || !strings.Contains(string(d.Events[0].Record), `"did `+want+`"`) {
				t.Errorf("decoded %+v, error %v", d, err)
			}
		})
	}
	wg.Wait()
	d, err := c.Decode(t.Context(), wire.Request{Body: []byte("no json")})
	if err != nil || d.Refusal == nil || d.Refusal.Status != 400 || d.Refusal.Code != "no_json" {
		t.Errorf("decoded %+v, error %v; want a refusal", d, err)
	}
	if _, err := c.Decode(t.Context(), wire.Request{Body: make([]byte, wire.MaxMessageBytes)}); err == nil || !strings.Contains(err.Error(), "too large to decode") {
		t.Errorf("64 MiB: %v", err)
	}
	if s := c.State(); s.Restarts != 0 {
		t.Errorf("state %+v", s)
	}
}

func TestDecodeSurvivesKills(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", nil)
	var wg sync.WaitGroup
	var answered atomic.Int64
	for i := range 500 {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			d, err := c.Decode(t.Context(), wire.Request{Path: "k", Body: toJSON(t, deed{Do: "wait", Text: "2ms"})})
			if err != nil || len(d.Events) != 1 {
				t.Errorf("request %d: %+v, error %v", i, d, err)
			}
			answered.Add(1)
		})
	}
	killed := 0
	for _, n := range []int64{100, 250} {
		eventually(t, fmt.Sprintf("%d requests are answered and another process runs", n), func() bool {
			s := c.State()
			if answered.Load() < n || s.Phase != pluginhost.Running || s.PID == killed {
				return false
			}
			killed = s.PID
			return syscall.Kill(killed, syscall.SIGKILL) == nil
		})
	}
	wg.Wait()
	eventually(t, "it came up again twice", func() bool { return c.State().Restarts == 2 })
}

func TestARequestThatEndsTheProcess(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{BackoffMin: time.Millisecond})
	c := open(t, h, "shop", nil)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if d, err := decode(t.Context(), c, "wait 20ms"); err != nil || len(d.Events) != 1 {
				t.Errorf("an innocent one: %+v, error %v", d, err)
			}
		})
	}
	_, err := decode(t.Context(), c, "exit")
	var crash *pluginhost.CrashError
	if !errors.As(err, &crash) || crash.Times != 3 {
		t.Errorf("error %v, want a CrashError", err)
	}
	wg.Wait()
	if d, err := decode(t.Context(), c, "thing"); err != nil || len(d.Events) != 1 {
		t.Errorf("afterwards: %+v, error %v", d, err)
	}
}

func TestAPanicWhileDecodingIsOneRefusal(t *testing.T) {
	h, book := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", nil)
	pid := c.State().PID
	d, err := decode(t.Context(), c, "panic")
	if err != nil || d.Refusal == nil || d.Refusal.Status != 422 || d.Refusal.Code != "panic" {
		t.Errorf("decoded %+v, error %v", d, err)
	}
	if r := write(t, t.Context(), c, deeds(t, "panic"))[0]; r.Failure == nil || r.Failure.Class != wire.Unknown || r.Failure.Code != "panic" {
		t.Errorf("result %+v", r)
	}
	if s := c.State(); s.PID != pid {
		t.Errorf("state %+v, want process %d", s, pid)
	}
	eventually(t, "the panic is in the log", func() bool {
		return len(book.lines("decoding panicked")) == 1 && strings.Contains(book.lines("decoding panicked")[0], "level=ERROR")
	})
}

func TestDecodingThatHangs(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{DecodeTimeout: time.Second})
	dir := t.TempDir()
	c := open(t, h, "shop", map[string]any{"dir": dir})
	pid := c.State().PID
	ctx, cancel := context.WithCancel(t.Context())
	decoded := make(chan error, 1)
	go func() {
		_, err := decode(ctx, c, "hang-deaf here")
		decoded <- err
	}()
	eventually(t, "the request is at hand", func() bool { return exists(filepath.Join(dir, "here")) })
	cancel()
	if err := <-decoded; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	eventually(t, "another process runs", func() bool { s := c.State(); return s.Phase == pluginhost.Running && s.PID != pid })
	if s := c.State(); !strings.Contains(s.LastError, "did not answer a request to decode within 1s") {
		t.Errorf("state %+v", s)
	}
	if _, err := decode(t.Context(), c, "thing"); err != nil {
		t.Error(err)
	}
}
