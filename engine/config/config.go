// Package config reads crosswalk.yaml, the file that says where the engine keeps
// its journal, what it listens on, and which connections and mappings it runs.
//
//	data: data                      # the journal's directory
//	plugins: ../bin/plugins         # where the plugins' binaries are
//	mappings: ["mappings/*/mapping.yaml"]
//	ingress: {listen: "127.0.0.1:8080", max_body: 1MiB, rate: 100/s}
//	admin: {listen: "127.0.0.1:9090"}
//	log: {level: info, format: json}
//	storage: {max_events: 10GiB}
//	connections:
//	  shop:
//	    plugin: horoshop
//	    token: "${env:SHOP_TOKEN}"
//	    config: {language: uk}
//
// Paths are relative to the file's own folder. Any text may hold references,
// ${env:NAME} and ${file:PATH}; $${ is a literal ${. Load leaves them as they
// are, so that a configuration can be checked where its secrets are not, and
// Resolve puts in what they stand for. mappings, plugins and a connection's
// plugin hold no references, since checking needs them. A key's name is never
// searched for any.
//
// Everything that is wrong is reported at once, each thing at its line and
// column, under the rules CW201 to CW210, CW214 and CW215 (see the Rule constants).
package config

import (
	"time"

	"gopkg.in/yaml.v3"
)

// FileName is the name under which a configuration is looked for.
const FileName = "crosswalk.yaml"

// MaxSize is the largest configuration in bytes that is read.
const MaxSize = 1 << 20

// The rules under which findings are reported.
const (
	// RuleRead: the file cannot be read.
	RuleRead = "CW201"
	// RuleSyntax: the file is not YAML, or uses what is not supported (tags,
	// anchors, aliases, merge keys, several documents).
	RuleSyntax = "CW202"
	// RuleDoubled: a key stands twice.
	RuleDoubled = "CW203"
	// RuleUnknown: a key is not known.
	RuleUnknown = "CW204"
	// RuleMissing: a key that is needed is not there.
	RuleMissing = "CW205"
	// RuleValue: a value is of the wrong kind, form or size.
	RuleValue = "CW206"
	// RuleReference: a ${…} is misspelt, or stands where none may.
	RuleReference = "CW207"
	// RuleUnresolved: the variable or file that a ${…} names is not to be had.
	RuleUnresolved = "CW208"
	// RuleMappings: a path under mappings names no file.
	RuleMappings = "CW209"
	// RuleSchema: a connection's config breaks its plugin's schema.
	RuleSchema = "CW210"
	// RuleFixed: a key was changed that a running engine cannot change.
	RuleFixed = "CW214"
	// RuleUnread: a connection takes webhooks, and no mapping reads from it.
	RuleUnread = "CW215"
)

// Config is a configuration. What was left out has its default. It is not to be
// used while the diagnostics that came with it have errors, nor run before
// Resolve.
type Config struct {
	// File is the configuration's path as it was given, Dir its folder.
	File, Dir string
	// Data is the journal's directory; key data, default "data".
	Data string
	// Plugins is the directory of the plugins' binaries; key plugins, "" if it is
	// left out.
	Plugins string
	// Mappings are the mapping files, sorted, each once; key mappings, a path or
	// pattern (as of path/filepath.Match), or a list of them. Needed.
	Mappings []string
	// Patterns are the paths and patterns of mappings as they are written.
	Patterns []string
	// Ingress is the key ingress.
	Ingress Ingress
	// Admin is the key admin.
	Admin Admin
	// Log is the key log.
	Log Log
	// Tracing is the key tracing.
	Tracing Tracing
	// Storage is the key storage.
	Storage Storage
	// Retention is the key retention.
	Retention Retention
	// Connections are in the order of their names; key connections, a map by
	// name. Needed, and not empty.
	Connections []*Connection

	src     *source
	root    *yaml.Node
	pending []pending
	// patterns are the paths and patterns under mappings, as they can be opened.
	patterns []string
	rate     rateKeys
	// ingress is where the key ingress has its value, nil if it is left out.
	ingress *yaml.Node
	admin   adminKeys
}

