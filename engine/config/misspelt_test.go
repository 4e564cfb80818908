package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// TestMisspeltConfig: a connection whose key config is misspelt, or is no map, has
// that one finding, and not what its plugin misses in it as well.
func TestMisspeltConfig(t *testing.T) {
	schema := json.RawMessage(`{"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}}`)
	for name, tt := range map[string]struct {
		text             string
		findings, missed int
	}{
		"misspelt":  {`cofnig: {url: "https://crm.example"}`, 1, 0},
		"no map":    {`config: url`, 1, 0},
		"no value":  {`config:`, 1, 0},
		"not there": {`limits: {rate: 1/s}`, 0, 1},
		"empty":     {`config: {}`, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "crosswalk.yaml")
			text := "mappings: m.yaml\nconnections:\n  crm:\n    plugin: saleapp\n    " + tt.text + "\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, findings := config.Load(file)
			if c == nil {
				t.Fatal(findings)
			}
			errs := 0
			for _, f := range findings {
				if f.Rule != config.RuleMappings {
					errs++
				}
			}
			if errs != tt.findings {
				t.Errorf("%d findings, want %d: %v", errs, tt.findings, findings)
			}
			if list := c.Connection("crm").CheckSchema(schema); len(list) != tt.missed {
				t.Errorf("the schema finds %d, want %d: %v", len(list), tt.missed, list)
			}
		})
	}
}
