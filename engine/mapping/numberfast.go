package mapping

import "github.com/cockroachdb/apd/v3"

// shortDecimal reads a fraction of at most 18 digits, such as 1199.50, without the
// library's parser; ok is false for every other text, 0.0 included.
func shortDecimal(s string) (d decimal, ok bool) {
	if len(s) > 19 {
		return decimal{}, false
	}
	var coefficient int64
	var fraction int32
	i, dot, negative := 0, false, false
	if s != "" && s[0] == '-' {
		i, negative = 1, true
	}
	if i+1 >= len(s) || s[i] == '0' && s[i+1] != '.' || s[i] == '.' {
		return decimal{}, false
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			coefficient = coefficient*10 + int64(c-'0')
			if dot {
				fraction++
			}
		case c == '.' && !dot:
			dot = true
		default:
			return decimal{}, false
		}
	}
	if fraction == 0 || coefficient == 0 {
		return decimal{}, false
	}
	if negative {
		coefficient = -coefficient
	}
	d = decimal{&number{text: s}}
	d.d.SetFinite(coefficient, -fraction)
	return d, true
}

// roundShort rounds a short fraction half away from zero to a whole number; ok is
// false if it is none.
func roundShort(d *apd.Decimal) (n int, ok bool) {
	if d.Form != apd.Finite || d.Exponent >= 0 || d.Exponent < -17 || !d.Coeff.IsInt64() {
		return 0, false
	}
	coefficient, unit := d.Coeff.Int64(), int64(1)
	for range -d.Exponent {
		unit *= 10
	}
	whole, rest := coefficient/unit, coefficient%unit
	if rest >= unit-rest {
		whole++
	}
	if d.Negative {
		whole = -whole
	}
	return int(whole), true
}
