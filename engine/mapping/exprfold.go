package mapping

import (
	"errors"
	"strings"
)

// What an expression computes of constants alone is computed when it is compiled, only
// to see whether it can be: the program computes it again, as any other value.
const (
	// maxFolded is how large the arguments and the result of such a call may be, in
	// characters and elements; what is larger is not followed.
	maxFolded = 4 << 10
	// foldWork is the work that one call may take, foldings how much all those of a
	// mapping go through.
	foldWork = 1 << 15
	foldings = 1 << 18
)

// folded is the type of a call's result. Where all arguments are known the call is
// tried, and its failure reported: it fails for every event; ok is false then.
func (e *exprCompiler) folded(t typ, args []operand, fn func(*frame, []any) (any, error)) (out typ, ok bool) {
	t.sure = nil
	if len(args) == 0 || e.failed {
		return t, true
	}
	in := make([]any, len(args))
	size := maxFolded
	for i, a := range args {
		if a.bad || a.t.sure == nil || !fold(a.t.sure.value, &size) {
			return t, true
		}
		in[i] = a.t.sure.value
	}
	if e.c.foldings -= 16 + maxFolded - size; e.c.foldings < 0 {
		return t, true
	}
	v, tried, err := try(fn, in)
	size = maxFolded
	switch {
	case !tried:
	case err == nil && fold(v, &size):
		return sureOf(v), true
	case err != nil && e.dead == 0 && err.rule != "CW305": // a key without a row is reported with the table's others
		e.failed = true
		e.c.doc.errorAt("CW134", err.at, err.hint, "%s", strings.ReplaceAll(err.message, " in this event", ""))
		return t, false
	}
	return t, true
}

// try calls a function of expressions without an event; tried is false if it would take
// too long.
func try(fn func(*frame, []any) (any, error), in []any) (v any, tried bool, failed *failure) {
	f := &frame{run: &run{work: maxWork - foldWork}}
	defer func() {
		if recover() != nil { // it is reported for an event
			v, tried, failed = nil, false, nil
		}
	}()
	v, err := fn(f, in)
	if f.run.work > maxWork || err != nil && !errors.As(err, &failed) {
		return nil, false, nil
	}
	return v, true, failed
}

// fold takes a value's size from left, and reports whether there was enough.
func fold(v any, left *int) bool {
	*left--
	switch v := v.(type) {
	case string:
		*left -= len(v)
	case raw:
		*left -= len(v.json)
	case []any:
		for _, e := range v {
			if !fold(e, left) {
				return false
			}
		}
	case map[string]any:
		for k, e := range v {
			if *left -= len(k); !fold(e, left) {
				return false
			}
		}
	}
	return *left >= 0
}

// unless compiles something that is never evaluated if never is set.
func (e *exprCompiler) unless(never bool, compile func() operand) operand {
	if never {
		e.dead++
		defer func() { e.dead-- }()
	}
	return compile()
}

// surely tells what a condition is for every event.
func (o operand) surely(is bool) bool {
	return !o.bad && o.t.sure != nil && o.t.sure.value == is
}

// noResult reports an operator that has no result whatever stands on its left.
func (e *exprCompiler) noResult(op string, b operand) bool {
	if e.failed || e.dead > 0 || b.bad || b.t.sure == nil || kindOf(b.t.sure.value)&anyNumber == 0 {
		return false
	}
	_, err := arithmetic(op, 1, b.t.sure.value)
	if err != errDivision && err != errPower { //nolint:errorlint // made by our own arithmetic, never wrapped
		return false
	}
	e.report("CW134", b.from, b.to, "", "%s", err.Error())
	return true
}
