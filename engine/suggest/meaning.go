package suggest

import (
	"maps"
	"slices"
	"strings"
)

// meaning says how much a field speaks of each concept, from 0 to 1. A word that
// is in no dictionary stands for itself, behind a ?.
type meaning map[concept]float64

// unknownWeight is the weight of a word that is in no dictionary.
const unknownWeight = 1

// aside is how much that counts that a label says in brackets, or of where and
// what for: "price (with VAT)", "quantity in the order".
const aside = 0.35

// maxWords is how many words of a text are read.
const maxWords = 40

// asides begin what a label says of where and what for.
var asides = wordSet("in for with without considering excluding including у в во на для при за від до по з із с от к из після після")

func (m meaning) note(c concept, share float64) {
	if share > m[c] {
		m[c] = share
	}
}

// with gives the meaning together with share of another.
func (m meaning) with(o meaning, share float64) meaning {
	out := make(meaning, len(m)+len(o))
	maps.Copy(out, m)
	for c, v := range o {
		out.note(c, v*share)
	}
	return out
}

// keys gives the concepts in a fixed order.
func (m meaning) keys() []concept { return slices.Sorted(maps.Keys(m)) }

// lead gives the part of a label that names the thing, and the rest: what stands
// in brackets, behind a colon, or in later sentences.
func lead(label string) (main, rest string) {
	label = strings.TrimSpace(label)
	var a, b strings.Builder
	depth := 0
	for i, r := range label {
		switch {
		case r == '(' || r == '[':
			depth++
			b.WriteRune(' ')
		case r == ')' || r == ']':
			depth = max(0, depth-1)
			a.WriteRune(' ')
		case depth > 0:
			b.WriteRune(r)
		case (r == ':' || r == ';' || r == '.' && (i+1 == len(label) || label[i+1] == ' ')) && a.Len() > 0:
			return a.String(), b.String() + " " + label[i+1:]
		default:
			a.WriteRune(r)
		}
	}
	if strings.TrimSpace(a.String()) == "" {
		return b.String(), ""
	}
	return a.String(), b.String()
}

// variants splits what a label offers as the one or the other.
func variants(main string) []string {
	out := []string{main}
	for _, or := range []string{" або ", " или ", " or ", "/"} {
		var split []string
		for _, v := range out {
			split = append(split, strings.Split(v, or)...)
		}
		out = split
	}
	return out
}

// ofName gives the meaning of a field's name.
func (l *lexicon) ofName(name string) meaning {
	m := meaning{}
	l.read(m, words(name), 1, false)
	return m
}

// ofLabel gives what a label may mean: one meaning for each of its variants.
func (l *lexicon) ofLabel(label string) []meaning {
	main, rest := lead(label)
	var out []meaning
	for _, v := range variants(main) {
		m := meaning{}
		l.read(m, words(v), 1, true)
		if len(m) == 0 {
			continue
		}
		l.read(m, words(rest), aside, false)
		out = append(out, m)
	}
	return out
}

// read notes the concepts of words. With prose, what stands behind the first word
// of asides counts less.
func (l *lexicon) read(m meaning, list []string, share float64, prose bool) {
	list = list[:min(len(list), maxWords)]
	for i := 0; i < len(list); {
		w := list[i]
		if prose && len(m) > 0 && asides[w] {
			if c, n := l.at(list[i:]); n > 1 { // "по батькові"
				m.note(c, share)
				i += n
				continue
			}
			share = min(share, aside)
			i++
			continue
		}
		if c, n := l.at(list[i:]); n > 0 {
			m.note(c, share)
			i += n
			continue
		}
		i++
		if idle[w] || len(w) == 1 && w != "%" {
			continue
		}
		if c := l.of(w); c != "" {
			m.note(c, share)
		} else if share > aside {
			m.note(concept("?"+w), share*0.6)
		}
	}
}

// weigh gives how much a concept tells.
func (l *lexicon) weigh(c concept) float64 {
	if w, ok := l.weight[c]; ok {
		return w
	}
	return unknownWeight
}

// term is a concept of a vector: how much is said of it, and how much it tells.
type term struct {
	concept       concept
	share, weight float64
	unknown       bool
	// sound is how an unknown word sounds.
	sound []rune
}

// vector is a meaning made ready for many comparisons: its concepts in order.
type vector []term

func (l *lexicon) vector(m meaning) vector {
	out := make(vector, 0, len(m))
	for _, c := range m.keys() {
		t := term{concept: c, share: m[c], weight: l.weigh(c)}
		if word, unknown := strings.CutPrefix(string(c), "?"); unknown {
			t.unknown, t.sound = true, []rune(sound(word))
		}
		out = append(out, t)
	}
	return out
}

func (l *lexicon) vectors(all []meaning) []vector {
	out := make([]vector, len(all))
	for i, m := range all {
		out[i] = l.vector(m)
	}
	return out
}

// overlap says how much two meanings have in common, from 0 to 1. surround is what
// is said of the things that the second is part of: it may supply what the first
// asks for, and what the second repeats of it counts little.
func overlap(a, b, surround vector) float64 {
	var both, all, heavyA, heldA, heavyB, heldB float64
	count := func(t term, x, y float64) {
		held := min(x, y)
		if t.unknown && y == 0 {
			held = x * closest(t.sound, b)
		}
		both += 2 * t.weight * held
		all += t.weight * (x + y)
		if t.weight >= heavy {
			heavyA, heldA = heavyA+t.weight*x, heldA+t.weight*held
			heavyB, heldB = heavyB+t.weight*y, heldB+t.weight*held
		}
	}
	k := 0
	around := func(c concept) float64 {
		for k < len(surround) && surround[k].concept < c {
			k++
		}
		if k < len(surround) && surround[k].concept == c {
			return surround[k].share
		}
		return 0
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case j == len(b) || i < len(a) && a[i].concept < b[j].concept:
			count(a[i], a[i].share, min(a[i].share, 0.8*around(a[i].concept)))
			i++
		case i == len(a) || b[j].concept < a[i].concept:
			share := b[j].share
			if around(b[j].concept) > 0 {
				share *= aside
			}
			count(term{weight: b[j].weight}, 0, share)
			j++
		default:
			count(a[i], a[i].share, max(b[j].share, min(a[i].share, 0.8*around(a[i].concept))))
			i, j = i+1, j+1
		}
	}
	if all == 0 {
		return 0
	}
	score := min(1, both/all)
	if heavyA > 0 {
		score *= 0.4 + 0.6*min(1, heldA/heavyA)
	}
	if heavyB > 0 {
		score *= 0.6 + 0.4*min(1, heldB/heavyB)
	}
	return score
}

// closest says how similar the most similar unknown word of v is, if it is similar.
func closest(sound []rune, v vector) float64 {
	best := 0.0
	for _, t := range v {
		if t.unknown {
			best = max(best, alikeSounds(sound, t.sound))
		}
	}
	if best < 0.6 {
		return 0
	}
	return best
}
