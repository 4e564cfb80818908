package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// mend retries every other open dead letter, and corrects the others. Whether that
// overwrites something newer is what D6 is about.
func (r *chaosRun) mend(t *testing.T) {
	t.Helper()
	type id struct {
		Source   string `json:"source"`
		Sink     string `json:"sink"`
		Mapping  string `json:"mapping"`
		Sequence int    `json:"sequence"`
	}
	var page struct {
		Letters []struct {
			id
			Event struct{ Record json.RawMessage }
		}
	}
	getJSON(t, r.engine.admin+"/api/v1/letters?limit=500", &page)
	var retry []id
	for i, l := range page.Letters {
		if i%2 == 0 {
			retry = append(retry, l.id)
			continue
		}
		var record map[string]map[string]json.RawMessage
		if err := json.Unmarshal(l.Event.Record, &record); err != nil {
			t.Fatal(err)
		}
		record["data"]["products"] = json.RawMessage(strings.TrimPrefix(goodProducts, `"products":`))
		r.edited += r.act(t, "edit", map[string]any{"letter": l.id, "record": record, "by": "chaos"})
	}
	if len(retry) > 0 {
		r.retried += r.act(t, "retry", map[string]any{"letters": retry, "by": "chaos"})
	}
}

// act asks the engine to do something with dead letters. A store that is slow refuses
// for now, and the letters stay open.
func (r *chaosRun) act(t *testing.T, what string, body any) (done int) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.engine.admin+"/api/v1/letters/"+what, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Results []struct{ As int } }
	if resp.StatusCode == http.StatusServiceUnavailable {
		return 0
	}
	if err := json.Unmarshal(text, &answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s of dead letters: %s %s", what, resp.Status, text)
	}
	for _, res := range answer.Results {
		if res.As != 0 {
			done++
		}
	}
	return done
}

// story asks the engine and the sandbox for all that they know.
func (r *chaosRun) story(t *testing.T) *story {
	t.Helper()
	s := &story{sent: r.senders.sent, orders: r.sandbox.orders(t), writes: r.sandbox.writes(t)}
	for after := 0; ; {
		var page struct {
			Events []chaosEvent
			Next   int
		}
		url := r.engine.admin + "/api/v1/events?order=oldest&limit=1000"
		if after > 0 {
			url += fmt.Sprintf("&after=%d", after)
		}
		getJSON(t, url, &page)
		s.events = append(s.events, page.Events...)
		if after = page.Next; after == 0 {
			break
		}
	}
	for {
		var page []chaosOutcome
		getJSON(t, fmt.Sprintf("%s/api/v1/outcomes?limit=1000&from=%d", r.engine.admin, len(s.outcomes)+1), &page)
		if s.outcomes = append(s.outcomes, page...); len(page) < 1000 {
			break
		}
	}
	for before := 0; ; {
		var page struct {
			Letters []chaosLetter
			Next    int
		}
		url := r.engine.admin + "/api/v1/letters?all=true&limit=500"
		if before > 0 {
			url += fmt.Sprintf("&before=%d", before)
		}
		getJSON(t, url, &page)
		s.letters = append(s.letters, page.Letters...)
		if before = page.Next; before == 0 {
			break
		}
	}
	return s
}

// report tells what was injected, what held, and how long it took.
func (r *chaosRun) report(t *testing.T, v *verdict, sent, drained time.Duration) {
	t.Helper()
	out := t.Output()
	var counts struct{ Requests, Down, Limited, Failed, Lost int }
	getJSON(t, r.sandbox.root+"/saleapp/_counts", &counts)
	fmt.Fprintf(out, "all accepted after %s, all delivered after %s\n", sent.Round(100*time.Millisecond), drained.Round(100*time.Millisecond))
	fmt.Fprintf(out, "injected:\n")
	for _, what := range slices.Sorted(maps.Keys(r.done)) {
		fmt.Fprintf(out, "  %4d  %s\n", r.done[what], what)
	}
	fmt.Fprintf(out, "  SaleApp: of %d requests %d lost their answers, %d failed, %d were limited, %d came while it was down\n",
		counts.Requests, counts.Lost, counts.Failed, counts.Limited, counts.Down)
	if d := r.site.disk; d != nil {
		c := d.counted()
		fmt.Fprintf(out, "  disk: %d fsyncs took %s longer in all, one of them %s; %d writes failed for want of room, %d of them in their middle\n",
			c.syncs, c.total.Round(time.Second), c.longest.Round(time.Millisecond), c.refused, c.torn)
	} else {
		fmt.Fprintf(out, "  disk: left as it is, never slow and never full: %v\n", r.noDisk)
	}
	var answers []string
	for _, answer := range slices.Sorted(maps.Keys(r.senders.answers)) {
		answers = append(answers, fmt.Sprintf("%s %d times", answer, r.senders.answers[answer]))
	}
	fmt.Fprintf(out, "  webhooks were answered %s; there was no engine for %s\n", strings.Join(answers, ", "), r.restarts.Round(time.Second))
	fmt.Fprintf(out, "  dead letters: %d retried, %d edited\n", r.retried, r.edited)
	for _, promise := range []string{"D1", "D2", "D3", "D4", "D5", "D6"} {
		if broken := v.broken[promise]; len(broken) > 0 {
			fmt.Fprintf(out, "%s BROKEN %d times\n", promise, len(broken))
			continue
		}
		fmt.Fprintf(out, "%s held: %s\n", promise, v.held[promise])
	}
	for _, l := range []struct {
		what  string
		waits []time.Duration
	}{{"first sent", v.fromSent}, {"accepted", v.fromAccepted}} {
		fmt.Fprintf(out, "from %s to delivered: p50 %s, p99 %s, max %s (%d)\n", l.what,
			quantile(l.waits, 0.5), quantile(l.waits, 0.99), quantile(l.waits, 1), len(l.waits))
	}
}

// quantile gives the q-th of sorted durations, rounded.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Round(time.Millisecond)
}
