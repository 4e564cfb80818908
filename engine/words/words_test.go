package words

import (
	"testing"
	"time"
)

// TestPlain keeps what others wrote from steering the terminal.
func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"Кур'єр":            "Кур'єр",
		"a\nb\tc":           "a b c",
		"\x1b[2Jgone":       "\uFFFD[2Jgone",
		"\u202egnp.exe\x07": "\uFFFDgnp.exe\uFFFD",
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Cut("abcdef", 4); got != "abc…" {
		t.Errorf("cut: %s", got)
	}
}

// TestBounded cuts what is too long for a store, never a character in two.
func TestBounded(t *testing.T) {
	for most, want := range []string{"", "a", "a", "aї", "aїb", "aїb"} {
		if got := Bounded("aїb", most); got != want {
			t.Errorf("%d bytes: %q, want %q", most, got, want)
		}
	}
}

// TestCounts says how many there are, and how long ago something was.
func TestCounts(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.Local)
	for got, want := range map[string]string{
		Count(1, "order"): "1 order", Count(uint64(2), "order"): "2 orders", Count(0, "order"): "0 orders",
		EventsWait(1): "1 event waits", EventsWait(3): "3 events wait",
		Age(now.Add(time.Second), now):          "0s",
		Age(now.Add(-59*time.Second), now):      "59s",
		Age(now.Add(-61*time.Second), now):      "1m01s",
		Age(now.Add(-90*time.Minute), now):      "1h30m",
		Age(now.Add(-50*time.Hour), now):        "2d02h",
		Clock(now.In(time.FixedZone("", 7200))): "2026-11-02 12:00:00",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
