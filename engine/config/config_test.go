package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// write makes files in a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, dir string) *config.Config {
	t.Helper()
	c, list := config.Load(filepath.Join(dir, config.FileName))
	if len(list) > 0 {
		t.Fatalf("findings: %v", list)
	}
	return c
}

func none(string) (string, bool) { return "", false }

func env(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := pairs[name]
		return v, ok
	}
}

func TestValues(t *testing.T) {
	dir := write(t, map[string]string{
		"crosswalk.yaml": `
data: journal
plugins: ../bin
mappings: ["m/*/mapping.yaml", m/a/mapping.yaml, z.yaml]
ingress: {listen: ":80", max_body: 512KiB, max_memory: 32 MiB, max_connections: 7, header_timeout: 2s, body_timeout: 1m30s, idle_timeout: 2m, decode_timeout: 500ms, rate: 60/min, burst: 20}
admin: {listen: "off"}
log: {level: debug, format: json}
storage: {max_events: 10GiB, max_outcomes: 1GB, max_dead: 16777216, max_undecoded: 64MiB, min_free_disk: 2MiB}
connections:
  zeta: {plugin: horoshop, token: abcdefgh, rate: off}
  alpha: {plugin: saleapp, rate: 100/s, signature: {header: X-Sign, secret: s}, token: "0123456789"}
  beta: {plugin: saleapp, burst: 3}
`,
		"m/b/mapping.yaml": "", "m/a/mapping.yaml": "", "m/c/other.yaml": "", "z.yaml": "",
	})
	c := load(t, dir)
	want := config.Ingress{
		Listen: ":80", MaxBody: 512 << 10, MaxMemory: 32 << 20, MaxConnections: 7, HeaderTimeout: 2 * time.Second,
		BodyTimeout: 90 * time.Second, IdleTimeout: 2 * time.Minute, DecodeTimeout: 500 * time.Millisecond,
		Rate: config.Rate{PerSecond: 1, Burst: 20},
	}
	if diff := cmp.Diff(want, c.Ingress); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(config.Storage{MaxEvents: 10 << 30, MaxOutcomes: 1e9, MaxDead: 16 << 20, MaxUndecoded: 64 << 20, MinFreeDisk: 2 << 20}, c.Storage); diff != "" {
		t.Error(diff)
	}
	files := []string{filepath.Join(dir, "m/a/mapping.yaml"), filepath.Join(dir, "m/b/mapping.yaml"), filepath.Join(dir, "z.yaml")}
	if diff := cmp.Diff(files, c.Mappings); diff != "" {
		t.Error(diff)
	}
	if got := []string{c.Data, c.Plugins, c.Admin.Listen, c.Log.Level, c.Log.Format}; !slices.Equal(got, []string{filepath.Join(dir, "journal"), filepath.Join(filepath.Dir(dir), "bin"), "", "debug", "json"}) {
		t.Error(got)
	}
	var names []string
	for _, conn := range c.Connections {
		names = append(names, conn.Name)
	}
	if !slices.Equal(names, []string{"alpha", "beta", "zeta"}) {
		t.Error(names)
	}
	if r := c.Connection("zeta").Rate; r != (config.Rate{}) {
		t.Errorf("rate off is %v", r)
	}
	if r := c.Connection("alpha").Rate; r != (config.Rate{PerSecond: 100, Burst: 200}) {
		t.Errorf("own rate is %v", r)
	}
	if r := c.Connection("beta").Rate; r != (config.Rate{PerSecond: 1, Burst: 3}) {
		t.Errorf("own burst gives %v", r)
	}
	if s := c.Connection("alpha").Signature; *s != (config.Signature{Header: "X-Sign", Secret: "s", Algorithm: "sha256", Encoding: "hex"}) {
		t.Error(*s)
	}
	if c.Connection("alpha").Token != "0123456789" || c.Connection("gamma") != nil {
		t.Error("a token is not what was written, or an unknown connection is found")
	}
}

func TestDefaults(t *testing.T) {
	c := load(t, write(t, map[string]string{
		"crosswalk.yaml": "mappings: m.yaml\nconnections: {shop: {plugin: horoshop}}\n", "m.yaml": "",
	}))
	if c.Ingress.Listen != "127.0.0.1:8080" || c.Ingress.MaxBody != 1<<20 || c.Admin.Listen != "127.0.0.1:9090" ||
		c.Log != (config.Log{Level: "info", Format: "text"}) || c.Connections[0].Rate != (config.Rate{PerSecond: 500, Burst: 1000}) {
		t.Errorf("%+v %+v %+v %+v", c.Ingress, c.Admin, c.Log, c.Connections[0].Rate)
	}
}

