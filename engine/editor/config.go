package editor

import (
	"encoding/json"
	"fmt"
)

// Plugin is a plugin that connections can name.
type Plugin struct {
	// Name is the plugin's name, and Title the far system's.
	Name, Title string
	// Config is the JSON Schema (2020-12) of a connection's config; nil if it is not
	// known, and then every config is taken.
	Config json.RawMessage
}

// The forms of texts in crosswalk.yaml. Where a reference may stand, a text with
// ${ in it is taken.
const (
	orReference  = `\$\{|`
	durationForm = orReference + `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`
	sizeForm     = orReference + `^\s*[0-9]+\s*(KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB|B)?\s*$`
	rateForm     = orReference + `^(off|[0-9]+\s*/\s*(s|min|h))$`
	addressForm  = orReference + `:[0-9]{1,5}$`
	countForm    = orReference + `^[0-9]+$`
	textForm     = `\S`
	nameForm     = `^[a-z][a-z0-9_-]{0,62}$`
)

// Config returns the JSON Schema of crosswalk.yaml where there are the given
// plugins; with none any plugin's name and config is taken.
func Config(plugins []Plugin) ([]byte, error) {
	definitions := object{}
	var cases []object
	var known, titles []string
	for _, p := range plugins {
		known, titles = append(known, p.Name), append(titles, p.Title)
		if len(p.Config) == 0 {
			continue
		}
		name := "config-" + p.Name
		schema, err := pluginSchema(p.Config, "#/definitions/"+name)
		if err != nil {
			return nil, fmt.Errorf("config schema of plugin %s: %w", p.Name, err)
		}
		definitions = append(definitions, member{name, schema})
		then := object{{"properties", object{{"config", object{{"$ref", "#/definitions/" + name}}}}}}
		if needs, _ := schema["required"].([]any); len(needs) > 0 {
			then = append(then, member{"required", []string{"config"}})
		}
		cases = append(cases, object{
			{"if", object{{"properties", object{{"plugin", exactly(p.Name)}}}, {"required", []string{"plugin"}}}},
			{"then", then},
		})
	}
	plugin := object{{"description", "The plugin: the name of its binary in the folder of plugins."}, {"type", "string"}, {"pattern", nameForm}}
	if len(known) > 0 {
		plugin = append(plugin, member{"enum", known}, member{"enumDescriptions", titles}, member{"errorMessage", "there is no such plugin in the folder of plugins"})
	}
	connection := append(object{types("object")}, keysOf(object{
		{"plugin", plugin},
		text("token", "The secret part of the address that webhooks come to, /in/NAME/TOKEN: 8 to 128 letters, digits and . _ ~ -", orReference+`^[A-Za-z0-9._~-]{8,128}$`, "a token has 8 to 128 letters, digits and . _ ~ -; make one: openssl rand -hex 16"),
		section("signature", "How the sender signs its requests: an HMAC of the body in a header.", object{
			text("header", "The header's name: X-Signature.", orReference+"^[A-Za-z][A-Za-z0-9-]{0,99}$", "this cannot name a header; write it as X-Signature"),
			text("secret", "The HMAC's key.", textForm, "the text is empty"),
			oneOf("algorithm", "The HMAC's hash; sha256 if left out.", "sha256", "sha1", "sha512"),
			oneOf("encoding", "How the digest is written; hex if left out.", "hex", "base64"),
			text("prefix", "What stands before the digest, as sha256=; nothing if left out.", "", ""),
		}, "header", "secret"),
		rate("How many requests this connection may send: 10/s, 60/min, 1000/h or off; that of ingress if left out."),
		count("burst", "How many requests may come at once; two seconds' worth if left out."),
		section("limits", "Bounds what goes to this system as a sink, over all mappings.", object{
			rate("How many records may go: 50/s, 60/min, 1000/h; off if left out."),
			count("burst", "How many may go at once; one second's worth if left out."),
			count("concurrency", "How many may be there at once, 1 to 10000; 256 if left out."),
		}),
		section("retry", "How long to wait between the attempts for a record.", object{
			duration("min", "The first wait, which doubles each time; 1s if left out."),
			duration("max", "The longest wait; 5m if left out."),
		}),
		{"config", object{{"description", "The plugin's own keys."}, types("object")}},
	}, "plugin")...)
	connection = append(connection, member{"dependencies", object{{"signature", []string{"token"}}}})
	if len(cases) > 0 {
		connection = append(connection, member{"allOf", cases})
	}
	out := object{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Configuration of Crosswalk"}, {"type", "object"}}
	out = append(out, keysOf(object{
		text("data", "The journal's folder; data if left out. Paths are relative to this file's folder.", textForm, "the text is empty"),
		text("plugins", "The folder with the plugins' binaries; left out only where --plugins names it.", textForm, "the text is empty"),
		{"mappings", object{
			{"description", "The mapping files: a path or pattern, or a list of them: mappings/*/mapping.yaml."},
			types("string", "number", "boolean", "array"),
			{"minLength", 1},
			{"items", object{types("string", "number", "boolean"), {"minLength", 1}}},
		}},
		ingress(), section("admin", "Where the running engine answers questions about itself.", object{
			text("listen", "The address, host:port or unix:PATH; 127.0.0.1:9090 if left out, off for none. One that other machines reach needs a token.", orReference+`^off$|^unix:.*\S|:[0-9]{1,5}$`, "this is no address: host:port, unix:PATH or off"),
			text("token", "What each request must bring as a bearer token: 16 to 128 letters, digits and . _ ~ -", orReference+`^[A-Za-z0-9._~-]{16,128}$`, "a token has 16 to 128 letters, digits and . _ ~ -; make one: openssl rand -hex 16"),
		}),
		section("log", "What is logged.", object{
			oneOf("level", "The least that is logged; info if left out.", "debug", "info", "warn", "error"),
			oneOf("format", "How a line looks; text if left out.", "text", "json"),
		}),
		tracing(),
		section("storage", "Bounds of the journal; the journal chooses those that are left out.", object{
			size("max_events", "How large the accepted events grow, from 16MiB."),
			size("max_outcomes", "How large the outcomes grow, from 16MiB."),
			size("max_dead", "How large the dead letters grow, from 16MiB."),
			size("max_undecoded", "How large the webhooks grow that wait for their plugin, from 64MiB."),
			size("min_free_disk", "Below this much free disk webhooks are answered with 503."),
			nats(),
		}),
		section("retention", "How long events are kept that are delivered; what is not delivered is never removed.", object{
			text("age", "The time, in days as 14d or hours as 96h, 4d to 60d; 14d if left out.", `^([0-9]+d|([0-9]+(\.[0-9]*)?(h|m|s|ms))+)$`, "write days as 14d, or hours as 96h"),
			size("bytes", "From how much on the oldest go sooner, from 16MiB; nine tenths of storage.max_events if left out."),
		}),
		{"connections", object{
			{"description", "The systems, by name: connections: {shop: {plugin: horoshop}}."},
			types("object"),
			{"minProperties", 1},
			{"propertyNames", object{{"pattern", nameForm}, {"patternErrorMessage", "a name is a lower-case letter and then at most 62 lower-case letters, digits, _ and -"}}},
			{"additionalProperties", connection},
		}},
	}, "mappings", "connections")...)
	text, err := append(out, member{"definitions", definitions}).text()
	if err != nil {
		return nil, fmt.Errorf("write the schema of the configuration: %w", err)
	}
	return text, nil
}

func ingress() member {
	return section("ingress", "How webhooks are taken.", object{
		text("listen", "The address, host:port; 127.0.0.1:8080 if left out.", addressForm, "this is no address: write host:port, as 127.0.0.1:8080 or [::1]:8080"),
		section("tls", "Takes webhooks over HTTPS; both files are PEM.", object{
			text("certificate", "The file of the certificate and those above it.", textForm, "the text is empty"),
			text("key", "The file of the certificate's key.", textForm, "the text is empty"),
		}, "certificate", "key"),
		size("max_body", "How large a request's body may be, 1KiB to 16MiB; 1MiB if left out."),
		size("max_memory", "How large all bodies at hand may be together; 64MiB if left out."),
		count("max_connections", "How many connections may be open, 1 to 100000; 1024 if left out."),
		duration("header_timeout", "How long a request's header may take; 5s if left out."),
		duration("body_timeout", "How long a whole request may take; 15s if left out."),
		duration("idle_timeout", "How long the next request is waited for; 1m if left out."),
		duration("decode_timeout", "How long a request waits for its plugin before it is kept as it came; 3s if left out."),
		rate("How many requests each connection may send: 100/s, 60/min, 1000/h or off; 500/s if left out."),
		count("burst", "How many requests may come at once; two seconds' worth if left out."),
	})
}

// keysOf is a map that has the given keys and no others.
func keysOf(keys object, needed ...string) object {
	out := object{{"properties", keys}, {"additionalProperties", false}}
	if len(needed) > 0 {
		out = append(out, member{"required", needed})
	}
	return out
}

func section(name, help string, keys object, needed ...string) member {
	return member{name, append(object{{"description", help}, types("object")}, keysOf(keys, needed...)...)}
}

// text is a key whose value is a text of a form, any if that is "".
func text(name, help, form, message string) member {
	s := object{{"description", help}, types("string", "number", "boolean")}
	if form != "" {
		s = append(s, member{"pattern", form}, member{"patternErrorMessage", message})
	}
	return member{name, s}
}

func size(name, help string) member {
	return text(name, help, sizeForm, "this is no size in bytes: write a whole number and B, KiB, MiB, GiB or TiB: 512KiB")
}

func duration(name, help string) member {
	return text(name, help, durationForm, "this is no duration: 30s, 1m30s")
}

func count(name, help string) member {
	return text(name, help, countForm, "want a whole number")
}

func rate(help string) member {
	return text("rate", help, rateForm, "this is no rate: write a number and /s, /min or /h, as 100/s, or off")
}

// oneOf is a key whose value is one of some words, or a reference.
func oneOf(name, help string, words ...string) member {
	return member{name, object{
		{"description", help},
		{"anyOf", []object{
			{{"enum", words}},
			{{"type", "string"}, {"pattern", `\$\{`}, {"errorMessage", "this is none of the words allowed here, nor a reference"}},
		}},
	}}
}

func tracing() member {
	return section("tracing", "Tells the way of single events to a collector of OpenTelemetry.", object{
		text("endpoint", "Where it takes OTLP over HTTP, as http://127.0.0.1:4318, or off; the environment's OTEL_EXPORTER_OTLP_ENDPOINT if left out.", orReference+`^off$|^https?://`, "this is no address: http://127.0.0.1:4318, https://collector.example/v1/traces or off"),
		{"headers", object{
			{"description", "What goes with it, by the header's name: {Authorization: \"Bearer ${env:TRACES_TOKEN}\"}."},
			types("object"),
			{"propertyNames", object{{"pattern", "^[A-Za-z][A-Za-z0-9-]{0,99}$"}, {"patternErrorMessage", "this cannot name a header; write it as Authorization"}}},
			{"additionalProperties", object{types("string", "number", "boolean")}},
		}},
		text("sample", "The share of webhooks that are traced, 0 to 1; 1 if left out.", orReference+`^[0-9.]`, "want a number from 0 to 1"),
	})
}

func nats() member {
	return section("nats", "An existing NATS cluster that holds the journal, shared by several engines; a server inside the engine if left out.", object{
		text("url", "Servers of the cluster, as nats://host:4222 or tls://host:4222, several with commas between.", orReference+`^\s*(nats|tls)://`, "this is no address: nats://host:4222 or tls://host:4222"),
		text("credentials", "The file with a user's JWT and seed, or with the seed of an NKey.", textForm, "the text is empty"),
		text("user", "The user's name, with password.", textForm, "the text is empty"),
		text("password", "The user's password.", textForm, "the text is empty"),
		text("token", "The token, instead of a user.", textForm, "the text is empty"),
		section("tls", "TLS towards the cluster; the files are PEM.", object{
			text("ca", "The file of the roots; the system's if left out.", textForm, "the text is empty"),
			text("certificate", "The file of the engine's own certificate.", textForm, "the text is empty"),
			text("key", "The file of its key.", textForm, "the text is empty"),
		}),
		count("replicas", "How many servers keep each message, 1 to 5; 3 if left out."),
		count("partitions", "In how many parts a lane is read, 1 to 64, fixed when the streams are made; 8 for new ones if left out."),
		duration("lease", "After how long without a sign of life an engine's work is taken over, 3s to 5m; 15s if left out."),
		text("monitor", "Monitors of servers, as http://host:8222: asked at the start whether each write is synced to disk.", orReference+`^\s*https?://`, "this is no address: http://host:8222"),
	}, "url")
}
