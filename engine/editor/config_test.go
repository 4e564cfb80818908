package editor_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/editor"
	"github.com/crosswalk-etl/crosswalk/engine/editor/editortest"
)

func configSchema(t *testing.T, plugins ...editor.Plugin) []byte {
	t.Helper()
	out, err := editor.Config(plugins)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestConfigKeys asks the configuration's own reader which keys there are.
func TestConfigKeys(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(configSchema(t), &schema); err != nil {
		t.Fatal(err)
	}
	inside := func(s map[string]any, keys ...string) map[string]any {
		for _, k := range keys {
			s, _ = s[k].(map[string]any)
		}
		return s
	}
	ingress, connection := inside(schema, "properties", "ingress"), inside(schema, "properties", "connections", "additionalProperties")
	for text, s := range map[string]map[string]any{
		"zzzzzz: 1":                                  schema,
		"ingress: {zzzzzz: 1}":                       ingress,
		"ingress: {tls: {zzzzzz: 1}}":                inside(ingress, "properties", "tls"),
		"admin: {zzzzzz: 1}":                         inside(schema, "properties", "admin"),
		"log: {zzzzzz: 1}":                           inside(schema, "properties", "log"),
		"tracing: {zzzzzz: 1}":                       inside(schema, "properties", "tracing"),
		"storage: {zzzzzz: 1}":                       inside(schema, "properties", "storage"),
		"storage: {nats: {zzzzzz: 1}}":               inside(schema, "properties", "storage", "properties", "nats"),
		"storage: {nats: {tls: {zzzzzz: 1}}}":        inside(schema, "properties", "storage", "properties", "nats", "properties", "tls"),
		"connections: {a: {zzzzzz: 1}}":              connection,
		"connections: {a: {limits: {zzzzzz: 1}}}":    inside(connection, "properties", "limits"),
		"connections: {a: {retry: {zzzzzz: 1}}}":     inside(connection, "properties", "retry"),
		"connections: {a: {signature: {zzzzzz: 1}}}": inside(connection, "properties", "signature"),
	} {
		_, found := config.Parse("crosswalk.yaml", []byte(text))
		var want []string
		for _, d := range found {
			if d.Rule == config.RuleUnknown {
				for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(d.Hint, -1) {
					want = append(want, m[1])
				}
			}
		}
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(inside(s, "properties"))); len(want) == 0 || cmp.Diff(want, got) != "" {
			t.Errorf("%s: the configuration has the keys %v, and the schema in config.go %v", text, want, got)
		}
		if closed, is := s["additionalProperties"].(bool); !is || closed {
			t.Errorf("%s: other keys are taken", text)
		}
	}
}

// TestConfigs holds the configurations of the reader's tests, of its README and of
// the examples against the schema.
func TestConfigs(t *testing.T) {
	all := archived(t, "../config/testdata/load/*.txtar", "crosswalk.yaml")
	page, err := os.ReadFile("../config/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range regexp.MustCompile("(?s)\n```yaml( right| wrong)?\n(.*?)```").FindAllSubmatch(page, -1) {
		all[fmt.Sprintf("README.md, block %d%s", i, b[1])] = string(b[2])
	}
	examples, err := filepath.Glob("../../examples/*/crosswalk.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range examples {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(text)
	}
	k, schema, valid, wrong := &editortest.Checker{}, configSchema(t), 0, 0
	for name, text := range all {
		t.Run(name, func(t *testing.T) {
			_, found := config.Parse("crosswalk.yaml", []byte(text))
			rules := map[string]bool{}
			for _, d := range found {
				rules[d.Rule] = true
			}
			delete(rules, config.RuleMappings) // a matter of files
			if rules[config.RuleSyntax] || !isYAML(text) {
				return
			}
			err := k.Check(schema, []byte(text))
			switch {
			case len(rules) == 0 && err != nil:
				t.Errorf("nothing is wrong with it, and the schema says %s\n%s", whole(err), text)
			case len(rules) == 0:
				valid++
			case err == nil && (rules[config.RuleUnknown] || rules[config.RuleMissing]):
				t.Errorf("the schema takes what is wrong: %v\n%s", found, text)
			case err != nil:
				wrong++
			}
		})
	}
	if valid < 3 || wrong < 20 {
		t.Errorf("only %d configurations were valid, and %d wrong", valid, wrong)
	}
}

// isYAML reports whether a text is YAML that says something.
func isYAML(text string) bool {
	var n yaml.Node
	return yaml.Unmarshal([]byte(text), &n) == nil && len(n.Content) > 0
}

// TestPluginConfig holds what stands under config against the plugin's schema.
func TestPluginConfig(t *testing.T) {
	text, err := os.ReadFile("../../plugins/saleapp/config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := configSchema(t,
		editor.Plugin{Name: "saleapp", Title: "SaleApp", Config: text},
		editor.Plugin{Name: "other", Config: []byte(`{
			"type": "object", "properties": {
				"pair": {"type": "array", "prefixItems": [{"$ref": "#/$defs/port"}], "items": false},
				"user": {"type": "string"}, "password": {"type": "string"}, "port": {"$ref": "#/$defs/port"}
			}, "dependentRequired": {"user": ["password"]}, "$defs": {"port": {"type": "integer", "minimum": 1}}}`)},
		editor.Plugin{Name: "unknown"},
	)
	k := &editortest.Checker{}
	for config, valid := range map[string]bool{
		`plugin: saleapp, config: {secret_key: "${env:KEY}", key: organization, client_id: 1, curency_id: "6", warehouse_id: "${env:W}"}`: true,
		`plugin: saleapp, config: {secret_key: k, key: organization, client_id: 1, curency_id: 6}`:                                        false,
		`plugin: saleapp, config: {secret_key: k, key: counterparty}`:                                                                     true,
		`plugin: saleapp, config: {secret_key: k, key: counterparty, client_id: 1}`:                                                       false,
		// Nobody knows what the key is, so nothing is said of what hangs on it.
		`plugin: saleapp, config: {secret_key: k, key: "${env:KIND}"}`:                                    true,
		`plugin: saleapp, config: {secret_key: k, key: "${env:KIND}", client_id: 1}`:                      true,
		`plugin: saleapp, config: {secret_key: k, key: group}`:                                            false,
		`plugin: saleapp, config: {secret_key: k, key: counterparty, concurrency: 65}`:                    false,
		`plugin: saleapp, config: {secret_key: k, key: counterparty, concurrency: "${file:concurrency}"}`: true,
		`plugin: saleapp, config: {secret_key: k, key: counterparty, concurency: 6}`:                      false,
		`plugin: saleapp, config: {key: counterparty}`:                                                    false,
		`plugin: saleapp`:                               false,
		`plugin: saelapp, config: {}`:                   false,
		`plugin: other, config: {pair: [1], port: 5}`:   true,
		`plugin: other, config: {pair: [1, 2]}`:         false,
		`plugin: other, config: {pair: ["${env:P}"]}`:   true,
		`plugin: other, config: {port: 0}`:              false,
		`plugin: other, config: {user: u}`:              false,
		`plugin: other, config: {user: u, password: p}`: true,
		`plugin: other`:                                 true,
		`plugin: unknown, config: {a: [b]}`:             true,
	} {
		err := k.Check(schema, []byte("mappings: m.yaml\nconnections: {c: {"+config+"}}\n"))
		if (err == nil) != valid {
			t.Errorf("%s: valid should be %v, and the schema says %v", config, valid, err)
		}
	}
	if _, err := editor.Config([]editor.Plugin{{Name: "broken", Config: []byte(`[]`)}}); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("a schema that is none gives %v", err)
	}
}
