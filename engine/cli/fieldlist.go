package cli

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// listedField is a field of an event, an operation or a lookup, as it is listed.
type listedField struct {
	// Path is its dotted path, with # for the elements of a list.
	Path string `json:"path"`
	// Type says in words what it holds.
	Type string `json:"type"`
	// Required is "always", "when" and a condition in words, or "".
	Required    string         `json:"required,omitempty"`
	Label       string         `json:"label,omitempty"`
	Description string         `json:"description,omitempty"`
	Values      []listedChoice `json:"values,omitempty"`
	// Open says that there may be other values than these.
	Open bool `json:"open,omitempty"`
}

// listedChoice is a value that a field may hold, and what it means.
type listedChoice struct {
	Value json.RawMessage `json:"value"`
	Title string          `json:"title,omitempty"`
}

// maxListed bounds how many fields are listed, and maxListedSteps how deep: a
// schema may contain itself.
const (
	maxListed      = 5000
	maxListedSteps = 8
)

// listFields lists the fields of an object, those of objects in it too.
func listFields(s *schema.Schema) []listedField {
	l := &fieldLister{}
	l.object(s.Root(), nil)
	return l.all
}

type fieldLister struct {
	all    []listedField
	inside []*schema.Node
}

func (l *fieldLister) object(n *schema.Node, steps []string) {
	if n == nil || len(steps) > maxListedSteps || slices.Contains(l.inside, n) {
		return
	}
	l.inside = append(l.inside, n)
	defer func() { l.inside = l.inside[:len(l.inside)-1] }()
	for _, p := range n.Properties {
		if p.Node == nil || len(l.all) == maxListed {
			continue
		}
		at := append(slices.Clone(steps), strings.ReplaceAll(p.Name, ".", `\.`))
		f := listedField{
			Path: strings.Join(at, "."), Type: typeWords(p.Node), Required: requiredWords(n, p.Name),
			Label: p.Node.Title, Description: p.Node.Description,
		}
		choices := p.Node.Choices
		if len(choices) == 0 && len(p.Node.Known) > 0 {
			choices, f.Open = p.Node.Known, true
		}
		for _, c := range choices {
			f.Values = append(f.Values, listedChoice{json.RawMessage(c.JSON), c.Title})
		}
		l.all = append(l.all, f)
		l.object(p.Node, at)
		if p.Node.Items != nil {
			l.object(p.Node.Items, append(slices.Clone(at), "#"))
		}
	}
}

// requiredWords says when an object must have a field.
func requiredWords(n *schema.Node, name string) string {
	if slices.Contains(n.Required, name) {
		return "always"
	}
	var parts []string
	for i := range n.Conditions {
		if slices.Contains(n.Conditions[i].Required, name) {
			parts = append(parts, n.Conditions[i].If.String())
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "when " + strings.Join(parts, ", or ")
}

// typeWords says what a field holds: "text or whole number", "list of text".
func typeWords(n *schema.Node) string {
	names := n.Types.Words()
	if last := len(names) - 1; n.Types&schema.Array != 0 && n.Items != nil && n.Items.Types != 0 { // a list is named last
		names[last] = "list of " + typeWords(n.Items)
		if n.Items.Types&^schema.Null == schema.Object {
			names[last] = "list of objects"
		}
	}
	if len(names) == 0 && len(n.Choices) > 0 && !slices.ContainsFunc(n.Choices, func(c schema.Choice) bool { return !strings.HasPrefix(c.JSON, `"`) }) {
		return "text"
	}
	if len(names) == 0 {
		return "anything"
	}
	return strings.Join(names, " or ")
}

// maxCell is how many characters of a label a table shows.
const maxCell = 70

// fieldTable lays out fields for people, the values of a field below it.
func fieldTable(what string, fields []listedField) string {
	if len(fields) == 0 {
		return what + ": none is named; any field may be there\n"
	}
	rows := []string{row(what, "TYPE", "REQUIRED", "LABEL")}
	for _, f := range fields {
		label := f.Label
		if label == "" {
			label, _, _ = strings.Cut(f.Description, ". ")
		}
		rows = append(rows, row(f.Path, f.Type, f.Required, words.Cut(label, maxCell)))
		for _, v := range f.Values {
			rows = append(rows, "  = "+words.Plain(string(v.Value))+"\t\t\t"+words.Cut(v.Title, maxCell))
		}
		if f.Open {
			rows = append(rows, "  = …\t\t\tothers too")
		}
	}
	return columns(rows)
}
