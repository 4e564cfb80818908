package config

import "gopkg.in/yaml.v3"

func (r *reader) tls(c *Config, n *yaml.Node) {
	file := func(into *string) func(string) *problem {
		return nonEmpty(func(s string) { *into = c.under(s) })
	}
	there := r.object(n, "tls",
		field{"certificate", r.text(file(&c.Ingress.TLS.Certificate))},
		field{"key", r.text(file(&c.Ingress.TLS.Key))},
	)
	if n.Kind != yaml.MappingNode {
		return
	}
	for _, key := range []string{"certificate", "key"} {
		if !there[key] {
			r.errorAt(n, RuleMissing, "name both files: tls: {certificate: tls/fullchain.pem, key: tls/privkey.pem}", "tls has no `%s`", key)
		}
	}
}
