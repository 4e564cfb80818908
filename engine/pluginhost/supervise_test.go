package pluginhost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestCrashInTheMiddleOfABatch(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	dir := t.TempDir()
	c := open(t, h, "shop", map[string]any{"key": "s3cret", "dir": dir})
	other := open(t, h, "chatty", nil)
	before, otherBefore := c.State(), other.State()

	results, came := make([]wire.WriteResult, 5), 0
	if err := c.Write(t.Context(), "save", deeds(t, "a", "b", "wait 1h", "kill now", "wait 1h"), func(r wire.WriteResult) {
		results[r.Index] = r
		if came++; came == 2 {
			touch(t, dir, "now")
		}
	}); err != nil {
		t.Fatal(err)
	}
	if came != len(results) {
		t.Errorf("%d results, want %d", came, len(results))
	}
	for i, r := range results {
		switch {
		case i < 2 && r.Failure != nil:
			t.Errorf("record %d: %v, want its result from before the crash", i, r.Failure)
		case i >= 2 && (r.Failure == nil || r.Failure.Class != wire.Unknown || r.Failure.Code != "plugin_lost"):
			t.Errorf("record %d: %+v, want it unknown", i, r)
		}
	}
	if err := c.WaitRunning(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it came up again", func() bool { s := c.State(); return s.Restarts == 1 && s.Phase == pluginhost.Running })
	after := c.State()
	if after.PID == before.PID || !strings.Contains(after.LastError, "signal: killed") {
		t.Errorf("state %+v after %+v", after, before)
	}
	if r := write(t, t.Context(), c, deeds(t, "a"))[0]; r.Failure != nil {
		t.Errorf("after the restart: %v", r.Failure)
	}
	if s := other.State(); s != otherBefore {
		t.Errorf("the other connection is in state %+v, was in %+v", s, otherBefore)
	}
}

func TestWithoutAProcessNothingIsSent(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{BackoffMin: time.Hour, BackoffMax: 2 * time.Hour})
	c := open(t, h, "shop", nil)
	if err := syscall.Kill(c.State().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is restarting", func() bool { return c.State().Phase == pluginhost.Restarting })
	s := c.State()
	if s.PID != 0 || time.Until(s.Until) < 10*time.Minute || !strings.Contains(s.LastError, "signal: killed") {
		t.Errorf("state %+v", s)
	}
	for _, r := range write(t, t.Context(), c, deeds(t, "a", "b")) {
		if r.Failure == nil || r.Failure.Class != wire.Transient || r.Failure.Code != "plugin_down" || !strings.Contains(r.Failure.Message, "signal: killed") {
			t.Errorf("result %+v, want plugin_down and why", r)
		}
	}
	if err := c.Find(t.Context(), "city", []wire.Question{{Index: 7, Args: []byte(`{}`)}}, func(a wire.Answer) {
		if a.Index != 7 || a.Failure == nil || a.Failure.Code != "plugin_down" {
			t.Errorf("answer %+v", a)
		}
	}); err != nil {
		t.Error(err)
	}
	var failure *wire.Failure
	if err := c.Check(t.Context()); !errors.As(err, &failure) || failure.Class != wire.Transient {
		t.Errorf("check: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := decode(ctx, c, "thing"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "restarting") {
		t.Errorf("decode: %v", err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := c.State(); s.Phase != pluginhost.Stopped {
		t.Errorf("state %+v", s)
	}
	if _, err := decode(t.Context(), c, "thing"); !errors.Is(err, pluginhost.ErrClosed) {
		t.Errorf("decode after closing: %v", err)
	}
	if r := write(t, t.Context(), c, deeds(t, "a"))[0]; r.Failure == nil || r.Failure.Code != "plugin_down" {
		t.Errorf("write after closing: %+v", r)
	}
}

func TestAStoppedProcessIsKilledAndStartedAgain(t *testing.T) {
	// The first health call comes when the process has been stopped for long.
	h, _ := newHost(t, pluginhost.Options{HealthInterval: 500 * time.Millisecond, CallTimeout: 2 * time.Second})
	c := open(t, h, "shop", nil)
	pid := c.State().PID
	r := write(t, t.Context(), c, deeds(t, "stop"))[0]
	if r.Failure == nil || r.Failure.Class != wire.Unknown || r.Failure.Code != "plugin_lost" || !strings.Contains(r.Failure.Message, "did not answer a health call") {
		t.Errorf("result %+v", r)
	}
	eventually(t, "it runs again", func() bool { s := c.State(); return s.Phase == pluginhost.Running && s.PID != pid })
	if !gone(pid) {
		t.Errorf("process %d is still there", pid)
	}
}

func TestGrandchildrenThatHoldThePipes(t *testing.T) {
	h, book := newHost(t, pluginhost.Options{})
	c := open(t, h, "parent", nil)
	all := func() (pids []int) {
		for _, l := range book.lines("msg=\"child ") {
			_, rest, _ := strings.Cut(l, "msg=\"child ")
			number, _, _ := strings.Cut(rest, "\"")
			if pid, err := strconv.Atoi(number); err == nil {
				pids = append(pids, pid)
			}
		}
		return pids
	}
	eventually(t, "both children are there", func() bool { return len(all()) == 2 })
	children := all()
	// The one of a session of its own is nobody's to end but ours.
	defer func() {
		for _, pid := range all() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		eventually(t, "the children have ended", func() bool {
			return !slices.ContainsFunc(all(), func(pid int) bool { return !gone(pid) })
		})
	}()
	pid := c.State().PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it runs again", func() bool { s := c.State(); return s.Phase == pluginhost.Running && s.PID != pid })
	eventually(t, "the child in its group has ended", func() bool { return gone(children[0]) })
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConfigurationRefusedAtARestart(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{BackoffMax: time.Hour})
	c := open(t, h, "shop", map[string]any{"dir": t.TempDir(), "tone": "refuse-later"})
	if err := syscall.Kill(c.State().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has failed", func() bool { return c.State().Phase == pluginhost.Failed })
	var refused *pluginhost.ConfigError
	if _, err := decode(t.Context(), c, "thing"); !errors.As(err, &refused) || !strings.Contains(err.Error(), "the tone has changed") {
		t.Errorf("decode: %v", err)
	}
	if err := c.WaitRunning(t.Context()); !errors.As(err, &refused) {
		t.Errorf("wait: %v", err)
	}
}

func TestBackoffGrowsAndBeginsAnew(t *testing.T) {
	h, book := newHost(t, pluginhost.Options{BackoffMin: 20 * time.Millisecond, BackoffMax: time.Hour})
	c := open(t, h, "shop", nil)
	for i := range 5 {
		eventually(t, "it runs", func() bool { s := c.State(); return s.Phase == pluginhost.Running && s.Restarts == i })
		if err := syscall.Kill(c.State().PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "it runs", func() bool { s := c.State(); return s.Phase == pluginhost.Running && s.Restarts == 5 })
	if pauses := pausesOf(t, book); len(pauses) != 5 || pauses[4] < 160*time.Millisecond || pauses[0] > 30*time.Millisecond {
		t.Errorf("pauses %v, want 20 ms doubled each time, give or take a half", pauses)
	}

	h, book = newHost(t, pluginhost.Options{BackoffMin: 20 * time.Millisecond, BackoffMax: time.Hour, SteadyAfter: time.Nanosecond})
	c = open(t, h, "shop", nil)
	for i := range 5 {
		eventually(t, "it runs", func() bool { s := c.State(); return s.Phase == pluginhost.Running && s.Restarts == i })
		if err := syscall.Kill(c.State().PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "it runs", func() bool { s := c.State(); return s.Phase == pluginhost.Running && s.Restarts == 5 })
	for _, p := range pausesOf(t, book) {
		if p > 30*time.Millisecond {
			t.Errorf("a pause of %s after a steady run", p)
		}
	}
}

// pausesOf reads the pauses before restarts from the log.
func pausesOf(t *testing.T, book *logBook) []time.Duration {
	t.Helper()
	var out []time.Duration
	for _, l := range book.lines("the plugin is down") {
		_, text, _ := strings.Cut(l, " after=")
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("line %q: %v", l, err)
		}
		out = append(out, d)
	}
	return out
}

func TestCloseFinishesWhatIsAtHand(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{DrainTimeout: time.Minute})
	dir := t.TempDir()
	c := open(t, h, "shop", map[string]any{"dir": dir})
	pid := c.State().PID
	written, decoded, closed := make(chan []wire.WriteResult, 1), make(chan error, 1), make(chan error, 1)
	go func() { written <- write(t, context.Background(), c, deeds(t, "hold first", "hold second")) }()
	go func() {
		_, err := decode(context.Background(), c, "hold third")
		decoded <- err
	}()
	for _, deed := range []string{"first", "second", "third"} {
		eventually(t, "the "+deed+" is at hand", func() bool { return exists(filepath.Join(dir, deed)) })
	}
	go func() { closed <- c.Close(context.Background()) }()
	eventually(t, "it takes nothing any more", func() bool {
		r := write(t, t.Context(), c, deeds(t, "a"))[0]
		return r.Failure != nil && r.Failure.Code == "plugin_down"
	})
	select {
	case err := <-closed:
		t.Fatalf("closed before the work at hand was done: %v", err)
	default:
	}
	touch(t, dir, "first.release", "second.release", "third.release")
	if err := <-closed; err != nil {
		t.Error(err)
	}
	for _, r := range <-written {
		if r.Failure != nil {
			t.Errorf("a record at hand: %v", r.Failure)
		}
	}
	if err := <-decoded; err != nil {
		t.Errorf("a request at hand: %v", err)
	}
	if !gone(pid) {
		t.Errorf("process %d is still there", pid)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{DrainTimeout: 300 * time.Millisecond, EndTimeout: 300 * time.Millisecond})
	dir := t.TempDir()
	c := open(t, h, "shop", map[string]any{"dir": dir})
	written := make(chan []wire.WriteResult, 1)
	go func() { written <- write(t, context.Background(), c, deeds(t, "hold it")) }()
	eventually(t, "the record is at hand", func() bool { return exists(filepath.Join(dir, "it")) })
	if err := c.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "still at hand") {
		t.Errorf("error %v, want that something was at hand", err)
	}
	if r := (<-written)[0]; r.Failure == nil || r.Failure.Class != wire.Unknown {
		t.Errorf("result %+v, want it unknown", r)
	}

	patient, _ := newHost(t, pluginhost.Options{DrainTimeout: time.Minute, EndTimeout: 300 * time.Millisecond})
	deaf := open(t, patient, "stubborn", nil)
	pid := deaf.State().PID
	if err := deaf.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if !gone(pid) {
		t.Errorf("process %d is still there", pid)
	}

	stopped := open(t, h, "shop", nil)
	pid = stopped.State().PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process is stopped", func() bool { return standsStill(t, pid) })
	if err := stopped.Close(t.Context()); err == nil {
		t.Error("a stopped process was drained")
	}
	if !gone(pid) {
		t.Errorf("process %d is still there", pid)
	}

	hurried := open(t, patient, "stubborn", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = hurried.Close(ctx)
	if s := hurried.State(); s.Phase != pluginhost.Stopped {
		t.Errorf("state %+v", s)
	}
}

func TestAClosedHostOpensNothing(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", nil)
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := c.State(); s.Phase != pluginhost.Stopped {
		t.Errorf("state %+v", s)
	}
	if _, err := h.Open(t.Context(), pluginhost.Config{Name: "c", Plugin: "shop"}); !errors.Is(err, pluginhost.ErrClosed) {
		t.Errorf("open: %v", err)
	}
	if _, err := h.Describe(t.Context(), "shop", nil); !errors.Is(err, pluginhost.ErrClosed) {
		t.Errorf("describe: %v", err)
	}
	if _, err := h.Open(t.Context(), pluginhost.Config{Plugin: "shop"}); err == nil || !strings.Contains(err.Error(), "no name") {
		t.Errorf("open without a name: %v", err)
	}
	if _, err := pluginhost.New(pluginhost.Options{}); err == nil {
		t.Error("a host without a directory")
	}
}

func TestManyConnectionsOneOfThemBad(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond})
	bad := open(t, h, "shop", nil)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if pid := bad.State().PID; pid != 0 {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				time.Sleep(time.Millisecond)
			}
		}
	})
	for i := range 3 {
		wg.Go(func() {
			c, err := h.Open(t.Context(), pluginhost.Config{Name: fmt.Sprintf("good-%d", i), Plugin: "shop"})
			if err != nil {
				t.Error(err)
				return
			}
			for range 50 {
				if _, err := decode(t.Context(), c, "thing"); err != nil {
					t.Error(err)
				}
				for _, r := range write(t, t.Context(), c, deeds(t, "a", "b")) {
					if r.Failure != nil {
						t.Error(r.Failure)
					}
				}
			}
			if s := c.State(); s.Restarts != 0 {
				t.Errorf("state %+v", s)
			}
		})
	}
	eventually(t, "the bad one came up again a few times", func() bool { return bad.State().Restarts >= 3 })
	close(stop)
	wg.Wait()
}

// touch makes files in a directory.
func touch(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// standsStill tells whether SIGSTOP has reached every thread of a process, which
// it does a moment after kill returns.
func standsStill(t *testing.T, pid int) bool {
	t.Helper()
	state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, os.ErrNotExist) { // no Linux
		state, err = exec.Command("ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	} else if i := bytes.LastIndexByte(state, ')'); i >= 0 {
		state = state[i+1:]
	}
	if err != nil {
		t.Fatal(err)
	}
	return bytes.HasPrefix(bytes.TrimSpace(state), []byte("T"))
}
