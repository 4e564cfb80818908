package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "m.yaml"), "mapping: m\n")
	for value, want := range map[string]string{
		`{certificate: tls/a.pem, key: /etc/a.key}`: "",
		`{certificate: a.pem}`:                      "error CW205: tls has no `key`",
		`{key: a.pem}`:                              "error CW205: tls has no `certificate`",
		`{certificate: a.pem, keys: b}`:             "did you mean `key`?",
		`{certificate: "", key: b}`:                 "error CW206: ",
		`on`:                                        "error CW206: ",
	} {
		path := filepath.Join(dir, config.FileName)
		writeFile(t, path, "plugins: bin\nmappings: m.yaml\nconnections: {shop: {plugin: horoshop}}\ningress:\n  tls: "+value+"\n")
		c, list := config.Load(path)
		var text strings.Builder
		if err := list.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			if list.HasErrors() || c.Ingress.TLS != (config.TLS{Certificate: filepath.Join(dir, "tls/a.pem"), Key: "/etc/a.key"}) {
				t.Errorf("%s: %+v\n%s", value, c.Ingress.TLS, text.String())
			}
			continue
		}
		if !strings.Contains(text.String(), want) || !strings.Contains(text.String(), ":5:") {
			t.Errorf("%s: want %q at line 5, got\n%s", value, want, text.String())
		}
	}
}
