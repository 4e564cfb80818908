package mapping

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// A number is an int where it is whole, fits and was written plainly, and else a
// decimal. Arithmetic is decimal, so 0.1 + 0.2 is 0.3, with 34 digits; a whole
// result that fits becomes an int again.

// maxExponent bounds powers of ten, so that no sum has to write a million zeros.
const maxExponent = 400

// precision is how many digits a result can have.
const precision = 34

// decimal holds a pointer and is none: expr's machine follows pointers that it sees.
type decimal struct{ *number }

type number struct {
	d apd.Decimal
	// text is the number as it was written, kept digit for digit; "" if it was computed.
	text string
}

func (d decimal) String() string {
	if d.text != "" {
		return d.text
	}
	if e := d.d.Exponent; e > 30 || e < -60 {
		return d.d.Text('E')
	}
	return d.d.Text('f')
}

func context() *apd.Context {
	c := apd.BaseContext.WithPrecision(precision)
	c.MaxExponent, c.MinExponent = maxExponent, -maxExponent
	c.Traps = 0
	c.Rounding = apd.RoundHalfUp // away from zero
	return c
}

// isJSONNumber reports whether s follows JSON's grammar of numbers.
func isJSONNumber(s string) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if strings.HasPrefix(s, "-") {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return false
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}

// parseNumber reads a JSON number; ok is false if it is none or has an exponent
// beyond maxExponent.
func parseNumber(s string) (n any, ok bool) {
	if len(s) < 19 {
		if n, ok := parseInt(s); ok {
			return n, true
		}
	}
	if d, ok := shortDecimal(s); ok {
		return d, true
	}
	if len(s) > 1000 || !isJSONNumber(s) {
		return nil, false
	}
	if len(s) < 21 && !strings.ContainsAny(s, ".eE") && s != "-0" {
		if n, err := strconv.Atoi(s); err == nil {
			return n, true
		}
	}
	d := decimal{&number{text: s}}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if e, err := strconv.Atoi(s[i+1:]); err != nil || e > maxExponent || e < -maxExponent {
			return nil, false
		}
	}
	if _, _, err := d.d.SetString(s); err != nil {
		return nil, false
	}
	return d, true
}

