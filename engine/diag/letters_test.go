package diag_test

import (
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

func TestOddLetter(t *testing.T) {
	for name, want := range map[string]string{
		"city":           "",
		"Коментар":       "",
		"місто_доставки": "",
		"ціna":           "the `ц` at position 1 is a Cyrillic letter: type the name with Latin ones",
		"frоm":           "the `о` at position 3 is a Cyrillic letter: type the name with Latin ones",
		"ci\u200bty":     "a zero-width space (U+200B) stands at position 3: delete it",
		"city\u00a0":     "a no-break space (U+00A0) stands at position 5: type a usual one, or delete it",
		"м\u200dісто":    "a zero-width joiner (U+200D) stands at position 2: delete it",
		"\ufeffcity":     "a byte order mark (U+FEFF) stands at position 1: delete it",
		"ci\u00adty":     "a soft hyphen (U+00AD) stands at position 3: delete it",
		"ci\u202aty":     "an invisible character (U+202A) stands at position 3: delete it",
	} {
		if got := diag.OddLetter(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got, want := diag.Foreign("місто"), "the `м` at position 1 is a Cyrillic letter: type the name with Latin ones"; got != want {
		t.Errorf("Foreign: %q", got)
	}
}

func TestDidYouMeanOddLetters(t *testing.T) {
	known := []string{"from", "to", "city", "cost", "Коментар"}
	for name, want := range map[string]string{
		"frmo":             "did you mean `from`?",
		"frоm":             "did you mean `from`? The `о` at position 3 is a Cyrillic letter: type the name with Latin ones",
		"то":               "did you mean `to`? The `т` at position 1 is a Cyrillic letter: type the name with Latin ones",
		"сіту":             "did you mean `city`? The `с` at position 1 is a Cyrillic letter: type the name with Latin ones",
		"cost\u200b":       "did you mean `cost`? A zero-width space (U+200B) stands at position 5: delete it",
		"Коментарь":        "did you mean `Коментар`?",
		"something_оther":  "the `о` at position 11 is a Cyrillic letter: type the name with Latin ones",
		"something_other":  "",
		"примітка_покупця": "",
	} {
		if got := diag.DidYouMean(name, known); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got, want := diag.DidYouMean("cod", []string{"cоd"}), "did you mean `cоd`? There the `о` at position 2 is a Cyrillic letter: type the name with Latin ones"; got != want {
		t.Errorf("a known name with an odd letter: %q", got)
	}
}
