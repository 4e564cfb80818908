package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/config"
)

const (
	envEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envTraces   = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envHeaders  = "OTEL_EXPORTER_OTLP_HEADERS"
)

// The configuration comes before the environment's variables.
func TestTracingUnder(t *testing.T) {
	const of = "mappings: []\nconnections: {a: {plugin: p}}\n"
	for name, tc := range map[string]struct {
		text string
		env  map[string]string
		want config.Tracing
	}{
		"nothing":                   {"", nil, config.Tracing{Sample: 1}},
		"a host":                    {`tracing: {endpoint: "http://[::1]:4318"}`, nil, config.Tracing{Endpoint: "http://[::1]:4318/v1/traces", Sample: 1}},
		"a path":                    {`tracing: {endpoint: "https://c.example/otlp/traces", sample: 0.25}`, nil, config.Tracing{Endpoint: "https://c.example/otlp/traces", Sample: 0.25}},
		"its own before all":        {`tracing: {endpoint: "http://own:1/x", headers: {A: b}}`, map[string]string{envTraces: "http://env:2", envHeaders: "K=v"}, config.Tracing{Endpoint: "http://own:1/x", Headers: map[string]string{"A": "b"}, Sample: 1}},
		"off before all":            {`tracing: {endpoint: off}`, map[string]string{envTraces: "http://env:2"}, config.Tracing{Off: true, Sample: 1}},
		"the environment's":         {"", map[string]string{envEndpoint: "http://env:2/", envHeaders: "K=v%20w, L=m"}, config.Tracing{Endpoint: "http://env:2/v1/traces", Headers: map[string]string{"K": "v w", "L": "m"}, Sample: 1}},
		"the environment's, traces": {`tracing: {sample: 0}`, map[string]string{envEndpoint: "http://env:2/", envTraces: "http://env:3/here"}, config.Tracing{Endpoint: "http://env:3/here", Headers: map[string]string{}}},
		"disabled":                  {"", map[string]string{envEndpoint: "http://env:2/", "OTEL_SDK_DISABLED": "True"}, config.Tracing{Sample: 1}},
		"no exporter":               {"", map[string]string{envEndpoint: "http://env:2/", "OTEL_TRACES_EXPORTER": "none"}, config.Tracing{Sample: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			env := func(name string) (string, bool) { v, ok := tc.env[name]; return v, ok }
			c, findings := config.Parse(filepath.Join(t.TempDir(), config.FileName), []byte(of+tc.text))
			if c == nil || findings.HasErrors() {
				t.Fatal(findings)
			}
			if list := c.Resolve(env); list.HasErrors() {
				t.Fatal(list)
			}
			got, err := c.Tracing.Under(env)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A variable that makes no sense is named, and what is in it is not told.
func TestTracingUnderRefuses(t *testing.T) {
	for name, value := range map[string]string{
		envEndpoint: "planted", envTraces: "https://user:planted@host", envHeaders: "planted",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "K=%zplanted",
	} {
		_, err := config.Tracing{}.Under(func(n string) (string, bool) {
			if n != name {
				return "", false
			}
			return value, true
		})
		if err == nil || !strings.Contains(err.Error(), "the environment variable "+name) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
