package editor

import (
	"bytes"
	"slices"

	"gopkg.in/yaml.v3"
)

// Draft is what a mapping file says of its own names.
type Draft struct {
	// From and To are the references as they are written, and where; nil if the
	// file does not say them.
	From []*yaml.Node
	To   *yaml.Node
	// Tables are the names of its tables.
	Tables []string
	// Lets and Lookups are the names at its top.
	Lets    []Name
	Lookups []Name

	eaches []each
}

// Name is a name of the file and what it stands for: a value of `let` as written
// if that is one line, a lookup's from.
type Name struct{ Name, Means string }

// each is an `each` that the file has.
type each struct {
	path, as string
	lets     []Name
}

const (
	// maxDraft bounds how many names and eaches of a file are looked at.
	maxDraft = 200
	// maxFile is the largest file in bytes that is read; a mapping is not larger.
	maxFile = 1 << 20
)

// Read reads what a mapping file says so far; false if it is no YAML map, or larger
// than a mapping may be.
func Read(text []byte) (draft Draft, ok bool) {
	defer func() { // yaml.v3 is known to panic on some malformed input
		if r := recover(); r != nil {
			draft, ok = Draft{}, false
		}
	}()
	if len(text) > maxFile {
		return Draft{}, false
	}
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).Decode(&doc); err != nil ||
		len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return Draft{}, false
	}
	root := doc.Content[0]
	if from := value(root, "from"); from != nil {
		draft.From = []*yaml.Node{from}
		if from.Kind == yaml.SequenceNode {
			draft.From = from.Content
		}
	}
	draft.To = value(root, "to")
	for _, t := range names(value(root, "tables")) {
		draft.Tables = append(draft.Tables, t.Name)
	}
	draft.Lets, draft.Lookups = names(value(root, "let")), names(value(root, "lookups"))
	for i, n := range draft.Lookups {
		draft.Lookups[i].Means = ""
		if from := value(value(value(root, "lookups"), n.Name), "from"); from != nil {
			draft.Lookups[i].Means = from.Value
		}
	}
	draft.look(root, 0)
	return draft, true
}

// look finds the eaches below n.
func (d *Draft) look(n *yaml.Node, depth int) {
	if depth > 50 || len(d.eaches) >= maxDraft {
		return
	}
	if list := value(n, "each"); list != nil && list.Kind == yaml.ScalarNode && plainPath.MatchString(list.Value) {
		e := each{path: list.Value, as: "item", lets: names(value(n, "let"))}
		if as := value(n, "as"); as != nil {
			e.as = as.Value
		}
		if name.MatchString(e.as) && !slices.ContainsFunc(d.eaches, func(o each) bool { return o.path == e.path && o.as == e.as }) {
			d.eaches = append(d.eaches, e)
		}
	}
	for _, child := range n.Content {
		d.look(child, depth+1)
	}
}

// value gives the value of a key; nil if n is no map or has none.
func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// names lists the keys of a map that are names.
func names(n *yaml.Node) []Name {
	var out []Name
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content) && len(out) < maxDraft; i += 2 {
		if !name.MatchString(n.Content[i].Value) {
			continue
		}
		one := Name{Name: n.Content[i].Value}
		if v := n.Content[i+1]; v.Kind == yaml.ScalarNode {
			one.Means = v.Value
		}
		out = append(out, one)
	}
	return out
}