const refs = `
data: "${env:BASE}/journal"
mappings: m.yaml
ingress: {listen: "${env:LISTEN}"}
connections:
  shop:
    plugin: horoshop
    token: "${file:secrets/token}"
    config:
      key: "pre-${env:KEY}-$${x}"
      client: "${env:CLIENT}"
      name: "${env:CLIENT}"
      test: "${env:TEST}"
      phone: 0671234567
      id: 12345678901234567890
      price: 49.790
      on: on
      hex: 0x1F
      list: [1, "2", null, true, {a: "${env:KEY}"}]
      text: "<&>"
`

const refsSchema = `{"properties": {
	"key": {"type": "string"}, "client": {"$ref": "#/$defs/number"}, "name": {"type": ["integer", "string"]},
	"test": {"type": "boolean"}, "phone": {"type": "string"}, "id": {"type": "integer"}, "price": {"writeOnly": true},
	"list": {"items": {"properties": {"a": {}}}}, "text": true},
	"$defs": {"number": {"type": "integer"}}}`

func TestResolve(t *testing.T) {
	dir := write(t, map[string]string{"crosswalk.yaml": refs, "m.yaml": "", "secrets/token": "t0ken-t0ken\n"})
	c := load(t, dir)
	conn := c.Connection("shop")
	if _, err := conn.JSON(nil); err == nil {
		t.Error("JSON gives a configuration with unresolved references")
	}
	values := map[string]string{"BASE": "base", "LISTEN": "127.0.0.1:0", "KEY": "geheim", "CLIENT": "50", "TEST": "true"}
	if list := c.Resolve(env(values)); len(list) > 0 {
		t.Fatal(list)
	}
	if c.Data != filepath.Join(dir, "base", "journal") || c.Ingress.Listen != "127.0.0.1:0" || conn.Token != "t0ken-t0ken" {
		t.Errorf("%q %q %q", c.Data, c.Ingress.Listen, conn.Token)
	}
	got, err := conn.JSON(json.RawMessage(refsSchema))
	want := `{"key":"pre-geheim-${x}","client":50,"name":"50","test":true,"phone":"0671234567","id":12345678901234567890,` +
		`"price":49.790,"on":"on","hex":"0x1F","list":[1,"2",null,true,{"a":"geheim"}],"text":"<&>"}`
	if err != nil || string(got) != want {
		t.Errorf("got %s\nwant %s (%v)", got, want, err)
	}
	if got, _ := conn.JSON(nil); !strings.Contains(string(got), `"client":"50"`) {
		t.Errorf("without a schema a reference is no text: %s", got)
	}
	public := `{"phone":"0671234567","id":12345678901234567890,"list":[null,null,null,null,null],"text":"<&>"}`
	schema := strings.Replace(refsSchema, `"list": {"items": {"properties": {"a": {}}}}`, `"list": {"items": {"writeOnly": true}}`, 1)
	if got := string(conn.Public(json.RawMessage(schema))); got != public {
		t.Errorf("public\n%s\nwant\n%s", got, public)
	}
	if got := string(conn.Public(json.RawMessage(refsSchema))); !strings.Contains(got, `"list":[1,"2",null,true,{}]`) || strings.Contains(got, "geheim") {
		t.Errorf("public: %s", got)
	}
	if got := string(conn.Public(nil)); got != "{}" {
		t.Errorf("public without a schema: %s", got)
	}
	values["CLIENT"] = "51"
	if list := c.Resolve(env(values)); len(list) > 0 {
		t.Fatal(list)
	}
	if got, _ := conn.JSON(nil); !strings.Contains(string(got), `"client":"51"`) {
		t.Errorf("resolved again: %s", got)
	}
}

