package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Connection is a configured instance of a plugin. Its name, the key under
// connections, is a lower-case letter followed by at most 62 lower-case letters,
// digits, _ and -.
type Connection struct {
	Name string
	// Plugin is the plugin's name; key plugin, needed.
	Plugin string
	// Token is the secret part of the address that webhooks come to,
	// /in/NAME/TOKEN: 8 to 128 letters, digits and . _ ~ -; key token, "" for a
	// connection that takes no webhooks. Until Resolve it is "" where it is a
	// reference.
	Token string
	// Signature tells how the sender signs its requests; key signature, nil if it
	// does not.
	Signature *Signature
	// Rate bounds this connection's requests; keys rate and burst, by default
	// those of ingress.
	Rate Rate
	// Limits and Retry say how records go to it, where it is a sink; keys limits and
	// retry.
	Limits Limits
	Retry  Retry

	// nameNode is the key under connections, plugin and config the values of the
	// keys plugin and config, or nil.
	nameNode, plugin, config *yaml.Node
	src                      *source
	// broken says that a key config, or one that is taken for it, was reported.
	broken bool
	// hasToken says that the key token is there.
	hasToken bool
	rate     rateKeys
	sink     sinkKeys
	// texts are the scalars of config that hold references or $${, by node: what
	// they stand for, once that is known.
	texts map[*yaml.Node]*text
}

// PluginFinding makes an error about the connection's plugin, at the value of the
// key plugin: that it is not there, or cannot be asked.
func (c *Connection) PluginFinding(rule, hint, message string) diag.Diagnostic {
	at := c.nameNode
	if c.plugin != nil {
		at = c.plugin
	}
	return c.src.at(at, rule, hint, "%s", message)
}

// text is a scalar of a connection's config.
type text struct {
	value string
	// known is false until Resolve for a scalar with references.
	known, references bool
}

// Signature says how a sender proves that a body is its own: a header holds the
// HMAC of the body's bytes as they came.
type Signature struct {
	// Header is the header's name; key header, needed.
	Header string
	// Secret is the HMAC's key; key secret, needed. "" until Resolve where it is
	// a reference.
	Secret string
	// Algorithm is sha256, sha1 or sha512; key algorithm, default sha256.
	Algorithm string
	// Encoding is hex or base64; key encoding, default hex.
	Encoding string
	// Prefix stands before the digest, as sha256=; key prefix, default none.
	Prefix string
}

