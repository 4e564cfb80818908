package mapping

import "maps"

// Coverage collects which points of a mapping events have reached: each field's rule
// (it gave a value), both ways of each when and where, each entry of choose, each
// row of the tables, in files too, each default, and in expressions each side of a
// choice and what stands behind ??, and and or. It is not safe for concurrent use.
type Coverage struct {
	sites   *sites
	reached map[pointKey]bool
}

// Point is a point of a mapping that no event has reached.
type Point struct {
	// What names it in words, as in "`city`" or "row `9` of table `delivery`".
	What  string
	Place Place
	// Table is the table of a row, in a file or in the mapping; "" for other points
	// and for a table without a name.
	Table string
}

// Coverage returns a Coverage that nothing has reached.
func (p *Program) Coverage() *Coverage {
	return &Coverage{sites: p.sites(), reached: map[pointKey]bool{}}
}

// Add counts what an event reached. x is of the same Program.
func (c *Coverage) Add(x *Explanation) { maps.Copy(c.reached, x.reached) }

// Count returns how many points have been reached, and how many there are.
func (c *Coverage) Count() (reached, all int) {
	for _, p := range c.sites.points {
		if c.reached[p.key] {
			reached++
		}
	}
	return reached, len(c.sites.points)
}

// Missed returns the points that have not been reached, in the order of the file.
func (c *Coverage) Missed() []Point {
	var out []Point
	for _, p := range c.sites.points {
		if !c.reached[p.key] {
			missed := Point{What: p.what, Place: c.sites.place(p.at)}
			if t := p.table; t != nil {
				missed.Table = t.name
				if t.doc != nil {
					missed.Place = (&sites{doc: t.doc}).place(p.at)
				}
			}
			out = append(out, missed)
		}
	}
	return out
}
