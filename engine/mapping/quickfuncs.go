package mapping

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// quickFunction is the quick way to what a function gives, for those that mappings
// use most.
func (e *exprCompiler) quickFunction(name string, args []operand) quick {
	switch {
	case name == "join" && args[0].parts != nil:
		return quickJoin(args)
	case name == "coalesce":
		return quickCoalesce(args)
	case name == "round" && len(args) == 1:
		return quickRound(args[0])
	case name == "match":
		return quickMatch(args[0], e.regex(args[1]))
	case name == "phone" && args[1].value == "UA":
		return quickPhone(args[0])
	case name == "text":
		return quickText(args[0])
	}
	return quick{}
}

// quickJoin joins the texts and whole numbers of a list that is written out.
func quickJoin(args []operand) quick {
	sep := ""
	if len(args) > 1 {
		s, ok := args[1].value.(string)
		if !args[1].constant || !ok {
			return quick{}
		}
		sep = s
	}
	parts := args[0].parts
	for _, p := range parts {
		if p.quick.text == nil && p.quick.whole == nil {
			return quick{}
		}
	}
	return quick{text: func(f *frame) (string, state) {
		r := f.run
		// What the parts write themselves stands in the run's memory too, so the
		// text is put together behind all of them.
		base := len(r.joined)
		for i := range parts {
			q, known := &parts[i].quick, unsure
			if q.text != nil {
				var s string
				if s, known = q.text(f); known == there {
					r.joined = append(r.joined, s)
				}
			}
			if known == unsure && q.whole != nil {
				var n int
				if n, known = q.whole(f); known == there {
					from := r.write()
					r.texts = strconv.AppendInt(r.texts, int64(n), 10)
					r.joined = append(r.joined, r.written(from))
				}
			}
			if known == unsure {
				r.joined = r.joined[:base]
				return "", unsure
			}
		}
		from := r.write()
		for _, s := range r.joined[base:] {
			if s == "" {
				continue
			}
			if len(r.texts) > from {
				r.texts = append(r.texts, sep...)
			}
			r.texts = append(r.texts, s...)
		}
		r.joined = r.joined[:base]
		if n := len(r.texts) - from; n > maxText || !r.spend(n>>2+len(parts)*perElement) {
			return "", unsure
		}
		return r.written(from), there
	}}
}

// quickCoalesce takes the first operand that is neither missing nor empty. It reads
// all of them, as the general way does: one that cannot be read is a failure.
func quickCoalesce(args []operand) quick {
	texts, wholes := make([]way[string], len(args)), make([]way[int], len(args))
	for i, a := range args {
		texts[i], wholes[i] = a.quick.text, a.quick.whole
	}
	return quick{
		text:  first(texts, func(s string) bool { return s != "" }),
		whole: first(wholes, func(int) bool { return true }),
	}
}

// first returns the first value that counts; nil if one of the ways is.
func first[T comparable](ways []way[T], counts func(T) bool) way[T] {
	if slices.ContainsFunc(ways, func(w way[T]) bool { return w == nil }) {
		return nil
	}
	return func(f *frame) (value T, known state) {
		known = absent
		for _, w := range ways {
			switch v, s := w(f); {
			case s == unsure:
				return value, unsure
			case s == there && known == absent && counts(v):
				value, known = v, there
			}
		}
		return value, known
	}
}

// quickRound rounds a whole number, or a short fraction of the record.
func quickRound(o operand) quick {
	if o.quick.whole == nil {
		return quick{}
	}
	return quick{whole: func(f *frame) (int, state) {
		if n, s := o.quick.whole(f); s == there {
			return n, there
		}
		if o.ref == nil || o.ref.slot < 0 || o.ref.t.kinds != 0 && o.ref.t.kinds&schema.Number == 0 {
			return 0, unsure
		}
		if n, ok := roundText(f.above(o.ref.up).slot(o.ref.slot)); ok {
			return n, there
		}
		return 0, unsure
	}}
}

// roundText rounds a JSON number of at most 15 digits and no exponent, half away
// from zero.
func roundText(b []byte) (n int, ok bool) {
	i, negative, digits := 0, false, 0
	if len(b) > 0 && b[0] == '-' {
		i, negative = 1, true
	}
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		n = n*10 + int(b[i]-'0')
		digits++
	}
	if digits == 0 || len(b) > 16 {
		return 0, false
	}
	if i < len(b) {
		if b[i] != '.' || i+1 == len(b) {
			return 0, false
		}
		if b[i+1] >= '5' {
			n++
		}
		for i++; i < len(b); i++ {
			if b[i] < '0' || b[i] > '9' {
				return 0, false
			}
		}
	}
	if negative {
		n = -n
	}
	return n, true
}

// quickMatch is the quick way to match(s, regex).
func quickMatch(o operand, re *regexp.Regexp) quick {
	if o.quick.text == nil {
		return quick{}
	}
	group := min(1, re.NumSubexp())
	q := quick{text: func(f *frame) (string, state) {
		s, known := o.quick.text(f)
		if known != there {
			return "", known // nil has no match
		}
		if !f.run.spend(len(s) >> 2) {
			return "", unsure
		}
		if m, ok := firstGroup(re, s, group).(string); ok {
			return m, there
		}
		return "", absent
	}}
	if group == 0 {
		q.exists = func(f *frame) state {
			s, known := o.quick.text(f)
			switch {
			case known != there:
				return known
			case !f.run.spend(len(s) >> 2):
				return unsure
			case re.MatchString(s):
				return there
			}
			return absent
		}
	}
	return q
}

// quickPhone is the quick way to phone(s, "UA") for what is mostly written.
func quickPhone(o operand) quick {
	if o.quick.text == nil {
		return quick{}
	}
	return quick{text: func(f *frame) (string, state) {
		s, known := o.quick.text(f)
		if known != there || len(s) > 250 || !trimmed(s) {
			if known == absent {
				return "", absent
			}
			return "", unsure
		}
		from, ok := f.run.write(), false
		if f.run.texts, ok = appendUkrainian(f.run.texts, s); !ok {
			return "", unsure
		}
		return f.run.written(from), there
	}}
}

// quickText is the quick way to text(x) of a text or a whole number.
func quickText(o operand) quick {
	if o.quick.text == nil && o.quick.whole == nil {
		return quick{}
	}
	return quick{text: func(f *frame) (string, state) {
		if o.quick.text != nil {
			if s, known := o.quick.text(f); known == there {
				return s, there
			}
		}
		if o.quick.whole != nil {
			if n, known := o.quick.whole(f); known == there {
				from := f.run.write()
				f.run.texts = strconv.AppendInt(f.run.texts, int64(n), 10)
				return f.run.written(from), there
			}
		}
		return "", unsure
	}}
}
