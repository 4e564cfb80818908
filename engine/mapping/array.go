package mapping

// eachRule makes an array from an array.
type eachRule struct {
	origin
	list   rule
	scope  *scope
	where  rule
	values []rule // one or several for each element
	// single tells that there is one, which is an element also where it is an array.
	single bool
	source string // path of the list in the record, for indexes
}

func (e *eachRule) value(f *frame) (any, error) { return written(e, f) }

func (e *eachRule) write(f *frame, dst []byte) ([]byte, bool, error) {
	start := len(dst)
	r := f.run
	r.to = append(r.to, 0)
	defer func() { r.to = r.to[:len(r.to)-1] }()
	out, ok, err := e.spread(f, append(dst, '['))
	if err != nil || !ok {
		return out[:start], false, err
	}
	return append(out, ']'), true, nil
}

// spread appends the elements without brackets; the last index of run.to counts them.
func (e *eachRule) spread(f *frame, dst []byte) ([]byte, bool, error) {
	b, err := e.input(f)
	if err != nil || len(b) == 0 {
		return dst, false, err
	}
	r := f.run
	if b[0] != '[' {
		return dst, false, &failure{
			at: e.at, rule: "CW306", field: e.field, path: r.sourcePath(e.source),
			message: "`each` needs an array, and this event gives " + shorten(string(b)),
		}
	}
	index := 0
	r.from = append(r.from, 0)
	defer func() { r.from = r.from[:len(r.from)-1] }()
	for i := 1; ; index++ {
		if i = nextElement(b, i); i < 0 || len(r.failures) >= maxFailures && len(r.questions) == 0 {
			return dst, true, nil
		}
		if !r.spend(perElement) {
			return dst, false, exhausted(e.at)
		}
		if len(dst) > maxRecord {
			return dst, false, tooLarge(e.at, e.field)
		}
		r.from[len(r.from)-1] = index
		var child *frame
		child, i = r.enterAt(e.scope, f, b, i)
		dst = e.element(child, dst)
		r.leave(child)
	}
}

func (e *eachRule) element(f *frame, dst []byte) []byte {
	r := f.run
	if e.where != nil {
		yes, err := condition(e.where, f, e.at)
		if err != nil {
			r.fail(err, e.field)
		}
		if !yes {
			return dst
		}
	}
	for _, v := range e.values {
		dst = writeEntry(v, f, dst, e.field, !e.single)
	}
	return dst
}

// writeEntry appends an entry of an array, with the comma before it; an each is
// spread if it may be, and what is missing is left out.
func writeEntry(v rule, f *frame, dst []byte, field string, maySpread bool) []byte {
	r := f.run
	mark, failures := len(dst), len(r.failures)
	if maySpread && spreads(v) {
		out, ok, err := spread(v, f, dst)
		if err != nil {
			r.fail(err, field)
		}
		if err != nil || !ok {
			return out[:mark]
		}
		return out
	}
	if dst[mark-1] != '[' {
		dst = append(dst, ',')
	}
	var out []byte
	var ok bool
	var err error
	if _, isObject := v.(*objectRule); r.trace == nil || isObject {
		out, ok, err = v.write(f, dst)
	} else {
		out, ok, err = r.trace.field(join(field, "#"), v, f, dst)
	}
	if err != nil {
		r.fail(err, field)
	}
	if ok || len(r.failures) > failures {
		r.to[len(r.to)-1]++
	}
	if err != nil || !ok {
		return out[:mark]
	}
	return out
}

// input returns the JSON of the array, empty if it is missing.
func (e *eachRule) input(f *frame) ([]byte, error) {
	if s, ok := e.list.(*scalarRule); ok && s.ref != nil && s.table == nil && s.fallback == nil {
		if b, ok := s.ref.bytes(f); ok {
			if isMissing(b) {
				return nil, nil
			}
			return b, nil
		}
	}
	v, err := e.list.value(f)
	if err != nil || v == nil {
		return nil, err
	}
	if r, ok := v.(raw); ok {
		return r.json, nil
	}
	return appendJSON(nil, v), nil
}

// listRule is an array written out; an each in it is spread.
type listRule struct {
	origin
	entries []rule
}

func (l *listRule) value(f *frame) (any, error) { return written(l, f) }

func (l *listRule) write(f *frame, dst []byte) ([]byte, bool, error) {
	dst = append(dst, '[')
	r := f.run
	r.to = append(r.to, 0)
	defer func() { r.to = r.to[:len(r.to)-1] }()
	for _, entry := range l.entries {
		dst = writeEntry(entry, f, dst, l.field, true)
	}
	return append(dst, ']'), true, nil
}

// spreads reports whether a list's entry is an each, also one with modifiers.
func spreads(entry rule) bool {
	switch entry := entry.(type) {
	case *eachRule:
		return true
	case *guarded:
		return spreads(entry.inner)
	case *defaulted:
		return spreads(entry.inner)
	}
	return false
}

// spread appends the elements of an array without brackets, after a comma if one is
// needed.
func spread(v rule, f *frame, dst []byte) ([]byte, bool, error) {
	switch v := v.(type) {
	case *eachRule:
		return v.spread(f, dst)
	case *guarded:
		at := &f.run.to[len(f.run.to)-1]
		before := *at
		out, ok, err := v.around(f, dst, true)
		if err != nil || !ok {
			f.run.to[len(f.run.to)-1] = before
		}
		return out, ok, err
	case *defaulted:
		return v.around(f, dst, true)
	}
	mark := len(dst)
	if dst[mark-1] != '[' {
		dst = append(dst, ',')
	}
	from := len(dst)
	out, ok, err := v.write(f, dst)
	switch {
	case err != nil || !ok || string(out[from:]) == "[]":
		return out[:mark], ok, err
	case out[from] == '[':
		copy(out[from:], out[from+1:len(out)-1])
		out = out[:len(out)-2]
	}
	return out, true, nil
}
