package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// maxDepth bounds how deep schemas nest.
const maxDepth = 64

type parser struct {
	doc  []byte
	refs map[string]*Node
	key  string
}

func (p *parser) parse(raw, at string, depth int) (*Node, error) {
	s := gjson.Parse(raw)
	if ref := s.Get("$ref"); ref.Exists() && len(s.Map()) == 1 && depth <= maxDepth {
		// Nothing but a reference: the node itself, which may still be being read.
		n, err := p.resolve(ref.Str, depth)
		p.refs[at] = n
		return n, err
	}
	n := &Node{}
	p.refs[at] = n
	return n, p.fill(n, s, at, depth)
}

// fill reads the schema s, which stands at the JSON pointer at, into n.
func (p *parser) fill(n *Node, s gjson.Result, at string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: nested more than %d deep", at, maxDepth)
	}
	if !s.IsObject() { // true and false: anything, nothing
		return nil
	}
	var err error
	sub := func(v gjson.Result, keys ...string) *Node {
		var c *Node
		if err == nil {
			c, err = p.parse(v.Raw, at+"/"+strings.Join(keys, "/"), depth+1)
		}
		return c
	}
	var later []func()
	s.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "type":
			n.Types = types(v)
		case "title":
			n.Title = v.Str
		case "description":
			n.Description = v.Str
		case "format":
			n.Format = v.Str
		case "x-crosswalk-datetime":
			n.Datetime = v.Str
		case "minimum":
			n.Minimum = v.Raw
		case "maximum":
			n.Maximum = v.Raw
		case "maxLength":
			n.MaxLength = int(v.Int())
		case "minLength":
			n.MinLength = int(v.Int())
		case "pattern":
			n.Pattern = v.Str
		case "minItems":
			n.MinItems = int(v.Int())
		case "maxItems":
			n.MaxItems = int(v.Int())
		case "x-crosswalk-key":
			if depth == 0 {
				p.key = v.Str
			}
		case "properties":
			v.ForEach(func(name, child gjson.Result) bool {
				n.setProperty(name.String(), sub(child, "properties", escapePointer(name.String())))
				return err == nil
			})
		case "additionalProperties":
			if v.Type == gjson.False {
				n.Closed = true
			} else if v.IsObject() {
				n.Additional = sub(v, "additionalProperties")
			}
		case "items":
			n.Items = sub(v, "items")
		case "required":
			for _, r := range v.Array() {
				if !slices.Contains(n.Required, r.Str) {
					n.Required = append(n.Required, r.Str)
				}
			}
		case "enum":
			for _, c := range v.Array() {
				n.Choices = append(n.Choices, Choice{JSON: compact(c)})
			}
		case "x-crosswalk-known":
			for _, c := range v.Array() {
				n.Known = append(n.Known, Choice{JSON: compact(c.Get("const")), Title: c.Get("title").Str})
			}
		case "const":
			n.Choices = []Choice{{JSON: compact(v)}}
		case "if":
			if c, ok := p.condition(s); ok {
				n.Conditions = append(n.Conditions, c...)
			}
		case "allOf":
			for i, part := range v.Array() {
				c := sub(part, "allOf", fmt.Sprint(i))
				later = append(later, func() { n.merge(c) })
			}
		case "anyOf", "oneOf":
			later = append(later, func() {
				var e error
				if e = p.alternatives(n, v, at+"/"+k.Str, depth); e != nil && err == nil {
					err = e
				}
			})
		case "$ref":
			later = append(later, func() {
				target, e := p.resolve(v.Str, depth)
				if e != nil {
					err = e
					return
				}
				if target != n {
					n.merge(target)
				}
			})
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	for _, f := range later {
		if f(); err != nil {
			return err
		}
	}
	return nil
}

// alternatives reads anyOf and oneOf: a list of const and title is an enum,
// anything else widens the node.
func (p *parser) alternatives(n *Node, list gjson.Result, at string, depth int) error {
	var choices []Choice
	alternatives := list.Array()
	for _, a := range alternatives {
		if c := a.Get("const"); c.Exists() {
			choices = append(choices, Choice{JSON: compact(c), Title: a.Get("title").Str})
		}
	}
	if len(choices) == len(alternatives) {
		n.Choices = choices
		return nil
	}
	var united *Node
	for i, a := range alternatives {
		c, err := p.parse(a.Raw, fmt.Sprintf("%s/%d", at, i), depth+1)
		if err != nil {
			return err
		}
		if onlyRequirements(a) { // says which fields go together, not what they are
			continue
		}
		if united == nil {
			copied := *c
			united = &copied
			united.detach()
		} else {
			united.unite(c)
		}
	}
	if united != nil {
		n.merge(united)
	}
	return nil
}

func onlyRequirements(s gjson.Result) bool {
	only := s.IsObject()
	s.ForEach(func(k, _ gjson.Result) bool {
		only = only && (k.Str == "required" || k.Str == "not" || k.Str == "title" || k.Str == "description")
		return only
	})
	return only
}

// resolve finds the node of a local reference. A schema that refers to itself
// gets the node that is being read.
func (p *parser) resolve(ref string, depth int) (*Node, error) {
	if n, ok := p.refs[ref]; ok {
		return n, nil
	}
	raw, err := p.find(ref)
	if err != nil {
		return nil, err
	}
	return p.parse(raw.Raw, ref, depth+1)
}

func (p *parser) find(ref string) (gjson.Result, error) {
	if ref != "#" && !strings.HasPrefix(ref, "#/") {
		return gjson.Result{}, fmt.Errorf("$ref %q: only references inside this schema (#/$defs/…) are supported", ref)
	}
	at := gjson.ParseBytes(p.doc)
	for _, key := range strings.Split(strings.TrimPrefix(ref, "#"), "/")[min(1, len(ref)-1):] {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
		at = at.Get(gjson.Escape(key))
		if !at.Exists() {
			return at, fmt.Errorf("$ref %q: there is no such place in this schema", ref)
		}
	}
	return at, nil
}

func types(v gjson.Result) Types {
	var t Types
	for _, name := range v.Array() { // a single text is an array of one here
		for _, known := range typeNames {
			if known.name == name.Str {
				t |= known.t
			}
		}
	}
	return t
}

func compact(v gjson.Result) string { return v.Get("@ugly").Raw }

func escapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