func parseInt(s string) (int, bool) {
	i, neg := 0, false
	if s != "" && s[0] == '-' {
		i, neg = 1, true
	}
	if i == len(s) || s[i] == '0' && (len(s) > i+1 || neg) {
		return 0, false
	}
	n := 0
	for ; i < len(s); i++ {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// asDecimal returns a number's decimal, which must not be changed.
func asDecimal(v any) (*apd.Decimal, bool) {
	switch v := v.(type) {
	case int:
		return apd.New(int64(v), 0), true
	case decimal:
		return &v.d, true
	}
	return nil, false
}

// normal returns a computed decimal in its shortest form, an int if it is one.
func normal(d *apd.Decimal) any {
	var r apd.Decimal
	r.Reduce(d)
	if r.IsZero() {
		return 0
	}
	if r.Exponent >= 0 && r.Exponent < 19 {
		if n, err := r.Int64(); err == nil {
			return int(n)
		}
	}
	return decimal{&number{d: r}}
}

// arithmeticError is a result that does not exist or does not fit.
type arithmeticError string

func (e arithmeticError) Error() string { return string(e) }

const (
	errDivision arithmeticError = "division by zero"
	errOverflow arithmeticError = "the result does not fit: whole numbers go up to 2^63-1, others have 34 digits"
	errPower    arithmeticError = "the exponent must be a whole number from 0 to 1000"
)

// arithmetic computes a op b for + - * / % **.
func arithmetic(op string, a, b any) (any, error) {
	x, xInt := a.(int)
	y, yInt := b.(int)
	if xInt && yInt {
		if n, ok, err := integers(op, x, y); ok || err != nil {
			return n, err
		}
	}
	p, _ := asDecimal(a)
	q, _ := asDecimal(b)
	var r apd.Decimal
	c := context()
	var cond apd.Condition
	switch op {
	case "+":
		cond, _ = c.Add(&r, p, q)
	case "-":
		cond, _ = c.Sub(&r, p, q)
	case "*":
		cond, _ = c.Mul(&r, p, q)
	case "/":
		if q.IsZero() {
			return nil, errDivision
		}
		cond, _ = c.Quo(&r, p, q)
		cond &^= apd.Inexact
	case "%":
		if q.IsZero() {
			return nil, errDivision
		}
		cond, _ = c.Rem(&r, p, q)
	default:
		n, err := power(p, q)
		if err != nil {
			return nil, err
		}
		return n, nil
	}
	if cond&(apd.Overflow|apd.InvalidOperation|apd.Inexact|apd.Underflow|apd.SystemOverflow|apd.DivisionImpossible) != 0 {
		return nil, errOverflow
	}
	if xInt && yInt && r.Exponent >= 0 && op != "/" {
		return nil, errOverflow
	}
	return normal(&r), nil
}

// integers computes with whole numbers; ok is false where a decimal is needed.
func integers(op string, x, y int) (n int, ok bool, err error) {
	switch op {
	case "+":
		n = x + y
		if (n > x) != (y > 0) && y != 0 {
			return 0, false, errOverflow
		}
	case "-":
		n = x - y
		if (n < x) != (y > 0) && y != 0 {
			return 0, false, errOverflow
		}
	case "*":
		hi, lo := bits.Mul64(magnitude(x), magnitude(y))
		neg := (x < 0) != (y < 0)
		switch {
		case hi != 0 || lo > 1<<63 || lo == 1<<63 && !neg:
			return 0, false, errOverflow
		case neg:
			n = int(-lo) //nolint:gosec // lo is at most 2^63
		default:
			n = int(lo) //nolint:gosec // lo is less than 2^63
		}
	case "/":
		if y == 0 {
			return 0, false, errDivision
		}
		if y == -1 && x == math.MinInt {
			return 0, false, errOverflow
		}
		if x%y != 0 {
			return 0, false, nil
		}
		n = x / y
	case "%":
		if y == 0 {
			return 0, false, errDivision
		}
		if y != -1 {
			n = x % y
		}
	default:
		return 0, false, nil
	}
	return n, true, nil
}

func magnitude(n int) uint64 {
	if n < 0 {
		return -uint64(n) //nolint:gosec // two's complement: exact also for the smallest
	}
	return uint64(n)
}

func power(p, q *apd.Decimal) (any, error) {
	var e apd.Decimal
	e.Reduce(q)
	n, err := e.Int64()
	if err != nil || n < 0 || n > 1000 {
		return nil, errPower
	}
	result := any(1)
	base := normal(p)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			if result, err = arithmetic("*", result, base); err != nil {
				return nil, err
			}
		}
		if n > 1 {
			if base, err = arithmetic("*", base, base); err != nil {
				return nil, err
			}
		}
	}
	return result, nil
}

// negate returns -v.
func negate(v any) (any, error) { return arithmetic("-", 0, v) }

// compareNumbers returns -1, 0 or 1.
func compareNumbers(a, b any) int {
	if x, ok := a.(int); ok {
		if y, ok := b.(int); ok {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	}
	p, _ := asDecimal(a)
	q, _ := asDecimal(b)
	return p.Cmp(q)
}

// rounding is a way to round to a number of places.
type rounding struct {
	mode   apd.Rounder
	places int
	// keep keeps the places as zeros: 5.00 for money.
	keep bool
}

// round rounds v.
func round(v any, r rounding) (any, error) {
	if _, ok := v.(int); ok && r.places >= 0 && !r.keep {
		return v, nil
	}
	p, _ := asDecimal(v)
	if r.places == 0 && !r.keep && r.mode == apd.RoundHalfUp {
		if n, ok := roundShort(p); ok {
			return n, nil
		}
	}
	c := context()
	c.Precision = 2 * maxExponent
	c.Rounding = r.mode
	var out apd.Decimal
	cond, _ := c.Quantize(&out, p, int32(-r.places)) //nolint:gosec // places are checked by the caller
	if cond&(apd.InvalidOperation|apd.Overflow) != 0 {
		return nil, errOverflow
	}
	if r.keep {
		if out.IsZero() {
			out.Negative = false
		}
		return decimal{&number{d: out, text: out.Text('f')}}, nil
	}
	return normal(&out), nil
}

// wholeText returns a number's digits if it is whole: "3" for 3.0, "1000" for 1e3.
func wholeText(s string) (string, bool) {
	if i := strings.IndexAny(s, ".eE"); i < 0 {
		return s, true
	}
	n, ok := parseNumber(s)
	if !ok {
		return "", false
	}
	d, ok := asDecimal(n)
	if !ok {
		return "", false
	}
	var r apd.Decimal
	r.Reduce(d)
	if r.Exponent < 0 || r.Exponent > 40 {
		return "", false
	}
	return r.Text('f'), true
}
