package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

// TestPlaceOf wants a new mapping where the configuration looks for mappings.
func TestPlaceOf(t *testing.T) {
	for _, tt := range []struct {
		name            string
		mappings, there []string
		want            string
	}{
		{"folders", []string{"mappings/*/mapping.yaml"}, nil, "mappings/new/mapping.yaml"},
		{"folders here", []string{"*/mapping.yaml"}, []string{"a/mapping.yaml"}, "new/mapping.yaml"},
		{"folders elsewhere", []string{"../common/*/mapping.yaml"}, nil, "../common/new/mapping.yaml"},
		{"files", []string{"mappings/*.yaml"}, nil, "mappings/new.yaml"},
		{"files of another ending", []string{"./mappings/*.yml"}, nil, "mappings/new.yml"},
		{"any file", []string{"mappings/*"}, nil, "mappings/new.yaml"},
		{"a part of the name", []string{"*-order/mapping.yaml"}, nil, "new-order/mapping.yaml"},
		{"folders and files", []string{"*/*.yaml"}, nil, "new/new.yaml"},
		{"folders in folders", []string{"*/*/mapping.yaml"}, []string{"ua/a/mapping.yaml"}, "ua/new/mapping.yaml"},
		{"folders in folders, none there", []string{"*/*/mapping.yaml"}, nil, "mappings/new/mapping.yaml"},
		{"where most are", []string{"a/*/mapping.yaml", "b/*/mapping.yaml"}, []string{"b/x/mapping.yaml"}, "b/new/mapping.yaml"},
		{"a file that is to come", []string{"mapping.yaml"}, nil, "mapping.yaml"},
		{"the one of its name", []string{"old/mapping.yaml", "new/mapping.yaml"}, nil, "new/mapping.yaml"},
		{"a pattern before a file", []string{"mapping.yaml", "m/*/mapping.yaml"}, nil, "m/new/mapping.yaml"},
		{"files that are all there", []string{"m/a/mapping.yaml"}, []string{"m/a/mapping.yaml"}, "m/new/mapping.yaml"},
		{"one file that is there", []string{"mapping.yaml"}, []string{"mapping.yaml"}, "mappings/new/mapping.yaml"},
		{"none", nil, nil, "mappings/new/mapping.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "project[1]")
			cfg := &config.Config{Dir: dir, Patterns: tt.mappings}
			for _, m := range tt.there {
				file := filepath.Join(dir, m)
				if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				cfg.Mappings = append(cfg.Mappings, file)
			}
			got := placeOf(cfg, "new")
			if want := filepath.Join(dir, tt.want); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	flat := &config.Config{Mappings: []string{"m/a.yaml"}}
	if neighbour(flat, "m/new.yaml") != "m/a.yaml" || neighbour(flat, "m/a.yaml") != "" || neighbour(flat, "n/new.yaml") != "" {
		t.Error("a mapping in the same folder is a neighbour, and no other")
	}
}
