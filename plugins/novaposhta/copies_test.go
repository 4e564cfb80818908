package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/novaposhta/novaposhtatest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// at opens lookups on a folder at a moment, as a process that was started then.
func at(t *testing.T, url, dir string, now time.Time) *lookups {
	t.Helper()
	c, err := openCopies(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c.now = func() time.Time { return now }
	s := settings{key: novaposhtatest.DefaultKey, url: url, timeout: time.Minute, concurrency: 4}
	return &lookups{client: newClient(s, slog.New(slog.DiscardHandler)), copies: c, gazetteer: newGazetteer()}
}

// ask asks for the capital and its branch 25, and gives the classes of what failed.
func ask(t *testing.T, l *lookups) string {
	t.Helper()
	var out []string
	_, err := l.city(t.Context(), cityQuestion{Name: "Київ"})
	if err != nil {
		out = append(out, "city "+wire.AsFailure(err).Class.String())
	}
	_, err = l.branch(t.Context(), branchQuestion{City: kyivCity, Number: "25"})
	if err != nil {
		out = append(out, "branch "+wire.AsFailure(err).Class.String())
	}
	return strings.Join(out, ", ")
}

// TestCopiesAcrossRestarts: settlements are asked for again after 30 days, branches
// after one; while the vendor is away, copies serve for 90 days and for 7.
func TestCopiesAcrossRestarts(t *testing.T) {
	api := novaposhtatest.New(novaposhtatest.Options{})
	url, dir := serve(t, api), filepath.Join(t.TempDir(), "made", "for", "copies")
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	down := faults.Faults{Down: faults.DownUnavailable}
	for _, step := range []struct {
		after            time.Duration
		faults           faults.Faults
		cities, branches int // asked of the vendor so far
		fails            string
	}{
		{0, faults.Faults{}, 1, 1, ""},
		{day - time.Minute, down, 1, 1, ""}, // fresh: nobody is asked
		{day - time.Minute, faults.Faults{}, 1, 1, ""},
		{day, faults.Faults{}, 1, 2, ""},
		{8*day - time.Minute, down, 1, 2, ""}, // stale: nobody could be asked
		{8 * day, down, 1, 2, "branch RATE_LIMITED"},
		{8 * day, faults.Faults{Down: faults.DownDrop}, 1, 2, "branch TRANSIENT"},
		{30 * day, faults.Faults{}, 2, 3, ""},
		{120*day - time.Minute, faults.Faults{Down: faults.DownDrop}, 2, 3, "branch TRANSIENT"},
		{120 * day, faults.Faults{Down: faults.DownDrop}, 2, 3, "city TRANSIENT, branch TRANSIENT"},
	} {
		api.SetFaults(step.faults)
		l := at(t, url, dir, start.Add(step.after))
		got := ask(t, l)
		if n, m := api.Asked("searchSettlements"), api.Asked("getWarehouses"); n != step.cities || m != step.branches || got != step.fails {
			t.Errorf("after %s with %+v: %d and %d asked, failed %q; want %d, %d, %q", step.after, step.faults, n, m, got, step.cities, step.branches, step.fails)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("the folder holds %v, want two copies", left)
	}
}

// TestRefusedKeyIsNoOutage: an old copy would hide that the connection is broken.
func TestRefusedKeyIsNoOutage(t *testing.T) {
	api := novaposhtatest.New(novaposhtatest.Options{})
	url, dir := serve(t, api), t.TempDir()
	start := time.Now()
	ask(t, at(t, url, dir, start))
	api.SetRefusal(&novaposhtatest.Refusal{Errors: []string{"API key expired"}})
	if got := ask(t, at(t, url, dir, start.Add(40*24*time.Hour))); got != "city AUTH, branch AUTH" {
		t.Errorf("got %q", got)
	}
}

// TestDamagedCopies: whatever stands in the folder, the answer is right.
func TestDamagedCopies(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut": `{"kind":"branches","que`, "other": `[]`, "another query": `{"kind":"branches","query":"x","stored":"2026-03-01T00:00:00Z","rows":[]}`,
		"rows":   `{"kind":"branches","query":"` + kyivCity + ` 25","stored":"2026-03-01T00:00:00Z","rows":[{"ref":5}]}`,
		"future": `{"kind":"branches","query":"` + kyivCity + ` 25","stored":"2036-03-01T00:00:00Z","rows":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			api := novaposhtatest.New(novaposhtatest.Options{})
			url, dir := serve(t, api), t.TempDir()
			file := filepath.Join(dir, copyName("branches", kyivCity+" 25"))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			now := time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)
			if got := ask(t, at(t, url, dir, now)); got != "" || api.Asked("getWarehouses") != 1 {
				t.Errorf("failed %q, asked %d times", got, api.Asked("getWarehouses"))
			}
			if got := ask(t, at(t, url, dir, now)); got != "" || api.Asked("getWarehouses") != 1 {
				t.Errorf("it was not mended: failed %q, asked %d times", got, api.Asked("getWarehouses"))
			}
		})
	}
}

