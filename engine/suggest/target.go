package suggest

import (
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// target is a field of the sink, or of the elements of one of its arrays.
type target struct {
	steps []string
	node  *schema.Node
	// required says that a record lacks something without it; owed names the object
	// that lacks it, if only that is asked for where the object is there.
	required bool
	owed     string
	// when says in words when it is required, "" if never but for the above.
	when  string
	needs []schema.Predicate
	key   bool

	label   string
	words   []string // of the name
	views   []meaning
	vectors []vector
	class   class
	systems meaning
	// own says that it holds an id that the sink gives out itself.
	own bool
	// external says that it holds an id of another system's than the two.
	external bool

	// elements are the fields of an array of objects.
	elements []*target
}

func (t *target) text() string { return strings.Join(t.steps, ".") }

// name gives the dotted name of the field as a mapping writes it.
func (t *target) name() string { return nameOf(t.steps) }

func nameOf(steps []string) string {
	escaped := make([]string, len(steps))
	for i, s := range steps {
		escaped[i] = strings.NewReplacer(`\`, `\\`, ".", `\.`).Replace(s)
	}
	return strings.Join(escaped, ".")
}

// sinkReader collects the fields of a sink.
type sinkReader struct {
	lex *lexicon
	// system is the sink's name as labels say it.
	system string
	key    string
	count  int
	inside []*schema.Node
}

// read collects the fields of an object; owed is the object around them that need
// not be there, "" if there is none.
func (r *sinkReader) read(n *schema.Node, steps []string, owed string, depth int) []*target {
	var out []*target
	if n == nil || depth > maxDepth || slices.Contains(r.inside, n) {
		return nil
	}
	r.inside = append(r.inside, n)
	defer func() { r.inside = r.inside[:len(r.inside)-1] }()
	for _, p := range n.Properties {
		if r.count++; r.count > maxFields {
			return out
		}
		if p.Node == nil {
			continue
		}
		required := slices.Contains(n.Required, p.Name)
		at := append(slices.Clone(steps), p.Name)
		if isObject(p.Node) && len(p.Node.Properties) > 0 {
			inner := owed
			if !required {
				inner = nameOf(at)
			}
			out = append(out, r.read(p.Node, at, inner, depth+1)...)
			continue
		}
		t := r.target(p.Node, at)
		t.required = required && owed == ""
		if required {
			t.owed = owed
		}
		t.when, t.needs = whenRequired(n, p.Name)
		if isObjects(p.Node) {
			elements := &sinkReader{lex: r.lex, system: r.system, inside: r.inside}
			t.elements = elements.read(p.Node.Items, nil, "", depth+1)
			r.count += elements.count
		}
		out = append(out, t)
	}
	return out
}

func (r *sinkReader) target(n *schema.Node, steps []string) *target {
	t := &target{steps: steps, node: n, label: labelOf(n)}
	name := r.lex.ofName(steps[len(steps)-1])
	t.key = r.key != "" && t.text() == r.key
	t.words = words(steps[len(steps)-1])
	t.views = r.lex.viewsOf(n, name)
	t.vectors = r.lex.vectors(t.views)
	t.class = classOf(t.views[0].with(name, 0.4), n)
	t.systems = r.lex.systemsOf(steps[len(steps)-1] + " " + n.Title + " " + n.Description)
	main, _ := lead(n.Title)
	isID := t.class == ident || t.views[0]["id"] > 0 && t.class != code
	t.own = isID && r.system != "" && containsWord(main, r.system)
	t.external = !t.key && isID && (t.views[0]["external"] > 0 || name["external"] > 0)
	return t
}

// containsWord tells whether a text has a word, in letters of any size.
func containsWord(text, word string) bool {
	return strings.Contains(" "+strings.ToLower(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return !isWord(r) }), " "))+" ", " "+strings.ToLower(word)+" ")
}

// whenRequired says when an object must have a field, in words too; "" if its
// conditions do not name it.
func whenRequired(n *schema.Node, name string) (words string, needs []schema.Predicate) {
	var parts []string
	for i := range n.Conditions {
		if slices.Contains(n.Conditions[i].Required, name) {
			needs = append(needs, n.Conditions[i].If)
			parts = append(parts, n.Conditions[i].If.String())
		}
	}
	return strings.Join(parts, ", or "), needs
}
