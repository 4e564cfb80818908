package pluginhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// TestMain makes the test binary every plugin that the tests need, and an
// engine: which of them it is, the name of the link that it is started by says.
func TestMain(m *testing.M) {
	if main, ok := processes()[filepath.Base(os.Args[0])]; ok {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func processes() map[string]func() {
	return map[string]func(){
		"shop":        func() { fmt.Fprintln(os.Stderr, "shop begins"); sdk.Serve(shop("shop")) },
		"misnamed":    func() { sdk.Serve(shop("shop")) },
		"exits":       func() { fmt.Fprintln(os.Stderr, "no licence found"); os.Exit(3) },
		"mute":        func() { time.Sleep(time.Hour) },
		"mute-stays":  stays,
		"chatty":      chatty,
		"babbling":    babbling,
		"future":      func() { say("\n", "1|7|unix|/nowhere|grpc|"); time.Sleep(time.Hour) },
		"ancient":     func() { say("\n", "1|0|unix|/nowhere|grpc|"); time.Sleep(time.Hour) },
		"other-core":  func() { say("\n", "2|1|unix|/nowhere|grpc|"); time.Sleep(time.Hour) },
		"naked":       func() { say("\n", "1|1|unix|/nowhere|grpc|"); time.Sleep(time.Hour) },
		"elsewhere":   func() { say("\n", "1|1|tcp|192.0.2.1:9|grpc|"+strings.Repeat("A", 99)); time.Sleep(time.Hour) },
		"netrpc":      func() { say("\n", "1|1|unix|/nowhere|netrpc|"); time.Sleep(time.Hour) },
		"stopper":     func() { stopSelfAfterHandshake() },
		"parent":      parent,
		"sleeper":     func() { time.Sleep(time.Hour) },
		"flood":       flood,
		"late":        func() { sdk.Serve(shop("late")) },
		"stubborn":    stubborn,
		"noop":        func() { sdk.Serve(noop()) },
		"test-engine": testEngine,
	}
}

const configSchema = `{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "key":  {"type": "string", "writeOnly": true, "minLength": 3},
    "dir":  {"type": "string"},
    "tone": {"type": "string"},
    "nested": {"$ref": "#/$defs/login"}
  },
  "$defs": {"login": {"type": "object", "properties": {"user": {"type": "string"}, "password": {"type": "string", "writeOnly": true}}}}
}`

// say prints to standard output, which no plugin should.
func say(end, text string) {
	if _, err := os.Stdout.WriteString(text + end); err != nil {
		panic(err)
	}
}

// shop is a well-behaved connector, whose records tell it what to do.
func shop(name string) sdk.Spec {
	contract := sdk.Contract{
		Events:     []sdk.EventSpec{{Name: "order", Schema: json.RawMessage(`{"type":"object"}`)}},
		Operations: []sdk.OperationSpec{{Name: "save", Schema: json.RawMessage(`{"type":"object"}`)}},
		Lookups:    []sdk.LookupSpec{{Name: "city", ArgsSchema: json.RawMessage(`{}`), AnswerSchema: json.RawMessage(`{}`)}},
	}
	return sdk.Spec{
		Name: name, Version: "1.2.3", Title: "Shop", Config: json.RawMessage(configSchema), Contract: contract,
		Under: func(config json.RawMessage) (sdk.Contract, error) {
			if strings.Contains(string(config), "refuse-under") {
				return sdk.Contract{}, errors.New("there is no contract of this tone")
			}
			under := contract
			under.Events = []sdk.EventSpec{{Name: "order", Schema: json.RawMessage(`{"type":"object"}`), Description: string(config)}}
			return under, nil
		},
		Open: func(_ context.Context, c sdk.Config) (*sdk.Connection, error) {
			s := &shopConnection{config: c}
			if err := c.Decode(&s.settings); err != nil {
				return nil, err
			}
			switch s.settings.Tone {
			case "refuse":
				return nil, &sdk.ConfigError{Diagnostics: []sdk.Diagnostic{{Path: "key", Message: "the key " + s.settings.Key + " is of an old kind", Hint: "make a new one"}}}
			case "refuse-later":
				if s.countStart() > 1 {
					return nil, errors.New("the tone has changed")
				}
			case "panic":
				panic("opened the wrong way")
			case "hang":
				select {}
			case "loud":
				c.Log.Warn("opened", "key_was", s.settings.Key, "orders", 12345678901234567)
				fmt.Fprintln(os.Stderr, "plain words with", s.settings.Key)
				say("\n", "printed to stdout")
			}
			return &sdk.Connection{Source: s, Sink: s, Lookup: s, Check: s.check}, nil
		},
	}
}

type shopConnection struct {
	config   sdk.Config
	settings struct{ Key, Dir, Tone string }
}

// countStart counts the starts of processes in a directory.
func (s *shopConnection) countStart() int {
	starts, err := filepath.Glob(filepath.Join(s.settings.Dir, "start-*"))
	if err != nil {
		panic(err)
	}
	name := filepath.Join(s.settings.Dir, fmt.Sprintf("start-%d", len(starts)))
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		panic(err)
	}
	return len(starts) + 1
}

// mark tells the test, by a file, that something is at hand.
func (s *shopConnection) mark(file string) {
	if err := os.WriteFile(filepath.Join(s.settings.Dir, file), nil, 0o600); err != nil {
		panic(err)
	}
}

// await waits for the test to make a file.
func (s *shopConnection) await(file string) {
	for !exists(filepath.Join(s.settings.Dir, file)) {
		time.Sleep(time.Millisecond)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

type deed struct {
	Do   string
	Text string
}

// do does what a record, a body or a question says.
func (s *shopConnection) do(ctx context.Context, data []byte) (string, error) {
	var d deed
	if err := json.Unmarshal(data, &d); err != nil {
		return "", sdk.Invalid("", "no_json", "the record is not JSON")
	}
	switch d.Do {
	case "exit":
		os.Exit(9)
	case "kill":
		if d.Text != "" {
			s.await(d.Text)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "kill-once":
		if s.countStart() == 1 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	case "panic":
		panic("what a deed")
	case "hang":
		<-ctx.Done()
		return "", ctx.Err()
	case "hang-deaf":
		s.mark(d.Text)
		select {}
	case "hold":
		s.mark(d.Text)
		s.await(d.Text + ".release")
	case "wait":
		pause, err := time.ParseDuration(d.Text)
		if err != nil {
			return "", err
		}
		time.Sleep(pause)
	case "invalid":
		return "", sdk.Invalid("phone", "bad_phone", "no such phone for %s", s.settings.Key)
	case "auth":
		return "", sdk.Unauthorized("bad_key", "the key %s is refused", s.settings.Key)
	case "print":
		say("", d.Text)
		fmt.Fprint(os.Stderr, "to the replaced stderr\n")
	case "log":
		s.config.Log.Info(d.Text)
	case "stderr":
		_, _ = syscall.Write(2, []byte(d.Text))
	case "env":
		return strings.Join(os.Environ(), "\n"), nil
	}
	return "did " + d.Do, nil
}

func (s *shopConnection) check(context.Context) error {
	if s.settings.Tone == "unauthorized" {
		return sdk.Unauthorized("bad_key", "the key %s is refused", s.settings.Key)
	}
	return nil
}

func (s *shopConnection) Decode(ctx context.Context, r *sdk.Request) (sdk.Decoded, error) {
	text, err := s.do(ctx, r.Body)
	if f, ok := errors.AsType[*sdk.Failure](err); ok {
		return sdk.Decoded{}, sdk.Refuse(400, f.Code, f.Path, "%s", f.Message)
	}
	if err != nil {
		return sdk.Decoded{}, err
	}
	record, err := json.Marshal(map[string]any{"text": text, "pid": os.Getpid()})
	return sdk.Decoded{Events: []sdk.Event{{Type: "order", Key: r.Path, Record: record}}}, err
}

func (s *shopConnection) Write(ctx context.Context, r sdk.Record) (sdk.Written, error) {
	text, err := s.do(ctx, r.Data)
	if err != nil {
		return sdk.Written{}, err
	}
	answer, err := json.Marshal(text)
	return sdk.Written{Action: "created", Answer: answer}, err
}

func (s *shopConnection) Find(ctx context.Context, q sdk.Question) (json.RawMessage, error) {
	text, err := s.do(ctx, q.Args)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"text": text})
}

// noop is a shop that does nothing at all.
func noop() sdk.Spec {
	spec := shop("noop")
	spec.Open = func(context.Context, sdk.Config) (*sdk.Connection, error) {
		return &sdk.Connection{Source: idle{}, Sink: idle{}, Lookup: idle{}}, nil
	}
	return spec
}

type idle struct{}

func (idle) Decode(_ context.Context, r *sdk.Request) (sdk.Decoded, error) {
	return sdk.Decoded{Events: []sdk.Event{{Type: "order", Key: r.Path, Record: r.Body}}}, nil
}

func (idle) Write(context.Context, sdk.Record) (sdk.Written, error) {
	return sdk.Written{Action: "created"}, nil
}

func (idle) Find(context.Context, sdk.Question) (json.RawMessage, error) {
	return json.RawMessage(`{}`), nil
}

// stays neither shakes hands nor ends when it is asked to.
func stays() {
	ignoreSignals()
	time.Sleep(time.Hour)
}

// chatty prints before its handshake, without an end to the line, and a lot.
func chatty() {
	say("\n", "welcome to chatty")
	say("\n", "1|2|3")
	say("", strings.Repeat("x", 200<<10))
	sdk.Serve(shop("chatty"))
}

// babbling never comes to its handshake.
func babbling() {
	for {
		say("\n", strings.Repeat("y", 1000))
	}
}

// stopSelfAfterHandshake stops the whole process as soon as it has shaken hands.
func stopSelfAfterHandshake() {
	real := os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	os.Stdout = w
	go func() {
		buf := make([]byte, 16<<10)
		n, _ := r.Read(buf)
		_, _ = real.Write(buf[:n])
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}()
	sdk.Serve(shop("stopper"))
}

// parent leaves a child that holds its stdout and stderr, in the same group and
// in another.
func parent() {
	for _, own := range []bool{false, true} {
		child := exec.Command(filepath.Join(filepath.Dir(os.Args[0]), "sleeper"))
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: own}
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Fprintf(os.Stderr, "child %d\n", child.Process.Pid)
	}
	sdk.Serve(shop("parent"))
}

// flood writes to stderr as fast as it can, beside its work.
func flood() {
	go func() {
		line := []byte(strings.Repeat("flood ", 50) + "\n")
		for {
			_, _ = syscall.Write(2, line)
		}
	}()
	sdk.Serve(shop("flood"))
}

// stubborn works, and ends neither when it is asked to nor when its standard
// input does.
func stubborn() {
	ignoreSignals()
	handler, err := sdk.NewHandler(shop("stubborn"), slog.New(slog.DiscardHandler))
	if err != nil {
		panic(err)
	}
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: wire.Handshake(), VersionedPlugins: wire.Plugins(handler),
		GRPCServer: goplugin.DefaultGRPCServer, Logger: hclog.NewNullLogger(),
	})
	// The server is told to stop by go-plugin's own shutdown only.
	select {}
}
