package mapping

import (
	"regexp"
	"slices"
	"strings"
)

// quickEqual is the quick way to a == b, or to a != b.
func quickEqual(a, b operand, negated bool) quick {
	var same way[bool]
	switch {
	case a.writtenNil() || b.writtenNil():
		other := a.quick
		if a.writtenNil() {
			other = b.quick
		}
		is := other.presence()
		if is == nil {
			return quick{}
		}
		same = func(f *frame) (bool, state) {
			switch is(f) {
			case there:
				return false, there
			case absent:
				return true, there
			default:
				return false, unsure
			}
		}
	case a.quick.text != nil && b.quick.text != nil:
		same = func(f *frame) (bool, state) {
			x, s := a.quick.text(f)
			if s == unsure {
				return false, unsure
			}
			y, t := b.quick.text(f)
			if t == unsure || !f.run.spend((len(x)+len(y))>>2) {
				return false, unsure
			}
			return s == t && x == y, there
		}
	case a.quick.whole != nil && b.quick.whole != nil:
		same = equalBy(a.quick.whole, b.quick.whole)
	case a.quick.truth != nil && b.quick.truth != nil:
		same = equalBy(a.quick.truth, b.quick.truth)
	default:
		return quick{}
	}
	if !negated {
		return quick{truth: same}
	}
	return quick{truth: not(same)}
}

func equalBy[T comparable](a, b way[T]) way[bool] {
	return func(f *frame) (bool, state) {
		x, s := a(f)
		if s == unsure {
			return false, unsure
		}
		y, t := b(f)
		if t == unsure {
			return false, unsure
		}
		return s == t && x == y, there
	}
}

// quickOrder is the quick way to compare two whole numbers.
func quickOrder(op string, a, b operand) quick {
	if a.quick.whole == nil || b.quick.whole == nil {
		return quick{}
	}
	less, equal := op[0] == '<', len(op) == 2
	return quick{truth: func(f *frame) (bool, state) {
		x, s := a.quick.whole(f)
		if s != there {
			return false, unsure
		}
		y, t := b.quick.whole(f)
		if t != there {
			return false, unsure
		}
		return x < y && less || x > y && !less || x == y && equal, there
	}}
}

// quickLogic is the quick way to `a and b`, or to `a or b`.
func quickLogic(a, b operand, or bool) quick {
	if a.quick.truth == nil {
		return quick{}
	}
	return quick{truth: func(f *frame) (bool, state) {
		switch v, s := a.quick.truth(f); {
		case s != there:
			return false, unsure
		case v == or:
			return or, there
		case b.quick.truth == nil:
			return false, unsure
		}
		v, s := b.quick.truth(f)
		if s != there {
			return false, unsure
		}
		return v, there
	}}
}

// quickCondition is the quick way to an operand that has to be true or false.
func quickCondition(o operand) quick {
	if o.quick.truth == nil {
		return quick{}
	}
	return quick{truth: func(f *frame) (bool, state) {
		v, s := o.quick.truth(f)
		if s != there {
			return false, unsure
		}
		return v, there
	}}
}

// quickNot is the quick way to the opposite of a condition.
func quickNot(o operand) quick { return quick{truth: not(o.quick.truth)} }

func not(w way[bool]) way[bool] {
	if w == nil {
		return nil
	}
	return func(f *frame) (bool, state) {
		v, s := w(f)
		return !v, s
	}
}

// quickIn is the quick way to look for a value in a list of constants.
func quickIn(a operand, items any) quick {
	list, ok := items.([]any)
	if !ok {
		return quick{}
	}
	var texts []string
	var wholes []int
	size := 0
	for _, item := range list {
		switch v := item.(type) {
		case string:
			texts = append(texts, v)
			size += len(v) >> 2
		case int:
			wholes = append(wholes, v)
			size++
		}
	}
	switch {
	case len(texts) > 0 && len(texts) == len(list):
		return quick{truth: among(a.quick.text, texts, size)}
	case len(wholes) > 0 && len(wholes) == len(list):
		return quick{truth: among(a.quick.whole, wholes, size)}
	}
	return quick{}
}

