package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

const running = `data: data
plugins: bin
mappings: []
ingress: {listen: "127.0.0.1:8080", rate: 5/s}
storage: {max_events: 1GiB}
admin: {token: "0123456789abcdef", listen: "127.0.0.1:9090"}
log: {level: info}
retention: {age: 14d}
connections:
  shop: {plugin: horoshop, token: "${file:shop.token}"}
`

func resolved(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	c, findings := config.Parse(filepath.Join(dir, config.FileName), []byte(text))
	if c == nil || findings.HasErrors() {
		t.Fatalf("%v in\n%s", findings, text)
	}
	if list := c.Resolve(os.LookupEnv); list.HasErrors() {
		t.Fatal(list)
	}
	return c
}

func TestFixed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"shop.token": "token-of-the-shop\n", "bound": "1GiB", "other": "2GiB"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	was := resolved(t, dir, running)
	for _, tc := range []struct {
		old, new string
		want     []string
	}{
		{"rate: 5/s", "rate: 7/s, burst: 9", nil},
		{"level: info", "level: debug", nil},
		{"log: {", "tracing: {endpoint: \"http://127.0.0.1:4318\"}\nlog: {", nil},
		{"0123456789abcdef", "fedcba9876543210", nil},
		{"plugin: horoshop,", "plugin: salesdrive, limits: {concurrency: 3},", nil},
		{"  shop:", "  crm: {plugin: retailcrm}\n  shop:", nil},
		{"data: data", "data: './data'", nil},
		{"max_events: 1GiB", `max_events: "${file:bound}"`, nil},
		{"data: data", "data: elsewhere", []string{"1:1 data"}},
		{"data: data\n", "data: elsewhere\n# moved\n", []string{"1:1 data"}},
		{"plugins: bin", "plugins: other", []string{"2:1 plugins"}},
		{`listen: "127.0.0.1:8080", rate: 5/s`, `rate: 9/s, max_body: 2MiB, listen: "127.0.0.1:8081"`, []string{"4:22 ingress.max_body", "4:38 ingress.listen"}},
		{`listen: "127.0.0.1:8080", `, "listen: 127.0.0.1:9999, ", []string{"4:11 ingress.listen"}},
		{"max_events: 1GiB", "max_events: 2GiB", []string{"5:11 storage.max_events"}},
		{"max_events: 1GiB", `max_events: "${file:other}"`, []string{"5:11 storage.max_events"}},
		{`, listen: "127.0.0.1:9090"`, `, listen: off`, []string{"6:36 admin.listen"}},
		{"level: info", "format: json", []string{"7:7 log.format"}},
		{"retention: {age: 14d}\n", "", nil}, // the default
		{"retention: {age: 14d}\n", "retention: {age: 15d}\n", []string{"8:13 retention.age"}},
		{"storage: {max_events: 1GiB}\n", "", []string{"1:1 storage"}},
	} {
		if strings.Count(running, tc.old) != 1 {
			t.Fatalf("%q is not in it once", tc.old)
		}
		next := resolved(t, dir, strings.Replace(running, tc.old, tc.new, 1))
		var got []string
		for _, d := range next.Fixed(was) {
			key, says, _ := strings.Cut(strings.TrimPrefix(d.Message, "`"), "`")
			if d.Rule != config.RuleFixed || says != " cannot be changed while the engine runs" || !strings.Contains(d.Hint, "restart the engine") {
				t.Errorf("%+v", d)
			}
			got = append(got, fmt.Sprintf("%d:%d %s", d.Position.Line, d.Position.Column, key))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s to %s (-want +got):\n%s", tc.old, tc.new, diff)
		}
	}
}

func TestFilesAndFolders(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/order", "a/refund", "b/x/y"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a/order/mapping.yaml", "b/single.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, findings := config.Parse(filepath.Join(dir, config.FileName), []byte(`mappings: ["a/*/mapping.yaml", "b/*/*/m.yaml", b/single.yaml]
plugins: bin
connections:
  shop: {plugin: horoshop, token: "${file:secrets/b}", config: {a: "${file:/run/a}-${env:X}-${file:secrets/b}"}}
`))
	if c == nil || findings.HasErrors() {
		t.Fatal(findings)
	}
	if diff := cmp.Diff([]string{"/run/a", filepath.Join(dir, "secrets/b")}, c.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var want []string
	for _, name := range []string{"a", "a/order", "a/refund", "b", "b/x", "b/x/y"} {
		want = append(want, filepath.Join(dir, name))
	}
	if diff := cmp.Diff(want, c.Folders()); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
}
