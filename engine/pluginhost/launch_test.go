package pluginhost_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

func TestNames(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"saleapp": 0o755, "file-drop_2": 0o755, "README.md": 0o644, "Big": 0o755, "2fast": 0o755, ".hidden": 0o755, "unset": 0o644,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "saleapp"), filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	h, _ := newHost(t, pluginhost.Options{Dir: dir})
	names, err := h.Names()
	if want := []string{"file-drop_2", "linked", "saleapp"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("names %v, error %v; want %v", names, err, want)
	}

	for _, name := range []string{"nothing", "../saleapp", "Big", ""} {
		_, err = h.Describe(t.Context(), name, nil)
		var missing *pluginhost.NotFoundError
		if !errors.As(err, &missing) || !slices.Equal(missing.Known, names) || missing.Dir != dir {
			t.Errorf("describe %q: error %v, want a NotFoundError that names the plugins", name, err)
		}
	}
	_, err = h.Describe(t.Context(), "unset", nil)
	if err == nil || !strings.Contains(err.Error(), "chmod +x") {
		t.Errorf("a file that is not executable: %v", err)
	}
	_, err = h.Describe(t.Context(), "folder", nil)
	if err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder: %v", err)
	}
	_, err = h.Describe(t.Context(), "saleapp", nil)
	if err == nil || !strings.Contains(err.Error(), "launch plugin saleapp: ") {
		t.Errorf("an empty file: %v", err)
	}

	h, _ = newHost(t, pluginhost.Options{Dir: filepath.Join(dir, "absent")})
	if _, err := h.Names(); err == nil || !strings.Contains(err.Error(), "does not exist: build the plugins into it") {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestPluginsThatDoNotStart(t *testing.T) {
	dir := pluginsDir(t)
	for _, test := range []struct {
		plugin string
		want   []string
		late   time.Duration
	}{
		{plugin: "exits", want: []string{"it ended before its handshake: exit status 3", "it said: no licence found"}},
		{plugin: "mute", want: []string{"it did not get ready within 1s"}, late: time.Second},
		{plugin: "mute-stays", want: []string{"it did not get ready within 1s"}, late: time.Second},
		{plugin: "stopper", want: []string{"it did not get ready within 2s"}, late: 2 * time.Second},
		{plugin: "babbling", want: []string{"over 1 MiB to standard output before its handshake"}},
		{plugin: "future", want: []string{"speaks version 7", "this engine version 1", "install a newer engine"}},
		{plugin: "ancient", want: []string{"speaks version 0", "this engine version 1", "build it again"}},
		{plugin: "other-core", want: []string{"version 2 of go-plugin's handshake"}},
		{plugin: "naked", want: []string{"without TLS", "PLUGIN_CLIENT_CERT"}},
		{plugin: "elsewhere", want: []string{"it listens on 192.0.2.1:9", "UNIX socket"}},
		{plugin: "netrpc", want: []string{"does not serve gRPC", `"netrpc"`}},
		{plugin: "misnamed", want: []string{`its file is named misnamed and it calls itself "shop"`}},
	} {
		t.Run(test.plugin, func(t *testing.T) {
			h, _ := newHost(t, pluginhost.Options{Dir: dir, StartTimeout: test.late})
			_, err := h.Open(t.Context(), pluginhost.Config{Name: "c", Plugin: test.plugin})
			var launch *pluginhost.LaunchError
			if !errors.As(err, &launch) {
				t.Fatalf("error %v, want a LaunchError", err)
			}
			for _, want := range append(test.want, "launch plugin "+test.plugin+": ") {
				if strings.Count(err.Error(), want) != 1 {
					t.Errorf("error %q, want %q in it, once", err, want)
				}
			}
			var version *pluginhost.VersionError
			if wanted := test.plugin == "future" || test.plugin == "ancient"; errors.As(err, &version) != wanted {
				t.Errorf("error %v is a VersionError: %t, want %t", err, !wanted, wanted)
			}
			if left := running(t, dir); len(left) > 0 {
				t.Errorf("processes %v are left", left)
			}
		})
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	dir := pluginsDir(t)
	h, _ := newHost(t, pluginhost.Options{Dir: dir})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for len(running(t, dir)) == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	_, err := h.Open(ctx, pluginhost.Config{Name: "c", Plugin: "mute"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was canceled", err)
	}
}

func TestDescribe(t *testing.T) {
	h, book := newHost(t, pluginhost.Options{})
	bare, err := h.Describe(t.Context(), "shop", nil)
	if err != nil || bare.Name != "shop" || bare.Events[0].Description != "" {
		t.Fatalf("spec %+v, error %v", bare, err)
	}
	under, err := h.Describe(t.Context(), "shop", []byte(`{"tone":"calm"}`))
	if err != nil || under.Events[0].Description != `{"tone":"calm"}` {
		t.Errorf("spec %+v, error %v; want that the plugin saw the configuration", under, err)
	}
	_, err = h.Describe(t.Context(), "shop", []byte(`{"tone":"refuse-under"}`))
	var refused *pluginhost.ConfigError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "there is no contract of this tone") {
		t.Errorf("error %v, want a ConfigError with the plugin's words", err)
	}
	if n := len(book.lines("shop begins")); n != 3 {
		t.Fatalf("%d processes were started, want 3", n)
	}
	for range 3 {
		if _, err := h.Describe(t.Context(), "shop", nil); err != nil {
			t.Error(err)
		}
	}
	if n := len(book.lines("shop begins")); n != 3 {
		t.Errorf("%d processes were started, want none for what is known", n)
	}
	if _, err := h.Describe(t.Context(), "exits", nil); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
}

func TestConfigurationIsRefused(t *testing.T) {
	h, book := newHost(t, pluginhost.Options{})
	for _, test := range []struct {
		config map[string]any
		path   string
		want   string
	}{
		{map[string]any{"tone": "refuse", "key": "my-old-secret"}, "key", "the key [secret] is of an old kind"},
		{map[string]any{"key": "ab"}, "key", "is shorter than 3 characters"},
		{map[string]any{"keyy": "my-old-secret"}, "", "unknown: keyy"},
		{map[string]any{"tone": "refuse-under"}, "", "there is no contract of this tone"},
	} {
		_, err := h.Open(t.Context(), pluginhost.Config{Name: "c", Plugin: "shop", JSON: toJSON(t, test.config)})
		var refused *pluginhost.ConfigError
		if !errors.As(err, &refused) || len(refused.Diagnostics) != 1 {
			t.Errorf("%v: error %v, want a ConfigError", test.config, err)
			continue
		}
		if d := refused.Diagnostics[0]; d.Path != test.path || !strings.Contains(d.Message, test.want) {
			t.Errorf("%v: diagnostic %+v, want %q at %q", test.config, d, test.want, test.path)
		}
		if !strings.HasPrefix(err.Error(), "connection c: plugin shop refuses the configuration: ") {
			t.Errorf("error %q", err)
		}
	}
	_, err := h.Open(t.Context(), pluginhost.Config{Name: "c", Plugin: "shop", JSON: []byte(`{"key":`)})
	if err == nil || !strings.Contains(err.Error(), "the configuration is not JSON") {
		t.Errorf("error %v", err)
	}
	_, err = h.Open(t.Context(), pluginhost.Config{Name: "c", Plugin: "shop", JSON: toJSON(t, map[string]any{"tone": "panic"})})
	if err == nil || !strings.Contains(err.Error(), "its Configure failed") || !strings.Contains(err.Error(), "panic: opened the wrong way") {
		t.Errorf("error %v, want the panic's words", err)
	}
	if strings.Contains(book.String(), "my-old-secret") {
		t.Error("the secret is in the log")
	}
}

func TestConfigureThatHangs(t *testing.T) {
	// A process has as long to come to Configure as Configure has: where it was too
	// slow to come there, it is given twice the time.
	for timeout := time.Second; ; timeout *= 2 {
		h, _ := newHost(t, pluginhost.Options{StartTimeout: timeout})
		_, err := h.Open(t.Context(), pluginhost.Config{Name: "c", Plugin: "shop", JSON: toJSON(t, map[string]any{"tone": "hang"})})
		if err == nil {
			t.Fatal("a connection that hangs in Configure is open")
		}
		if strings.Contains(err.Error(), "its Configure failed") {
			return
		}
		if timeout > time.Minute {
			t.Fatalf("error %v", err)
		}
		t.Logf("with %s: %v", timeout, err)
	}
}

func TestKeepTrying(t *testing.T) {
	dir := pluginsDir(t)
	late := filepath.Join(dir, "late")
	working, err := os.Readlink(late)
	if err != nil {
		t.Fatal(err)
	}
	replace := func(make func(path string) error) {
		t.Helper()
		if err := make(late + ".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(late+".new", late); err != nil {
			t.Fatal(err)
		}
	}
	replace(func(path string) error {
		return os.WriteFile(path, []byte("#!/bin/sh\necho not today >&2\nexit 4\n"), 0o755)
	})
	h, _ := newHost(t, pluginhost.Options{Dir: dir, BackoffMax: 200 * time.Millisecond})
	if _, err := h.Open(t.Context(), pluginhost.Config{Name: "c", Plugin: "late"}); err == nil {
		t.Error("a plugin that does not start is opened without KeepTrying")
	}
	c, err := h.Open(t.Context(), pluginhost.Config{Name: "c", Plugin: "late", KeepTrying: true})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is restarting", func() bool { return c.State().Phase == pluginhost.Restarting })
	if s := c.State(); !strings.Contains(s.LastError, "exit status 4") || !strings.Contains(s.LastError, "not today") {
		t.Errorf("state %+v", s)
	}
	replace(func(path string) error { return os.Symlink(working, path) })
	if err := c.WaitRunning(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := decode(t.Context(), c, "thing"); err != nil {
		t.Error(err)
	}
	if c.Spec().Name != "late" {
		t.Errorf("spec %+v", c.Spec())
	}
}