// Connection returns the named connection, or nil.
func (c *Config) Connection(name string) *Connection {
	for _, conn := range c.Connections {
		if conn.Name == name {
			return conn
		}
	}
	return nil
}

// Ingress says how webhooks are taken. Durations are written as 10s or 1m30s,
// sizes as 512KiB or 1MiB.
type Ingress struct {
	// Listen is the address, host:port; key listen, default 127.0.0.1:8080. An
	// empty host means every interface.
	Listen string
	// TLS has webhooks come over HTTPS; key tls.
	TLS TLS
	// MaxBody bounds a request's body in bytes, also after decompression; key
	// max_body, 1KiB to 16MiB, default 1MiB.
	MaxBody int64
	// MaxMemory bounds all bodies at hand together; key max_memory, default 64MiB,
	// at least twice max_body.
	MaxMemory int64
	// MaxConnections bounds open TCP connections; key max_connections, 1 to
	// 100000, default 1024.
	MaxConnections int
	// HeaderTimeout is for reading a request's header; key header_timeout, default 5s.
	HeaderTimeout time.Duration
	// BodyTimeout is for reading a request as a whole; key body_timeout, default 15s.
	BodyTimeout time.Duration
	// IdleTimeout is for waiting for the next request; key idle_timeout, default 1m.
	IdleTimeout time.Duration
	// DecodeTimeout is how long a request waits for its plugin to decode it, before it
	// is kept as it came; key decode_timeout, default 3s.
	DecodeTimeout time.Duration
	// Rate is how many requests each connection may send; key rate, as 100/s,
	// 60/min, 1000/h or off, default 500/s. A connection's own key rate comes first.
	Rate Rate
}

// TLS names the files of a certificate. Both are "" for plain HTTP.
type TLS struct {
	// Certificate is a PEM file with the certificate first and then those that lead
	// to the root; key certificate.
	Certificate string
	// Key is a PEM file with its private key; key key.
	Key string
}

// Rate bounds how often something may happen.
type Rate struct {
	// PerSecond is the mean; 0 means no bound.
	PerSecond float64
	// Burst is how many may come at once; key burst beside rate, default two
	// seconds' worth, at least 10.
	Burst int
}

// Log says what is logged.
type Log struct {
	// Level is debug, info, warn or error; key level, default info.
	Level string
	// Format is text or json; key format, default text.
	Format string
}

// Storage bounds the journal. 0 leaves the choice to the journal.
type Storage struct {
	// MaxEvents, MaxOutcomes and MaxDead bound its streams in bytes; keys
	// max_events, max_outcomes and max_dead, each at least 16MiB.
	MaxEvents, MaxOutcomes, MaxDead int64
	// MaxUndecoded bounds the webhooks that wait for their plugin in bytes; key
	// max_undecoded, at least 64MiB.
	MaxUndecoded int64
	// MinFreeDisk is how much disk stays free: with less nothing is accepted; key
	// min_free_disk.
	MinFreeDisk int64
	// NATS is the cluster that holds the journal, nil for a server inside the engine.
	NATS *NATS
}

func defaults() *Config {
	return &Config{
		Data: "data",
		Ingress: Ingress{
			Listen: "127.0.0.1:8080", MaxBody: 1 << 20, MaxMemory: 64 << 20, MaxConnections: 1024,
			HeaderTimeout: 5 * time.Second, BodyTimeout: 15 * time.Second, IdleTimeout: time.Minute,
			DecodeTimeout: 3 * time.Second,
		},
		Admin:     Admin{Listen: "127.0.0.1:9090"},
		Log:       Log{Level: "info", Format: "text"},
		Tracing:   Tracing{Sample: 1},
		Retention: Retention{Age: standardDays * day},
		rate:      rateKeys{perSecond: 500, given: true},
	}
}
