// Package sdktest helps a connector's own tests: it opens a connection in the
// test's process or in a real one, and checks what every connector should keep.
//
//	func TestMain(m *testing.M) { sdktest.Main(m, spec()) }
//
//	func TestDecode(t *testing.T) {
//		c := sdktest.Open(t, spec(), `{}`)
//		events := c.Events(sdktest.Request("POST", "application/json", body))
//	}
package sdktest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Main is a test binary's TestMain. Where Process started the binary it serves
// the connector and does not return; else it runs the tests.
func Main(m *testing.M, s sdk.Spec) {
	if os.Getenv(wire.CookieKey) == wire.CookieValue {
		sdk.Serve(s)
	}
	os.Exit(m.Run())
}

// Process starts the connector as a process of its own, the way the engine does
// (go-plugin's handshake and mutual TLS), and ends it with the test. It needs
// Main as the package's TestMain, and must not be called by parallel tests: it
// lends the process another standard input for a moment.
func Process(t testing.TB) *wire.Client {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec // the test binary starts itself
	cmd.Env = append(os.Environ(), goplugin.EnvUnixSocketDir+"="+socketsIn())
	stdin, hold, err := os.Pipe() // held open: its end tells the connector that nobody needs it
	if err != nil {
		t.Fatal(err)
	}
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: wire.Handshake(), VersionedPlugins: wire.Plugins(nil), Cmd: cmd,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, AutoMTLS: true,
		GRPCDialOptions: wire.DialOptions(), Logger: hclog.NewNullLogger(),
	})
	t.Cleanup(func() {
		_ = hold.Close()
		client.Kill()
	})
	own := os.Stdin
	os.Stdin = stdin // go-plugin hands its own standard input on
	protocol, err := client.Client()
	os.Stdin = own
	_ = stdin.Close()
	if err != nil {
		t.Fatalf("start the connector: %v", err)
	}
	raw, err := protocol.Dispense(wire.PluginName)
	if err != nil {
		t.Fatalf("dispense the connector: %v", err)
	}
	c, ok := raw.(*wire.Client)
	if !ok {
		t.Fatalf("dispensed a %T", raw)
	}
	return c
}

// Served starts the connector with Process, configures it, has it decode requests that
// came together, and gives what it says of itself and what became of each.
func Served(t testing.TB, config string, requests ...wire.Request) (wire.Spec, []wire.Decoded) {
	t.Helper()
	c := Process(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := c.Describe(ctx, nil)
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	if ds, err := c.Configure(ctx, "test", json.RawMessage(config)); err != nil || len(ds) > 0 {
		t.Fatalf("configure with %s: %v %v", config, ds, err)
	}
	stream, err := c.Decode(ctx)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if err := stream.Send(requests); err != nil {
		t.Fatalf("decode: %v", err)
	}
	out, err := stream.Recv()
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if len(out) != len(requests) {
		t.Fatalf("%d answers to %d requests: %+v", len(out), len(requests), out)
	}
	return s, out
}

// socketsIn is where Process has its socket: the directory for temporary files, or
// /tmp where that is so long that a socket's path (103 bytes) has no room for more.
func socketsIn() string {
	const short = "/tmp"
	if temp := os.TempDir(); len(temp) <= 80 || os.Getenv("TMPDIR") == "" {
		return temp
	}
	return short
}

// Connector is an open connection in the test's own process.
type Connector struct {
	t       testing.TB
	handler wire.Handler
	log     *Log
}

// Open configures a connector with config, JSON, and fails the test where its
// spec or the configuration is refused.
func Open(t testing.TB, s sdk.Spec, config string) *Connector {
	t.Helper()
	c := &Connector{t: t, log: &Log{}}
	h, err := sdk.NewHandler(s, c.log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	c.handler = h
	ds, err := h.Configure(t.Context(), "test", json.RawMessage(config))
	if err != nil || len(ds) > 0 {
		t.Fatalf("configure with %s: %v %v", config, ds, err)
	}
	return c
}

// Diagnostics gives what a connector finds wrong with a configuration, a line
// each: path, message and hint, parted by colons.
func Diagnostics(t testing.TB, s sdk.Spec, config string) []string {
	t.Helper()
	h, err := sdk.NewHandler(s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ds, err := h.Configure(t.Context(), "test", json.RawMessage(config))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(ds))
	for i, d := range ds {
		out[i] = strings.Join([]string{d.Path, d.Message, d.Hint}, ": ")
	}
	return out
}

// Request makes a webhook.
func Request(method, contentType, body string) wire.Request {
	r := wire.Request{Method: method, Body: []byte(body)}
	if contentType != "" {
		r.Header = []wire.Header{{Name: "Content-Type", Value: contentType}}
	}
	return r
}

// Sample gives a file of the package's folder testdata, a webhook's body say.
func Sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name)) //nolint:gosec // a test's own fixture
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Decode decodes one webhook.
func (c *Connector) Decode(r wire.Request) wire.Decoded {
	return c.handler.Decode(context.Background(), r)
}

// Events decodes a webhook and fails the test where it is refused.
func (c *Connector) Events(r wire.Request) []wire.Event {
	c.t.Helper()
	d := c.Decode(r)
	if d.Refusal != nil {
		c.t.Fatalf("refused: %d %s: %v", d.Refusal.Status, d.Refusal.Code, d.Refusal)
	}
	return d.Events
}

// Refusal decodes a webhook that has to be refused and gives "status code: message".
func (c *Connector) Refusal(r wire.Request) string {
	c.t.Helper()
	d := c.Decode(r)
	if d.Refusal == nil {
		c.t.Fatalf("taken, with %d events", len(d.Events))
	}
	return fmt.Sprintf("%d %s: %s", d.Refusal.Status, d.Refusal.Code, d.Refusal.Message)
}

// Log gives what the connector has logged so far.
func (c *Connector) Log() string { return c.log.String() }
