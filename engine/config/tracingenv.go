package config

import (
	"fmt"
	"net/url"
	"strings"
)

// The variables that name a collector to every program with OpenTelemetry
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
const (
	envEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	envTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	envHeaders        = "OTEL_EXPORTER_OTLP_HEADERS"
	envTracesHeaders  = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
	envExporter       = "OTEL_TRACES_EXPORTER"
	envDisabled       = "OTEL_SDK_DISABLED"
)

// Under gives t as it is in an environment: where the configuration leaves the
// endpoint out, the standard variables name it and its headers. An endpoint of the
// configuration, off included, comes before all of them. An error names the variable
// and does not repeat what is in it.
func (t Tracing) Under(env func(name string) (string, bool)) (Tracing, error) {
	headers := map[string]string{}
	for _, name := range []string{envHeaders, envTracesHeaders} {
		// Looked at in any case: they hold secrets, and are read by who exports, too.
		if err := headersOf(env, name, headers); err != nil {
			return t, err
		}
	}
	if t.Endpoint != "" || t.Off {
		return t, nil
	}
	if v, _ := env(envDisabled); strings.EqualFold(v, "true") {
		return t, nil
	}
	if v, _ := env(envExporter); v == "none" {
		return t, nil
	}
	for _, name := range []string{envTracesEndpoint, envEndpoint} {
		value, _ := env(name)
		if value == "" {
			continue
		}
		if name == envEndpoint && value != "off" {
			value = strings.TrimRight(value, "/") + tracesPath
		}
		if p := collector(&t)(value); p != nil {
			return t, fmt.Errorf("the environment variable %s: %w", name, p.err())
		}
		if t.Headers == nil {
			t.Headers = headers
		}
		return t, nil
	}
	return t, nil
}

// headersOf reads name=value, with commas between and values escaped as in a URL.
func headersOf(env func(string) (string, bool), name string, into map[string]string) error {
	value, _ := env(name)
	if value == "" {
		return nil
	}
	for pair := range strings.SplitSeq(value, ",") {
		key, value, ok := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || !headerName.MatchString(key) {
			return fmt.Errorf("the environment variable %s is not name=value with commas between, escaped as in a URL", name)
		}
		into[key] = value
	}
	return nil
}
