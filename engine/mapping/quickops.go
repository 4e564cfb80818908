package mapping

import (
	"regexp"
	"strings"
)

// quickEqual is the quick way to a == b, or to a != b.
func quickEqual(a, b operand, negated bool) quick {
	var same func(*frame) (bool, state)
	switch {
	case a.isNil() || b.isNil():
		other := a.quick
		if a.isNil() {
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
		same = func(f *frame) (bool, state) {
			x, s := a.quick.whole(f)
			if s == unsure {
				return false, unsure
			}
			y, t := b.quick.whole(f)
			return s == t && x == y, sure(t)
		}
	case a.quick.truth != nil && b.quick.truth != nil:
		same = func(f *frame) (bool, state) {
			x, s := a.quick.truth(f)
			if s == unsure {
				return false, unsure
			}
			y, t := b.quick.truth(f)
			return s == t && x == y, sure(t)
		}
	default:
		return quick{}
	}
	if !negated {
		return quick{truth: same}
	}
	return quick{truth: func(f *frame) (bool, state) {
		v, s := same(f)
		return !v, s
	}}
}

// sure is the state of a comparison with an operand of the state s.
func sure(s state) state {
	if s == unsure {
		return unsure
	}
	return there
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

func quickNot(o operand) quick {
	if o.quick.truth == nil {
		return quick{}
	}
	return quick{truth: func(f *frame) (bool, state) {
		v, s := o.quick.truth(f)
		if s != there {
			return false, unsure
		}
		return !v, there
	}}
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
	case len(list) > 0 && len(texts) == len(list) && a.quick.text != nil:
		return quick{truth: func(f *frame) (bool, state) {
			x, s := a.quick.text(f)
			if s != there || !f.run.spend(size) {
				return false, nowhere(s)
			}
			for _, v := range texts {
				if v == x {
					return true, there
				}
			}
			return false, there
		}}
	case len(list) > 0 && len(wholes) == len(list) && a.quick.whole != nil:
		return quick{truth: func(f *frame) (bool, state) {
			x, s := a.quick.whole(f)
			if s != there || !f.run.spend(size) {
				return false, nowhere(s)
			}
			for _, v := range wholes {
				if v == x {
					return true, there
				}
			}
			return false, there
		}}
	}
	return quick{}
}

// nowhere is the state of a search for an operand of the state s: nil is in no list.
func nowhere(s state) state {
	if s == absent {
		return there
	}
	return unsure
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
	var q quick
	if a.quick.truth != nil && b.quick.truth != nil {
		q.truth = func(f *frame) (bool, state) {
			if v, s := a.quick.truth(f); s != absent {
				return v, s
			}
			return b.quick.truth(f)
		}
	}
	if a.quick.text != nil && b.quick.text != nil {
		q.text = func(f *frame) (string, state) {
			if v, s := a.quick.text(f); s != absent {
				return v, s
			}
			return b.quick.text(f)
		}
	}
	if a.quick.whole != nil && b.quick.whole != nil {
		q.whole = func(f *frame) (int, state) {
			if v, s := a.quick.whole(f); s != absent {
				return v, s
			}
			return b.quick.whole(f)
		}
	}
	return q
}

// quickChoice is the quick way to the side of a choice that is taken. The other may
// have none.
func quickChoice(cond, a, b operand) quick {
	var q quick
	if cond.quick.truth == nil {
		return q
	}
	if x, y := a.quick.truth, b.quick.truth; x != nil || y != nil {
		q.truth = func(f *frame) (bool, state) {
			v, s := cond.quick.truth(f)
			switch {
			case s != there || v && x == nil || !v && y == nil:
				return false, unsure
			case v:
				return x(f)
			}
			return y(f)
		}
	}
	if x, y := a.quick.text, b.quick.text; x != nil || y != nil {
		q.text = func(f *frame) (string, state) {
			v, s := cond.quick.truth(f)
			switch {
			case s != there || v && x == nil || !v && y == nil:
				return "", unsure
			case v:
				return x(f)
			}
			return y(f)
		}
	}
	if x, y := a.quick.whole, b.quick.whole; x != nil || y != nil {
		q.whole = func(f *frame) (int, state) {
			v, s := cond.quick.truth(f)
			switch {
			case s != there || v && x == nil || !v && y == nil:
				return 0, unsure
			case v:
				return x(f)
			}
			return y(f)
		}
	}
	return q
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