var (
	connectionName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	headerName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,99}$`)
	tokenForm      = regexp.MustCompile(`^[A-Za-z0-9._~-]{8,128}$`)
)

const nameHint = "a name is a lower-case letter and then at most 62 lower-case letters, digits, _ and -"

func (r *reader) connections(c *Config, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		r.errorAt(n, RuleValue, "connections: {shop: {plugin: horoshop, …}}", "connections is a map by name, and this is %s", diag.KindOf(n))
		return
	}
	if len(n.Content) == 0 {
		r.errorAt(n, RuleMissing, "name at least one: {shop: {plugin: horoshop, …}}", "there is no connection")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !connectionName.MatchString(key.Value) {
			r.errorAt(key, RuleValue, cmp.Or(diag.Foreign(key.Value), nameHint), "`%s` cannot name a connection", key.Value)
			continue
		}
		if diag.IsNull(value) {
			r.errorAt(key, RuleMissing, "give it at least a plugin", "connection `%s` has no value", key.Value)
			continue
		}
		if c.Connection(key.Value) == nil { // else reported as doubled
			c.Connections = append(c.Connections, r.connection(key, value))
		}
	}
	slices.SortFunc(c.Connections, func(a, b *Connection) int { return cmp.Compare(a.Name, b.Name) })
}

func (r *reader) connection(key, n *yaml.Node) *Connection {
	conn := &Connection{
		Name: key.Value, nameNode: key, src: r.source, texts: map[*yaml.Node]*text{},
		Limits: Limits{Concurrency: 256}, Retry: Retry{Min: time.Second, Max: 5 * time.Minute},
	}
	where := "connection `" + key.Value + "`"
	there := r.object(n, where,
		field{"plugin", func(n *yaml.Node) {
			conn.plugin = n
			r.literal("validate needs the plugin too", func(s string) *problem {
				if !connectionName.MatchString(s) {
					return &problem{"this cannot name a plugin", cmp.Or(diag.Foreign(s), "a plugin is named after its file in the folder of plugins, as horoshop")}
				}
				conn.Plugin = s
				return nil
			})(n)
		}},
		field{"token", r.secret(func(s string) *problem {
			if !tokenForm.MatchString(s) {
				return badToken(s)
			}
			conn.Token = s
			return nil
		})},
		field{"signature", func(n *yaml.Node) { conn.Signature = r.signature(n, where) }},
		field{"rate", r.text(conn.rate.setRate)},
		field{"burst", r.text(conn.rate.setBurst)},
		field{"limits", func(n *yaml.Node) { r.limits(conn, n, where) }},
		field{"retry", func(n *yaml.Node) { r.retry(conn, n, where) }},
		field{"config", func(n *yaml.Node) {
			if n.Kind != yaml.MappingNode {
				r.errorAt(n, RuleValue, "", "config is a map of keys and values, and this is %s", diag.KindOf(n))
				return
			}
			conn.config = n
			r.configTexts(conn, n)
		}},
	)
	conn.hasToken = there["token"]
	if n.Kind == yaml.MappingNode && !there["plugin"] {
		r.errorAt(key, RuleMissing, "plugin: NAME, the name of a file in the folder of plugins", "%s has no `plugin`", where)
	}
	conn.broken = there["config"] && conn.config == nil
	if conn.Signature != nil && !there["token"] {
		r.errorAt(key, RuleMissing, "", "%s has a `signature` and no `token`, so that it takes no webhooks", where)
	}
	return conn
}

// TokenFinding warns that the connection has no token and so takes no webhooks,
// which the named mappings wait for. There is none where it has one.
func (c *Connection) TokenFinding(mappings []string) diag.List {
	if c.hasToken || len(mappings) == 0 {
		return nil
	}
	reads := "mapping `" + strings.Join(mappings, "`, `") + "` reads"
	if len(mappings) > 1 {
		reads = "mappings `" + strings.Join(mappings, "`, `") + "` read"
	}
	d := c.src.at(c.nameNode, RuleMissing, "give it one, token: \"${env:"+strings.ToUpper(strings.ReplaceAll(c.Name, "-", "_"))+"_TOKEN}\"; it is the last part of the URL that the sender calls",
		"connection `%s` has no `token`, so that it takes no webhooks, and %s from it", c.Name, reads)
	d.Severity = diag.Warning
	return diag.List{d}
}

// UnreadFinding warns that the connection takes webhooks while no mapping reads from it.
// There is none where it has no token.
func (c *Connection) UnreadFinding() diag.List {
	if !c.hasToken {
		return nil
	}
	d := c.src.at(c.nameNode, RuleUnread, "write a mapping that is from `"+c.Name+".EVENT`, or take the token away; what came before such a mapping is sent by crosswalk replay --connection "+c.Name+" --since TIME",
		"connection `%s` takes webhooks, and no mapping reads from it: its events are kept and go nowhere", c.Name)
	d.Severity = diag.Warning
	return diag.List{d}
}

// badToken says what keeps s from being a token, without showing it.
func badToken(s string) *problem { return badTokenOf(s, 8) }

// badTokenOf is badToken for a token of at least so many characters.
func badTokenOf(s string, least int) *problem {
	p := &problem{fmt.Sprintf("a token has %d to 128 letters, digits and . _ ~ -", least), "make one: openssl rand -hex 16"}
	switch {
	case s == "":
		p.message += ", and this is empty"
	case strings.HasPrefix(s, "$"):
		p.hint = "a variable of the environment is written ${env:NAME}"
	case len(s) > 128:
		p.message += ", and this is longer"
	case len(s) < least:
		p.message += ", and this is shorter"
	default:
		p.message += ", and this holds something else"
	}
	return p
}

func (r *reader) signature(n *yaml.Node, where string) *Signature {
	s := &Signature{Algorithm: "sha256", Encoding: "hex"}
	there := r.object(n, "signature of "+where,
		field{"header", r.text(func(v string) *problem {
			if !headerName.MatchString(v) {
				return &problem{"this cannot name a header", "write it as X-Signature"}
			}
			s.Header = v
			return nil
		})},
		field{"secret", r.secret(nonEmpty(func(v string) { s.Secret = v }))},
		field{"algorithm", r.text(oneOf(&s.Algorithm, "sha256", "sha1", "sha512"))},
		field{"encoding", r.text(oneOf(&s.Encoding, "hex", "base64"))},
		field{"prefix", r.text(func(v string) *problem { s.Prefix = v; return nil })},
	)
	for _, needed := range []string{"header", "secret"} {
		if n.Kind == yaml.MappingNode && !there[needed] {
			r.errorAt(n, RuleMissing, "", "signature of %s has no `%s`", where, needed)
		}
	}
	return s
}

// configTexts finds the references in a connection's config.
func (r *reader) configTexts(conn *Connection, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for i := 1; i < len(n.Content); i += 2 {
			r.configTexts(conn, n.Content[i])
		}
		return
	}
	for _, c := range n.Content {
		r.configTexts(conn, c)
	}
	if n.Kind != yaml.ScalarNode || !strings.Contains(n.Value, "${") {
		return
	}
	t, ok := r.template(n)
	if !ok {
		return
	}
	x := &text{value: t.literal(), references: t.references()}
	x.known = !x.references
	conn.texts[n] = x
	if x.references {
		r.pending = append(r.pending, pending{of: conn.Name, node: n, template: t, set: func(s string) *problem {
			x.value, x.known = s, true
			return nil
		}})
	}
}
