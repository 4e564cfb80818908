package mapping

import (
	"testing"

	"github.com/cockroachdb/apd/v3"
)

// FuzzShortDecimal holds the short ways of reading and rounding fractions against
// the library's.
func FuzzShortDecimal(f *testing.F) {
	for _, s := range []string{"1199.50", "-0.5", "0.49", "0.5", "1.005", "-1.5", "999999999999999.999", "0.0", "-0.0", "1.", ".5", "01.5", "1.2.3", "-", "-.5", "2.5", "99.99999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := shortDecimal(s)
		if !ok {
			return
		}
		if !isJSONNumber(s) {
			t.Fatalf("%q is read, and is no JSON number", s)
		}
		var want apd.Decimal
		if _, _, err := want.SetString(s); err != nil || want.Cmp(&d.d) != 0 || want.Exponent != d.d.Exponent || want.Negative != d.d.Negative {
			t.Fatalf("%q is read as %s, %v", s, &d.d, err)
		}
		if n, ok := roundShort(&d.d); ok {
			c := context()
			c.Rounding = apd.RoundHalfUp
			var out apd.Decimal
			if _, err := c.Quantize(&out, &want, 0); err != nil || normal(&out) != any(n) {
				t.Fatalf("%q rounds to %d, and not to %s (%v)", s, n, &out, err)
			}
		}
	})
}