func TestResolveFindings(t *testing.T) {
	dir := write(t, map[string]string{"crosswalk.yaml": refs, "m.yaml": ""})
	list := load(t, dir).Resolve(env(map[string]string{"BASE": "b", "LISTEN": "not-an-address-geheim", "KEY": "k\xff", "TEST": "1"}))
	var got []string
	for _, d := range list {
		got = append(got, strings.TrimPrefix(d.Error(), dir+string(filepath.Separator)))
	}
	want := []string{
		"crosswalk.yaml:4:19: error CW206: what `${env:LISTEN}` stands for does not fit: this is no address",
		"crosswalk.yaml:8:13: error CW208: the file secrets/token cannot be read: no such file or directory",
		"crosswalk.yaml:10:17: error CW208: the environment variable KEY is not UTF-8 text",
		"crosswalk.yaml:11:16: error CW208: the environment variable CLIENT is not set",
		"crosswalk.yaml:12:14: error CW208: the environment variable CLIENT is not set",
		"crosswalk.yaml:19:39: error CW208: the environment variable KEY is not UTF-8 text",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, d := range list {
		if strings.Contains(d.Message+d.Hint, "geheim") {
			t.Errorf("a value is shown: %s", d.Message)
		}
	}
}

func TestSecretFile(t *testing.T) {
	const text = "mappings: m.yaml\nconnections: {s: {plugin: p, config: {k: \"${file:key}\"}}}\n"
	for name, c := range map[string]struct{ content, want, finding string }{
		"plain":         {"abc", "abc", ""},
		"one line end":  {"abc\n", "abc", ""},
		"windows":       {"abc\r\n", "abc", ""},
		"two line ends": {"abc\n\n", "abc\n", ""},
		"lone return":   {"abc\r", "abc\r", ""},
		"empty":         {"", "", ""},
		"not text":      {"\xff\xfe", "", "the file key is not UTF-8 text"},
		"too large":     {strings.Repeat("x", 64<<10+1), "", "the file key cannot be read: it is larger than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := load(t, write(t, map[string]string{"crosswalk.yaml": text, "m.yaml": "", "key": c.content}))
			list := cfg.Resolve(none)
			if c.finding != "" {
				if len(list) != 1 || list[0].Message != c.finding {
					t.Errorf("findings %v, want %q", list, c.finding)
				}
				return
			}
			var got struct{ K string }
			raw, err := cfg.Connections[0].JSON(nil)
			if err = errors.Join(err, json.Unmarshal(raw, &got)); err != nil || got.K != c.want {
				t.Errorf("got %q (%v, %v), want %q", got.K, list, err, c.want)
			}
		})
	}
}

func TestNoSecretInFindings(t *testing.T) {
	_, list := config.Parse("crosswalk.yaml", []byte("mappings: []\nconnections:\n  s:\n    plugin: p\n    token: geheimes geheimnis\n"))
	if !list.HasErrors() {
		t.Fatal("a token with a blank passes")
	}
	var b strings.Builder
	if err := list.WriteText(&b); err != nil || strings.Contains(b.String(), "geheim") {
		t.Errorf("shown: %s", b.String())
	}
}

func TestFind(t *testing.T) {
	dir := write(t, map[string]string{"crosswalk.yaml": "", "a/b/c/x": "", "a/b/crosswalk.yaml/x": ""})
	got, err := config.Find(filepath.Join(dir, "a", "b", "c"))
	if err != nil || got != filepath.Join(dir, "crosswalk.yaml") {
		t.Errorf("found %q (%v); a folder of that name is not meant", got, err)
	}
	if got, err := config.Find(dir); err != nil || got != filepath.Join(dir, "crosswalk.yaml") {
		t.Errorf("found %q (%v)", got, err)
	}
	if got, err := config.Find(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("found %q (%v) where there is none", got, err)
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "absent.yaml"): "the configuration cannot be read: no such file or directory",
		dir:                               "the configuration cannot be read: it is not a regular file",
	} {
		c, list := config.Load(path)
		if c != nil || len(list) != 1 || list[0].Rule != config.RuleRead || list[0].Message != want {
			t.Errorf("%s: %v, want %q", path, list, want)
		}
	}
	if _, list := config.Parse("x", make([]byte, config.MaxSize+1)); !list.HasErrors() {
		t.Error("a configuration of more than MaxSize passes")
	}
}

func TestBrokenSchema(t *testing.T) {
	c := load(t, write(t, map[string]string{
		"crosswalk.yaml": "mappings: m.yaml\nconnections: {s: {plugin: p, config: {k: 1}}}\n", "m.yaml": "",
	}))
	for _, schema := range []string{"{", "[]", `{"type": 5}`, `{"$ref": "https://example.com/schema.json"}`, `{"$ref": "file:///etc/passwd"}`} {
		list := c.Connections[0].CheckSchema(json.RawMessage(schema))
		if len(list) != 1 || list[0].Rule != config.RuleSchema || !strings.Contains(list[0].Message, "is broken") {
			t.Errorf("schema %s: %v", schema, list)
		}
	}
	if list := c.Connections[0].CheckSchema(nil); len(list) > 0 {
		t.Errorf("no schema: %v", list)
	}
}

