package cli

import (
	"strings"
	"testing"
	"time"
)

// TestSetAll puts values into records, and says what cannot be.
func TestSetAll(t *testing.T) {
	const record = `{"id":12345678901234567890,"total":49.790,"delivery":{"id":2,"title":"Кур'єр <1>"},"items":[{"sku":"A"}]}`
	for set, want := range map[string]string{
		"delivery.id=1":           `{"delivery":{"id":1,"title":"Кур'єр <1>"},"id":12345678901234567890,"items":[{"sku":"A"}],"total":49.790}`,
		"items.0.sku=B-1":         `{"delivery":{"id":2,"title":"Кур'єр <1>"},"id":12345678901234567890,"items":[{"sku":"B-1"}],"total":49.790}`,
		`items.1={"sku":"C"}`:     `{"delivery":{"id":2,"title":"Кур'єр <1>"},"id":12345678901234567890,"items":[{"sku":"A"},{"sku":"C"}],"total":49.790}`,
		"a.b=null":                `{"a":{"b":null},"delivery":{"id":2,"title":"Кур'єр <1>"},"id":12345678901234567890,"items":[{"sku":"A"}],"total":49.790}`,
		"total=1.50":              `{"delivery":{"id":2,"title":"Кур'єр <1>"},"id":12345678901234567890,"items":[{"sku":"A"}],"total":1.50}`,
		"items.2.sku=B":           "!items is an array of 1: an element is named by its number, from 0 to 1",
		"items.first=B":           "!items is an array of 1",
		"total.sum=1":             "!total is a single value, and has nothing below it",
		"total":                   "!write path=value",
		"=5":                      "!write path=value",
		"delivery.title.text.x=1": "!delivery.title is a single value",
	} {
		got, err := setAll([]byte(record), []string{set})
		if problem, fails := strings.CutPrefix(want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("%s: %s %v", set, got, err)
			}
			continue
		}
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\n%s", set, err, got, want)
		}
	}
}

// TestWhen reads times as people write them.
func TestWhen(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, zone)
	for text, want := range map[string]time.Time{
		"":                          {},
		"90m":                       time.Date(2026, 11, 2, 10, 30, 0, 0, zone),
		"14d":                       time.Date(2026, 10, 19, 12, 0, 0, 0, zone),
		"2026-11-01":                time.Date(2026, 11, 1, 0, 0, 0, 0, zone),
		"2026-11-01 15:04":          time.Date(2026, 11, 1, 15, 4, 0, 0, zone),
		"2026-11-01T15:04:05Z":      time.Date(2026, 11, 1, 15, 4, 5, 0, time.UTC),
		"2026-11-01T15:04:05+02:00": time.Date(2026, 11, 1, 15, 4, 5, 0, zone),
	} {
		if got, err := when(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-2h", "d", "2026-13-01", "5"} {
		if got, err := when(text, now); err == nil {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// TestProgress draws a bar that ends full.
func TestProgress(t *testing.T) {
	began := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	p := &progress{what: "retry", total: 200, began: began}
	for done, want := range map[uint64]string{
		0:   "retry [..............................] 0 of 200",
		50:  "retry [#######.......................] 50 of 200, 30s left",
		200: "retry [##############################] 200 of 200",
	} {
		p.done = done
		if got := strings.TrimRight(p.line(began.Add(10*time.Second)), " "); got != want {
			t.Errorf("%d: %q", done, got)
		}
	}
}
