package mapping

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/diag/rules"
)

// Accept is an entry of `accept`: a failure that the mapping leaves to the dead
// letters on purpose.
type Accept struct {
	// Rule is the failure's rule id, Reason why it is left.
	Rule, Reason string
	// Path and Field narrow it to a source path and to a sink field, with # for
	// every index, and to what is in them; "" for all.
	Path, Field string
	// Unnamed narrows it to values of Path that the source's schema does not name.
	Unnamed bool
	// Place is a diagnostic without words at the entry.
	Place diag.Diagnostic
}

// Accepts returns what the mapping leaves out on purpose.
func (p *Program) Accepts() []Accept { return p.accepts }

func acceptKeys() []string { return []string{"rule", "reason", "path", "field", "unnamed"} }

// accept reads the list `accept`.
func (c *compiler) accept(n *yaml.Node) []Accept {
	if n.Kind != yaml.SequenceNode {
		c.doc.errorAt("CW105", c.doc.spanOf(n), "- {rule: CW305, path: delivery_type.id, reason: …}", "`accept` must be a list, and this is %s", diag.KindOf(n))
		return nil
	}
	var out []Accept
	lines := map[Accept]int{}
	for _, item := range n.Content {
		a, ok := c.acceptEntry(item)
		if !ok {
			continue
		}
		same := Accept{Rule: a.Rule, Path: a.Path, Field: a.Field, Unnamed: a.Unnamed}
		if line, twice := lines[same]; twice {
			c.doc.errorAt("CW103", c.doc.spanOf(item), "", "this is accepted in line %d already", line)
			continue
		}
		lines[same] = item.Line
		out = append(out, a)
	}
	return out
}

func (c *compiler) acceptEntry(n *yaml.Node) (Accept, bool) {
	var a Accept
	entries, ok := c.doc.entries(n, "an entry of `accept`")
	if !ok {
		return a, false
	}
	at := c.doc.spanOf(n)
	keys := map[string]entry{}
	for _, e := range entries {
		if !slices.Contains(acceptKeys(), e.name) {
			c.doc.unknownKey(e, "an entry of `accept`", acceptKeys())
			ok = false
			continue
		}
		keys[e.name] = e
	}
	for _, key := range acceptKeys()[:2] {
		if keys[key].value == nil && ok {
			c.doc.errorAt("CW106", at, "", "this entry of `accept` does not say `%s`", key)
			ok = false
		}
	}
	text := func(key string) string {
		e, has := keys[key]
		if !has {
			return ""
		}
		s, good := c.doc.text(e.value, "`"+key+"`")
		s = strings.TrimSpace(s)
		if good && s == "" {
			c.doc.errorAt("CW105", c.doc.spanOf(e.value), "", "`%s` is empty", key)
			good = false
		}
		ok = ok && good
		return s
	}
	a.Rule, a.Reason = text("rule"), text("reason")
	if a.Rule != "" && !slices.Contains(failureRules(), a.Rule) {
		c.unknownFailure(a.Rule, c.doc.spanOf(keys["rule"].value))
		ok = false
	}
	if s := text("path"); s != "" {
		p, perr := parsePath(s)
		if perr != nil {
			c.doc.errorAt("CW120", c.doc.scalar(keys["path"].value).span(perr.from, perr.to), perr.hint, "%s", perr.message)
			ok = false
		}
		a.Path = AnyIndex(strings.Join(stepNames(p.names), "."))
	}
	a.Field = AnyIndex(text("field"))
	if e, has := keys["unnamed"]; has {
		a.Unnamed = e.value.Value == "true"
		if e.value.Value != "true" || a.Path == "" && keys["path"].value == nil {
			c.doc.errorAt("CW105", c.doc.spanOf(e.value), "", "`unnamed` is true, and stands beside `path`")
			ok = false
		}
	}
	if e, has := keys["rule"]; has {
		at = c.doc.spanOf(e.value)
	}
	a.Place = c.doc.diagnostic(diag.Warning, "", at, "", "")
	return a, ok
}

// failureRules are the ids of what an event can meet.
func failureRules() []string {
	var ids []string
	for _, r := range rules.All() {
		if strings.HasPrefix(r.ID, "CW3") {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// unknownFailure reports the `rule` of an entry that is no failure's id.
func (c *compiler) unknownFailure(id string, at span) {
	if regexp.MustCompile(`^CW[12][0-9]{2}$`).MatchString(id) {
		c.doc.errorAt("CW105", at, "for example CW305, a code without a row in its table",
			"`rule` is the id of a failure of an event, CW3 and two digits, and %s is none", id)
		return
	}
	hint := diag.DidYouMean(id, failureRules())
	if hint == "" {
		hint = "for example CW305, a code without a row in its table"
	}
	c.doc.errorAt("CW105", at, hint, "there is no failure of an event with the id `%s`; mappings/README.md lists them", shorten(id))
}

// AnyIndex writes # for every index of a path or field: products.0.sku and
// products.#.sku become the same.
func AnyIndex(path string) string {
	steps := strings.Split(path, ".")
	for i, s := range steps {
		if s != "" && strings.Trim(s, "0123456789") == "" {
			steps[i] = "#"
		}
	}
	return strings.Join(steps, ".")
}