// FuzzParse looks for texts that break the reader, and for findings that stand nowhere.
func FuzzParse(f *testing.F) {
	f.Add([]byte(refs))
	f.Add([]byte("a: &x [*x]\nconnections: {s: {plugin: p, config: {a: {b: [1, '${env:X}']}}}}"))
	f.Add([]byte("? {a: b}\n: - c\n--- !!x\n"))
	f.Add([]byte("connections:\n  s: {plugin: p, config: {k: \"$${ ${file:x} \\u0041\"}}\nmappings: ['[', '*']"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, list := config.Parse("crosswalk.yaml", text)
		for _, d := range list {
			if d.Message == "" || d.Rule == "" || d.Position.Line < 1 && len(text) <= config.MaxSize || d.Position.Column < 0 {
				t.Errorf("finding without a place or words: %+v", d)
			}
		}
		if c == nil {
			if !list.HasErrors() {
				t.Error("neither a configuration nor an error")
			}
			return
		}
		list = append(list, c.Resolve(none)...)
		for _, conn := range c.Connections {
			conn.CheckSchema(json.RawMessage(refsSchema))
			raw, err := conn.JSON(json.RawMessage(refsSchema))
			if err != nil && !list.HasErrors() {
				t.Errorf("no finding, and no JSON: %v", err)
			}
			if err == nil && !json.Valid(raw) {
				t.Errorf("not JSON: %s", raw)
			}
			if raw := conn.Public(json.RawMessage(refsSchema)); !json.Valid(raw) {
				t.Errorf("not JSON: %s", raw)
			}
		}
	})
}

// TestSink checks what limits and retry make.
func TestSink(t *testing.T) {
	const text = `
plugins: bin
mappings: m.yaml
connections:
  plain: {plugin: saleapp}
  slow: {plugin: saleapp, limits: {rate: 30/min}}
  fast: {plugin: saleapp, limits: {rate: 50/s, concurrency: 8}, retry: {max: 1m}}
  burst: {plugin: saleapp, limits: {rate: 50/s, burst: 3}, retry: {min: 5s}}
  off: {plugin: saleapp, limits: {rate: off, burst: 3}}
`
	dir := t.TempDir()
	for name, text := range map[string]string{config.FileName: text, "m.yaml": "mapping: m\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, findings := config.Load(filepath.Join(dir, config.FileName))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	standard := config.Retry{Min: time.Second, Max: 5 * time.Minute}
	for name, want := range map[string]struct {
		limits config.Limits
		retry  config.Retry
	}{
		"plain": {config.Limits{Concurrency: 256}, standard},
		"slow":  {config.Limits{Rate: config.Rate{PerSecond: 0.5, Burst: 1}, Concurrency: 256}, standard},
		"fast":  {config.Limits{Rate: config.Rate{PerSecond: 50, Burst: 50}, Concurrency: 8}, config.Retry{Min: time.Second, Max: time.Minute}},
		"burst": {config.Limits{Rate: config.Rate{PerSecond: 50, Burst: 3}, Concurrency: 256}, config.Retry{Min: 5 * time.Second, Max: 5 * time.Minute}},
		"off":   {config.Limits{Concurrency: 256}, standard},
	} {
		if got := c.Connection(name); got.Limits != want.limits || got.Retry != want.retry {
			t.Errorf("%s: %+v %+v, want %+v", name, got.Limits, got.Retry, want)
		}
	}
}

// TestRetention checks the forms of an age.
func TestRetention(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 14 * 24 * time.Hour, "4d": 96 * time.Hour, "60d": 1440 * time.Hour, "100h": 100 * time.Hour} {
		line := ""
		if text != "" {
			line = "retention: {age: " + text + ", bytes: 1GiB}\n"
		}
		path := filepath.Join(t.TempDir(), config.FileName)
		body := line + "plugins: bin\nmappings: " + filepath.Base(path) + "\nconnections: {a: {plugin: saleapp}}\n"
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		c, findings := config.Load(path)
		if len(findings) > 0 {
			t.Fatal(findings)
		}
		if c.Retention.Age != want || text != "" && c.Retention.Bytes != 1<<30 {
			t.Errorf("%q gives %+v, want %s", text, c.Retention, want)
		}
	}
}
