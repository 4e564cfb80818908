package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// TestAdmin checks who may listen where, and what a token must be once it is known.
func TestAdmin(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "m.yaml"), "mapping: m\n")
	type wanted struct{ listen, token, problem string }
	for _, tt := range []struct {
		admin string
		want  wanted
	}{
		{`{}`, wanted{listen: "127.0.0.1:9090"}},
		{`{listen: off}`, wanted{}},
		{`{listen: "unix:run/admin"}`, wanted{listen: "unix:" + dir + "/run/admin"}},
		{`{listen: "unix:/run/a.sock"}`, wanted{listen: "unix:/run/a.sock"}},
		{`{listen: "localhost:1"}`, wanted{listen: "localhost:1"}},
		{`{listen: ":9090"}`, wanted{problem: "no admin.token"}},
		{`{listen: "${env:OPEN}"}`, wanted{problem: "no admin.token"}},
		{`{token: "${env:SHORT}"}`, wanted{problem: "has 16 to 128"}},
		{`{token: "${env:NONE}"}`, wanted{problem: "NONE is not set"}},
		{`{listen: "10.0.0.1:9", token: "${env:LONG}"}`, wanted{listen: "10.0.0.1:9", token: strings.Repeat("k", 32)}},
		{`{listen: "unix:/` + strings.Repeat("x", 200) + `"}`, wanted{problem: "longer than the system allows"}},
		{`{listen: "unix:/run/a.sock", token: "0123456789abcdef"}`, wanted{listen: "unix:/run/a.sock", token: "0123456789abcdef"}},
		{`{listen: "10.0.0.1:9", token: ""}`, wanted{problem: "and this is empty"}},
	} {
		admin, want := tt.admin, tt.want
		path := filepath.Join(dir, config.FileName)
		writeFile(t, path, "plugins: bin\nmappings: m.yaml\nconnections: {shop: {plugin: horoshop}}\nadmin: "+admin+"\n")
		c, list := config.Load(path)
		if !list.HasErrors() {
			list = c.Resolve(func(name string) (string, bool) {
				v, ok := map[string]string{"OPEN": "0.0.0.0:9090", "SHORT": "tooshort", "LONG": strings.Repeat("k", 32)}[name]
				return v, ok
			})
		}
		var text strings.Builder
		if err := list.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if want.problem != "" {
			if !strings.Contains(text.String(), want.problem) || !strings.Contains(text.String(), ":4:") {
				t.Errorf("%s: want %q at line 4, got\n%s", admin, want.problem, text.String())
			}
			if strings.Contains(text.String(), "tooshort") {
				t.Errorf("%s: a secret is told:\n%s", admin, text.String())
			}
			continue
		}
		if list.HasErrors() || c.Admin.Listen != want.listen || c.Admin.Token != want.token {
			t.Errorf("%s: %+v\n%s", admin, c.Admin, text.String())
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
