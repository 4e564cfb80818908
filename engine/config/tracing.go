package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Tracing says where traces go; key tracing.
type Tracing struct {
	// Endpoint is the URL that a collector takes OTLP at, in full; key endpoint, where
	// /v1/traces is put in if there is no path; "" if it is left out or "off". Until
	// Resolve it is "" where it is a reference.
	Endpoint string
	// Off tells that the endpoint is "off": nothing is traced, whatever the environment
	// says.
	Off bool
	// Headers go with what is sent, by name; key headers. They may be secrets.
	Headers map[string]string
	// Sample is the share of webhooks that are traced where their senders do not say; key
	// sample, 0 to 1, default 1.
	Sample float64
}

// tracesPath is where a collector takes traces unless its address says otherwise.
const tracesPath = "/v1/traces"

func (r *reader) tracing(c *Config, n *yaml.Node) {
	t := &c.Tracing
	r.object(n, "tracing",
		field{"endpoint", r.text(collector(t))},
		field{"headers", func(n *yaml.Node) { r.tracingHeaders(t, n) }},
		field{"sample", r.text(func(s string) *problem {
			share, err := strconv.ParseFloat(s, 64)
			if err != nil || !(share >= 0 && share <= 1) {
				return &problem{"want a number from 0 to 1", "write 0.1 to trace one webhook in ten"}
			}
			t.Sample = share
			return nil
		})},
	)
}

func (r *reader) tracingHeaders(t *Tracing, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.errorAt(n, RuleValue, `write headers: {Authorization: "Bearer ${env:TRACES_TOKEN}"}`, "tracing.headers is a map of names and values, and this is %s", diag.KindOf(n))
		return
	}
	before := len(r.list)
	defer func() { // a line may hold several
		for i := range r.list[before:] {
			r.list[before+i].Source, r.list[before+i].EndColumn = "", 0
		}
	}()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !headerName.MatchString(key.Value) {
			r.errorAt(key, RuleValue, "write its name, as Authorization", "this cannot name a header")
			continue
		}
		if diag.IsNull(value) {
			r.errorAt(key, RuleValue, "give it a value or remove it", "`%s` has no value", key.Value)
			continue
		}
		r.text(func(s string) *problem {
			if strings.TrimSpace(s) == "" || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				return &problem{"the text is empty or has a line end in it", "a header is one line"}
			}
			if t.Headers == nil {
				t.Headers = map[string]string{}
			}
			t.Headers[key.Value] = s
			return nil
		})(value)
	}
}

// collector reads the address of a collector.
func collector(into *Tracing) func(string) *problem {
	const hint = "write http://host:4318 or https://host/path, or off"
	return func(s string) *problem {
		if s == "off" {
			into.Endpoint, into.Off = "", true
			return nil
		}
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "":
			return &problem{"this is no address of a collector", hint}
		case u.User != nil || u.RawQuery != "" || u.ForceQuery:
			return &problem{"neither a password nor a query may stand in the address", `write what the collector wants to know under headers: {Authorization: "Bearer ${env:TRACES_TOKEN}"}`}
		}
		if port := u.Port(); port != "" {
			if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				return &problem{"this is no address of a collector", hint}
			}
		} else if _, _, err := net.SplitHostPort(u.Host); err == nil {
			return &problem{"this is no address of a collector", hint}
		}
		if strings.Trim(u.Path, "/") == "" {
			u.Path = tracesPath
		}
		into.Endpoint, into.Off = u.String(), false
		return nil
	}
}
