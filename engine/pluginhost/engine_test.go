package pluginhost_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

// testEngine is an engine that opens connections, says which processes they
// have, and goes on until it is killed.
func testEngine() {
	h, err := pluginhost.New(pluginhost.Options{Dir: os.Args[1]})
	if err != nil {
		panic(err)
	}
	var pids []int
	for _, plugin := range os.Args[2:] {
		c, err := h.Open(context.Background(), pluginhost.Config{Name: plugin, Plugin: plugin, JSON: json.RawMessage(`{}`)})
		if err != nil {
			panic(err)
		}
		pids = append(pids, c.State().PID)
	}
	if err := json.NewEncoder(os.Stdout).Encode(pids); err != nil {
		panic(err)
	}
	time.Sleep(time.Hour)
}

func TestPluginsEndWithAKilledEngine(t *testing.T) {
	plugins := []string{"shop", "chatty"}
	if runtime.GOOS == "linux" {
		// Only the kernel can end one that looks at nothing.
		plugins = append(plugins, "stubborn")
	}
	dir := pluginsDir(t)
	engine := exec.Command(filepath.Join(dir, "test-engine"), append([]string{dir}, plugins...)...)
	engine.Args[0] = engine.Path
	engine.Stderr = os.Stderr
	out, err := engine.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	if err := json.Unmarshal(line, &pids); err != nil || len(pids) != len(plugins) {
		t.Fatalf("the engine printed %q: %v", line, err)
	}
	for _, pid := range pids {
		if pid == 0 || gone(pid) {
			t.Fatalf("process %d does not run before the engine is killed", pid)
		}
	}
	if err := engine.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = engine.Wait()
	for i, pid := range pids {
		eventually(t, fmt.Sprintf("plugin %s ended with the engine", plugins[i]), func() bool { return gone(pid) })
	}
}

// The kernel's parent-death signal follows a thread; these end. At most one of
// them is the main one, which never does.
func TestPluginsOutliveTheThreadsThatOpenedThem(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	const n = 3
	opened := make(chan *pluginhost.Connection, n)
	var all sync.WaitGroup
	all.Add(n)
	for i := range n {
		go func() {
			// Not unlocked, so the thread ends with the goroutine.
			runtime.LockOSThread()
			c, err := h.Open(context.Background(), pluginhost.Config{Name: fmt.Sprintf("shop-%d", i), Plugin: "shop"})
			if err != nil {
				t.Error(err)
			}
			opened <- c
			all.Done()
			all.Wait()
		}()
	}
	all.Wait()
	for range n {
		c := <-opened
		if c == nil {
			t.FailNow()
		}
		for range 20 {
			if _, err := decode(t.Context(), c, "thing"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if s := c.State(); s.Restarts != 0 || s.LastError != "" {
			t.Errorf("state %+v, want no restart", s)
		}
	}
}
