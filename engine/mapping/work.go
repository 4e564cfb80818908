package mapping

// An event costs work in proportion to what its rules go through: an operation is
// one unit, an element of a list that is made some more. A short mapping can ask for
// any number of them (an each in an each in an each), so there is an end.
const (
	// maxWork takes a second or two, and lists of some hundred megabytes.
	maxWork = 8 << 20
	// perElement is what an element of a list costs that an expression makes or goes
	// over, and one of an each.
	perElement = 4
	// maxRecord is about how large a record for the sink can be in bytes.
	maxRecord = 32 << 20
)

// spend notes work that is done, and reports whether more is allowed.
func (r *run) spend(units int) bool {
	r.work += units
	return r.work <= maxWork
}

// sizeOf is the work of going through a value once.
func sizeOf(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) >> 2
	case raw:
		return len(v.json) >> 3
	case []any:
		return len(v) * perElement
	case map[string]any:
		return len(v) * perElement
	}
	return 0
}

// exhausted is the failure of a rule that would go on for too long.
func exhausted(at span) *failure {
	return &failure{
		at: at, rule: "CW307", message: "this goes through too many elements for one event",
		hint: "lists inside lists multiply; filter them first, or name with `let` what is computed again and again",
	}
}

func tooLarge(at span, field string) *failure {
	return &failure{at: at, rule: "CW307", field: field, message: "the record becomes larger than 32 MiB"}
}

// comparison counts what a comparison of two values may still go through.
type comparison struct{ left int }

// maxComparison bounds the parts of two values that are compared; lists that an
// expression puts into each other again and again have any number.
const maxComparison = 4 << 20

func (c *comparison) step(units int) bool {
	c.left -= units
	return c.left > 0
}
