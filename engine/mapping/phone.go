package mapping

// ukrainianDigits returns what phone(s, "UA") gives for the ways a Ukrainian number
// is mostly written: +380 67 123-45-67, 380671234567, (067) 123-45-67. ok is false
// for everything else, which is the library's. A national number has nine digits
// after the trunk prefix 0 (ITU-T E.164 assignment 380).
func ukrainianDigits(s string) (string, bool) {
	d, ok := appendUkrainian(nil, s)
	return string(d), ok
}

// appendUkrainian appends them; dst is unchanged if ok is false.
func appendUkrainian(dst []byte, s string) (out []byte, ok bool) {
	var buf [12]byte
	d := append(buf[:0], "38"...)
	plus := len(s) > 0 && s[0] == '+'
	if plus {
		s = s[1:]
	}
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			switch {
			case n == 0 && c == '3':
				d = d[:0] // with the country's code
			case n == 0 && (c != '0' || plus), len(d) == cap(d):
				return dst, false
			}
			d = append(d, c)
			n++
		case c != ' ' && c != '-' && c != '(' && c != ')':
			return dst, false
		}
	}
	if len(d) != 12 || string(d[:3]) != "380" || d[3] == '0' {
		return dst, false
	}
	return append(dst, d...), true
}