// TestTogether: questions that come together ask the vendor once, with and without
// a folder; what is not there is asked for each time.
func TestTogether(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		api := novaposhtatest.New(novaposhtatest.Options{Faults: faults.Faults{Latency: 5 * time.Millisecond}})
		l := at(t, serve(t, api), dir, time.Now())
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := l.city(t.Context(), cityQuestion{Name: "Київ"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := api.Asked("searchSettlements"); n != 1 {
			t.Errorf("dir %q: asked %d times", dir, n)
		}
		before := api.Asked("")
		for range 2 {
			if _, err := l.branch(t.Context(), branchQuestion{City: kyivCity, Number: "999"}); wire.AsFailure(err).Class != wire.NotFound {
				t.Error(err)
			}
		}
		if n := api.Asked("") - before; n != 4 {
			t.Errorf("dir %q: %d requests for a branch that is not there twice, want 4", dir, n)
		}
	}
}

// TestBounds: neither memory nor the folder grows without end.
func TestBounds(t *testing.T) {
	dir := t.TempDir()
	c, err := openCopies(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for i := range maxCopies + 50 {
		file := filepath.Join(dir, fmt.Sprintf("%06d%s", i, copySuffix))
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if i < 50 {
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"left" + copySuffix + "-1.tmp", "somebody's.tmp", "notes.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	c.sweep(t.Context())
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != maxCopies+2 {
		t.Errorf("%d files are left, %v; want %d copies and two strangers", len(list), err, maxCopies)
	}
	if list[0].Name() != "000050"+copySuffix {
		t.Errorf("the oldest that is left is %s", list[0].Name())
	}
	// Copies that are few and large.
	large := filepath.Join(dir, "large"+copySuffix)
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxOnDisk+1); err != nil {
		t.Fatal(err)
	}
	c.sweep(t.Context())
	if list, err = os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Errorf("%d files are left, %v; want the two strangers", len(list), err)
	}
	rows := json.RawMessage(strings.Repeat(" ", 1<<20))
	for i := range 40 {
		c.remember(fmt.Sprint(i%20), entry{Kind: "x", Rows: rows})
	}
	if len(c.memory) != 15 || len(c.order) != 15 || c.held > maxInMemory || c.held < 15<<20 {
		t.Errorf("%d copies in memory, %d in order, %d bytes", len(c.memory), len(c.order), c.held)
	}
}

// TestTheFolderIsSwept: writing many copies removes what is too much.
func TestTheFolderIsSwept(t *testing.T) {
	dir := t.TempDir()
	c, err := openCopies(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(dir, "huge"+copySuffix)
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 2*maxOnDisk); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(huge, old, old); err != nil {
		t.Fatal(err)
	}
	for i := range sweepAfter/sweepEach + 1 {
		c.put(t.Context(), copyName("x", fmt.Sprint(i)), branchCopy, "x", []int{i})
	}
	if _, err := os.Stat(huge); !os.IsNotExist(err) {
		t.Errorf("the oldest copy still stands: %v", err)
	}
}

// TestFolderThatCannotBe is found when the connection is opened.
func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := sdktest.Diagnostics(t, spec(), `{"api_key":"k","cache_dir":"`+file+`/below"}`)
	if len(got) != 1 || !strings.HasPrefix(got[0], "cache_dir: cannot be made: not a directory: name a folder") {
		t.Errorf("%q", got)
	}
}
