package exhaust

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

const (
	// maxLengths is how many lengths of texts are tried that a sink does not take,
	// maxLength the longest of them in characters.
	maxLengths = 8
	maxLength  = 70_000
	// everywhere is the longest text that is tried in every kind of record; longer
	// ones only in the usual record and in the bare one.
	everywhere = 1100
	// usualLength is a long text where neither schema says what is long.
	usualLength = 300
	// maxNodes bounds how much of a sink's schema is looked at.
	maxNodes = 2000
)

// limits are what the schemas of a sink's records and of lookups' arguments refuse by a
// value's size or form.
type limits struct {
	lengths  []int    // one more character than some text may have
	shortest []int    // one character less than some text must have
	texts    []string // that match a pattern or stand in a list, as JSON
	numbers  []string // a little beyond a bound
}

// limitsOf goes through the schemas of what takes values.
func limitsOf(taking []*schema.Schema) limits {
	var l limits
	seen := map[*schema.Node]bool{}
	var walk func(n *schema.Node)
	walk = func(n *schema.Node) {
		if n == nil || seen[n] || len(seen) >= maxNodes {
			return
		}
		seen[n] = true
		if n.MaxLength > 0 && n.MaxLength < maxLength {
			l.lengths = append(l.lengths, n.MaxLength+1)
		}
		if n.MinLength > 1 && n.MinLength <= everywhere {
			l.shortest = append(l.shortest, n.MinLength-1)
		}
		if text, ok := matching(n.Pattern, n.MinLength); ok {
			l.texts = append(l.texts, quote(text))
		}
		if len(n.Choices) > 0 && textOf(n.Choices[0].JSON) != "" {
			l.texts = append(l.texts, n.Choices[0].JSON)
		}
		l.numbers = append(l.numbers, beyondBounds(n)...)
		for _, p := range n.Properties {
			walk(p.Node)
		}
		walk(n.Items)
		walk(n.Additional)
	}
	for _, s := range taking {
		if s != nil {
			walk(s.Root())
		}
	}
	l.lengths, l.shortest = few(l.lengths), few(l.shortest)
	l.texts, l.numbers = few(l.texts), few(l.numbers)
	return l
}

// few sorts, and leaves out of many those in the middle.
func few[T int | string](list []T) []T {
	slices.Sort(list)
	list = slices.Compact(list)
	if n := len(list); n > maxLengths {
		list = slices.Concat(list[:maxLengths/2], list[n-maxLengths/2:])
	}
	return list
}

// freeTexts are texts that a person may write into a field that takes any: two
// words, a number, a long one. The first is usual.
func (p *place) freeTexts(l limits) []option {
	first := `"x"`
	if p.node != nil {
		if text, ok := matching(p.node.Pattern, p.node.MinLength); ok {
			first = quote(text)
		} else if p.node.MinLength > 1 && p.node.MinLength <= everywhere {
			first = quote(strings.Repeat("x", p.node.MinLength))
		}
	}
	out := []option{{json: first}, {json: `"Їжа й одяг"`, rare: true}, {json: `"12"`, rare: true}}
	for _, n := range l.shortest {
		out = append(out, option{json: quote(strings.Repeat("x", n)), rare: true})
	}
	lengths := l.lengths
	if len(lengths) == 0 {
		lengths = []int{usualLength}
	}
	for _, n := range lengths {
		if p.node != nil && p.node.MaxLength > 0 {
			n = min(n, p.node.MaxLength)
		}
		if n > 1 {
			out = append(out, option{json: quote(strings.Repeat("x", n)), rare: true, long: n > everywhere})
		}
	}
	return out
}

// readable are texts to try instead of a usual one where that cannot be read.
func readable(l limits) []string {
	return append([]string{`"1"`, `"2024-01-02 03:04:05"`, `"2024-01-02T03:04:05Z"`, `"2024-01-02"`, `"02.01.2024"`, `"[]"`, `"{}"`}, l.texts...)
}

// ofFormat is a text of a format that a schema names, beside those of dates; "" for any
// other.
func ofFormat(format string) string {
	switch format {
	case "email":
		return `"a@example.com"`
	case "uri":
		return `"https://example.com/"`
	case "uuid":
		return `"8d5a980d-391c-11dd-90d9-001a92567626"`
	}
	return ""
}

// matching makes a short text of at least so many characters that a pattern
// matches; false if there is no pattern, or none is found.
func matching(pattern string, atLeast int) (string, bool) {
	if pattern == "" || len(pattern) > 1000 || atLeast > everywhere {
		return "", false
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return "", false
	}
	for more := range atLeast + 2 {
		var b strings.Builder
		writeMatch(&b, tree, more)
		if s := b.String(); utf8.RuneCountInString(s) >= atLeast && compiled.MatchString(s) {
			return s, true
		}
	}
	return "", false
}

// writeMatch writes a text that a part of a pattern matches, with so many more than
// the fewest repetitions. Anchors and boundaries are left to luck.
func writeMatch(b *strings.Builder, re *syntax.Regexp, more int) {
	repeat := func(least, most int) {
		n := least + more
		if most >= 0 {
			n = min(n, most)
		}
		for i := 0; i < n && b.Len() < maxLength; i++ {
			writeMatch(b, re.Sub[0], more)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(ofClass(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpStar:
		repeat(0, -1)
	case syntax.OpPlus:
		repeat(1, -1)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		repeat(re.Min, re.Max)
	case syntax.OpAlternate:
		writeMatch(b, re.Sub[0], more)
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			writeMatch(b, sub, more)
		}
	default: // anchors, boundaries, and what matches nothing
	}
}

// ofClass picks a character of a class, an ordinary one if there is any.
func ofClass(ranges []rune) rune {
	for _, usual := range "x1aAїЇ0_- " {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= usual && usual <= ranges[i+1] {
				return usual
			}
		}
	}
	if len(ranges) == 0 {
		return 'x'
	}
	return ranges[0]
}
