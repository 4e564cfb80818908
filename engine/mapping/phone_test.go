package mapping

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func byLibrary(s string) string {
	n, err := phonenumbers.Parse(s, "UA")
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return ""
	}
	return strings.TrimPrefix(phonenumbers.Format(n, phonenumbers.E164), "+")
}

// TestUkrainianDigits holds the short way against the library, for every beginning
// of a number in every way of writing.
func TestUkrainianDigits(t *testing.T) {
	for _, form := range []string{"+380##1234567", "380##1234567", "0##1234567", "+38 (0##) 123-45-67", "(0##) 123 45 67", "38 0## 123-45-67", "+38-0##-123-45-67", "0##-123-45-67 "} {
		for i := range 100 {
			s := strings.Replace(form, "##", string([]byte{byte('0' + i/10), byte('0' + i%10)}), 1)
			got, ok := ukrainianDigits(s)
			if want := byLibrary(s); ok && got != want {
				t.Errorf("%q gives %q, and the library %q", s, got, want)
			}
			if !ok && i >= 10 {
				t.Errorf("%q is not taken", s)
			}
		}
	}
	for _, s := range []string{"", "+", "0", "+0671234567", "671234567", "00380671234567", "38067123456", "3806712345678", "0671234567 x5", "067/1234567", "+380067123456", "+48123456789"} {
		if got, ok := ukrainianDigits(s); ok {
			t.Errorf("%q gives %q", s, got)
		}
	}
}

// FuzzUkrainianDigits holds the short way against the library.
func FuzzUkrainianDigits(f *testing.F) {
	for _, s := range []string{"+380671234567", "0671234567", "38(067)1234567", "+ 380 - 67 1234567", "-0671234567", "((0671234567", "0671234567)-", "380  67--1234567"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := ukrainianDigits(s); ok {
			if want := byLibrary(strings.TrimSpace(s)); len(s) <= 250 && got != want {
				t.Errorf("%q gives %q, and the library %q", s, got, want)
			}
		}
	})
}
