package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// NATS is an existing NATS cluster that holds the journal; key storage.nats.
type NATS struct {
	// URLs are servers of it; key url, one or several with commas between, as
	// nats://host:4222 or tls://host:4222. Needed.
	URLs []string
	// Credentials is a file with a user's JWT and seed, or the seed of an NKey alone; key
	// credentials. Or User and
	// Password, keys user and password; or Token, key token.
	Credentials, User, Password, Token string
	// TLS has other roots than the system's, and a certificate of the engine's own; key
	// tls with ca, certificate and key.
	TLS NATSTLS
	// Replicas is how many servers keep each message: 1 to 5; key replicas, default 3.
	Replicas int
	// Partitions is in how many parts a lane is read: 1 to 64; key partitions, 0 where
	// it is left out: what the journal was made with, 8 for a new one.
	Partitions int
	// Lease is after how long without a sign of life an engine's partitions are taken
	// over; key lease, 3s to 5m, default 15s.
	Lease time.Duration
	// Monitors are where servers answer their monitor; key monitor, as
	// http://host:8222, several with commas between.
	Monitors []string

	// places are where the keys stand, as FILE:LINE:COLUMN.
	places map[string]string
}

// NATSTLS names the files of TLS towards the cluster, each "" where it is left out.
type NATSTLS struct{ CA, Certificate, Key string }

// Place tells where a key of storage.nats stands, as FILE:LINE:COLUMN, or where all of
// it does.
func (n *NATS) Place(key string) string {
	if at, ok := n.places[key]; ok {
		return at
	}
	return n.places[""]
}

const (
	defaultReplicas       = 3
	mostReplicas          = 5
	mostPartitions        = 64
	defaultLease          = 15 * time.Second
	leastLease, mostLease = 3 * time.Second, 5 * time.Minute
)

func (r *reader) nats(c *Config, n *yaml.Node) {
	s := &NATS{Replicas: defaultReplicas, Lease: defaultLease, places: map[string]string{"": r.place(n)}}
	c.Storage.NATS = s
	at := func(name string, read func(*yaml.Node)) field {
		return field{name, func(n *yaml.Node) {
			s.places[name] = r.place(n)
			read(n)
		}}
	}
	there := r.object(n, "storage.nats",
		at("url", r.text(addresses(&s.URLs, "nats", "tls"))),
		at("credentials", r.text(nonEmpty(func(v string) { s.Credentials = c.under(v) }))),
		at("user", r.text(nonEmpty(func(v string) { s.User = v }))),
		at("password", r.secret(nonEmpty(func(v string) { s.Password = v }))),
		at("token", r.secret(nonEmpty(func(v string) { s.Token = v }))),
		at("tls", func(n *yaml.Node) {
			file := func(into *string) func(*yaml.Node) {
				return r.text(nonEmpty(func(v string) { *into = c.under(v) }))
			}
			there := r.object(n, "storage.nats.tls",
				field{"ca", file(&s.TLS.CA)}, field{"certificate", file(&s.TLS.Certificate)}, field{"key", file(&s.TLS.Key)})
			if there["certificate"] != there["key"] {
				r.errorAt(n, RuleMissing, "name both files: tls: {certificate: engine.pem, key: engine-key.pem}", "storage.nats.tls has one of `certificate` and `key` alone")
			}
		}),
		at("replicas", r.text(count(&s.Replicas, 1, mostReplicas))),
		at("partitions", r.text(count(&s.Partitions, 1, mostPartitions))),
		at("lease", r.text(func(v string) *problem {
			d, err := time.ParseDuration(v)
			if err != nil || d < leastLease || d > mostLease {
				return &problem{fmt.Sprintf("want a time from %s to %s", leastLease, mostLease), "write it as 15s"}
			}
			s.Lease = d
			return nil
		})),
		at("monitor", r.text(addresses(&s.Monitors, "http", "https"))),
	)
	if n.Kind != yaml.MappingNode {
		return
	}
	if !there["url"] {
		r.errorAt(n, RuleMissing, `name a server of the cluster: nats: {url: "nats://n1:4222"}`, "storage.nats has no `url`")
	}
	ways := 0
	for _, key := range []string{"credentials", "user", "token"} {
		if there[key] {
			ways++
		}
	}
	if ways > 1 {
		r.errorAt(n, RuleValue, "keep one of them", "storage.nats names more than one of `credentials`, `user` and `token`")
	}
	if there["user"] != there["password"] {
		r.errorAt(n, RuleMissing, `write both: nats: {user: crosswalk, password: "${env:NATS_PASSWORD}"}`, "storage.nats has one of `user` and `password` alone")
	}
}

func (r *reader) place(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", r.file, n.Line, n.Column)
}

// addresses reads one or more URLs with commas between.
func addresses(into *[]string, schemes ...string) func(string) *problem {
	hint := "write " + schemes[0] + "://host:port, several with commas between"
	return func(s string) *problem {
		var out []string
		for part := range strings.SplitSeq(s, ",") {
			part = strings.TrimSpace(part)
			u, err := url.Parse(part)
			switch {
			case err != nil || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || !slices.Contains(schemes, u.Scheme):
				return &problem{"this is no address of a server", hint}
			case u.User != nil:
				return &problem{"a password may not stand in an address", "write user and password, or token, beside it"}
			}
			if port := u.Port(); port != "" {
				if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
					return &problem{"this is no address of a server", hint}
				}
			} else if _, _, err := net.SplitHostPort(u.Host); err == nil {
				return &problem{"this is no address of a server", hint}
			}
			out = append(out, strings.TrimSuffix(part, "/"))
		}
		*into = out
		return nil
	}
}
