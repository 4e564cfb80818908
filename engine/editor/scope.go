package editor

import (
	"regexp"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

var (
	// plainPath is a path that can be written without quotes everywhere.
	plainPath = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_-]*(\.[\p{L}\p{N}_-]+)*$`)
	name      = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*$`)
)

const (
	// maxSteps is how many steps a suggested path has, and maxPaths how many are
	// suggested in one place.
	maxSteps = 8
	maxPaths = 2000
	// maxArrays is how many arrays have an element scope of their own in one place.
	maxArrays = 40
	// maxScopes is how deep elements are in elements, and maxAll how many scopes there
	// are in all, maxAllPaths how many paths these suggest.
	maxScopes   = 3
	maxAll      = 200
	maxAllPaths = 10_000
)

// scope is what paths mean in one place: the record's, or an element's of an each.
type scope struct {
	parent *scope
	name   string // of the element; "" for the record
	path   string // of its array
	roots  []root
	lets   []Name
	depth  int
	own    []path
	inner  []*scope
	known  bool // whether inner was worked out
	count  *counts
}

// counts are how many scopes and paths there are of one record.
type counts struct{ scopes, paths int }

// root is a schema of the record or element; label is the event's name.
type root struct {
	node  *schema.Node
	label string
}

// path is a way to a value.
type path struct {
	text string
	node *schema.Node
	// of are the events that have it, nil if all.
	of []string
}

// paths lists the paths into the record or element of this scope itself.
func (s *scope) paths() []path {
	if s.own != nil {
		return s.own
	}
	var out []path
	at := map[string]int{}
	for _, r := range s.roots {
		walk(r.node, s.name, 0, false, func(text string, n *schema.Node) bool {
			if i, ok := at[text]; ok {
				out[i].of = append(out[i].of, r.label)
				return true
			}
			at[text] = len(out)
			out = append(out, path{text: text, node: n, of: []string{r.label}})
			s.count.paths++
			return len(out) < maxPaths && s.count.paths < maxAllPaths
		})
	}
	for i := range out {
		if len(out[i].of) == len(s.roots) {
			out[i].of = nil
		}
	}
	s.own = out
	return out
}

// walk visits what is in a node, its first elements too.
func walk(n *schema.Node, at string, depth int, indexed bool, visit func(string, *schema.Node) bool) bool {
	if n == nil || depth > maxSteps {
		return true
	}
	step := func(name string, child *schema.Node) bool {
		text := strings.TrimPrefix(at+"."+name, ".")
		return !plainPath.MatchString(text) || visit(text, child) && walk(child, text, depth+1, indexed, visit)
	}
	for _, p := range n.Properties {
		if !step(p.Name, p.Node) {
			return false
		}
	}
	if n.Items != nil && at != "" && !indexed { // an index once is enough to see how it is written
		text := at + ".0"
		return visit(text, n.Items) && walk(n.Items, text, depth+1, true, visit)
	}
	return true
}

// elements gives the scopes of the eaches that can stand here: over arrays of the
// record at the top, and in an element over its own.
func (s *scope) elements(d *Draft) []*scope {
	if s.known {
		return s.inner
	}
	s.known = true
	if s.depth >= maxScopes {
		return nil
	}
	add := func(path, as string, lets []Name) {
		if len(s.inner) >= maxArrays || s.count.scopes >= maxAll || s.taken(as) || slices.ContainsFunc(s.inner, func(o *scope) bool { return o.path == path && o.name == as }) {
			return
		}
		e := &scope{parent: s, name: as, path: path, lets: lets, depth: s.depth + 1, count: s.count}
		for _, r := range s.roots {
			if n := nodeAt(r.node, path, s.name); n != nil && n.Items != nil {
				e.roots = append(e.roots, root{n.Items, r.label})
			}
		}
		if len(e.roots) > 0 {
			s.inner = append(s.inner, e)
			s.count.scopes++
		}
	}
	own := func(path string) bool {
		return s.depth == 0 || path == s.name || strings.HasPrefix(path, s.name+".")
	}
	for _, e := range d.eaches {
		if own(e.path) {
			add(e.path, e.as, e.lets)
		}
	}
	for _, p := range s.paths() {
		if p.node != nil && p.node.Items != nil && !strings.Contains(p.text, ".0") && own(p.text) {
			add(p.text, "item", nil)
		}
	}
	return s.inner
}

// taken reports whether an enclosing element has the name.
func (s *scope) taken(as string) bool {
	for at := s; at != nil; at = at.parent {
		if at.name == as {
			return true
		}
	}
	return false
}

// nodeAt follows a path that begins with the element's name, if it has one.
func nodeAt(n *schema.Node, path, element string) *schema.Node {
	steps := strings.Split(path, ".")
	if element != "" {
		steps = steps[1:]
	}
	for _, step := range steps {
		switch {
		case n == nil:
			return nil
		case n.Items != nil && strings.Trim(step, "0123456789") == "":
			n = n.Items
		default:
			n = n.Property(step)
		}
	}
	return n
}