// among looks for a value in a list, which costs size units of work.
func among[T comparable](a way[T], list []T, size int) way[bool] {
	if a == nil {
		return nil
	}
	return func(f *frame) (bool, state) {
		x, s := a(f)
		switch {
		case s == absent: // nil is in no list
			return false, there
		case s == unsure || !f.run.spend(size):
			return false, unsure
		}
		return slices.Contains(list, x), there
	}
}

// quickTexts is the quick way to ask something of two texts.
func quickTexts(a, b operand, test func(a, b string) bool) quick {
	if a.quick.text == nil || b.quick.text == nil {
		return quick{}
	}
	return quick{truth: func(f *frame) (bool, state) {
		x, s := a.quick.text(f)
		if s != there {
			return false, unsure
		}
		y, t := b.quick.text(f)
		if t != there || !f.run.spend(len(x)>>2) {
			return false, unsure
		}
		return test(x, y), there
	}}
}

func quickMatches(a operand, re *regexp.Regexp) quick {
	if a.quick.text == nil || re == nil {
		return quick{}
	}
	return quick{truth: func(f *frame) (bool, state) {
		x, s := a.quick.text(f)
		if s != there || !f.run.spend(len(x)>>2) {
			return false, unsure
		}
		return re.MatchString(x), there
	}}
}

// quickOtherwise is the quick way to a ?? b.
func quickOtherwise(a, b operand) quick {
	return quick{
		truth: otherwise(a.quick.truth, b.quick.truth),
		text:  otherwise(a.quick.text, b.quick.text),
		whole: otherwise(a.quick.whole, b.quick.whole),
	}
}

func otherwise[T comparable](a, b way[T]) way[T] {
	if a == nil || b == nil {
		return nil
	}
	return func(f *frame) (T, state) {
		if v, s := a(f); s != absent {
			return v, s
		}
		return b(f)
	}
}

// quickChoice is the quick way to the side of a choice that is taken. The other may
// have none.
func quickChoice(cond, a, b operand) quick {
	return quick{
		truth: choice(cond.quick.truth, a.quick.truth, b.quick.truth),
		text:  choice(cond.quick.truth, a.quick.text, b.quick.text),
		whole: choice(cond.quick.truth, a.quick.whole, b.quick.whole),
	}
}

func choice[T comparable](cond way[bool], a, b way[T]) way[T] {
	if cond == nil || a == nil && b == nil {
		return nil
	}
	return func(f *frame) (none T, _ state) {
		v, s := cond(f)
		switch {
		case s != there || v && a == nil || !v && b == nil:
			return none, unsure
		case v:
			return a(f)
		}
		return b(f)
	}
}

// quickPlus is the quick way to a + b, of two texts or two whole numbers.
func quickPlus(a, b operand) quick {
	var q quick
	if a.quick.text != nil && b.quick.text != nil {
		q.text = func(f *frame) (string, state) {
			x, s := a.quick.text(f)
			if s != there {
				return "", unsure
			}
			y, t := b.quick.text(f)
			if t != there || len(x)+len(y) > maxText || !f.run.spend((len(x)+len(y))>>2) {
				return "", unsure
			}
			from := f.run.write()
			f.run.texts = append(append(f.run.texts, x...), y...)
			return f.run.written(from), there
		}
	}
	if a.quick.whole != nil && b.quick.whole != nil {
		q.whole = func(f *frame) (int, state) {
			x, s := a.quick.whole(f)
			if s != there {
				return 0, unsure
			}
			y, t := b.quick.whole(f)
			if t != there {
				return 0, unsure
			}
			n, ok, err := integers("+", x, y)
			if !ok || err != nil {
				return 0, unsure
			}
			return n, there
		}
	}
	return q
}

// write begins a text in the memory of the run, which ends with the event; written
// returns it.
func (r *run) write() int { return len(r.texts) }

func (r *run) written(from int) string { return view(r.texts[from:len(r.texts):len(r.texts)]) }

// trimmed reports whether a text is one that strings.TrimSpace leaves alone.
func trimmed(s string) bool { return len(s) == len(strings.TrimSpace(s)) }
