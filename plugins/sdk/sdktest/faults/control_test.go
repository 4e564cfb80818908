package faults_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"
)

// TestControl: a change names some faults, and reaches all fakes or none.
func TestControl(t *testing.T) {
	one, two := faults.New(faults.Faults{Fail: 0.5}, 1), faults.New(faults.Faults{Lose: 0.25}, 2)
	h := faults.Control(one, two)
	for _, tt := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"GET", "", 200, `{"latency":"0s","fail":0.5,"lose":0,"limit":0,"down":false}`},
		{"POST", `{"latency":"20ms","down":"drop"}`, 200, `{"latency":"20ms","fail":0.5,"lose":0,"limit":0,"down":"drop"}`},
		{"POST", `{"down":false,"limit":"x"}`, 400, `faults: limit "x" is none: write 20/s, or 0 for no limit; an example: {`},
		{"POST", `{"down":[]}`, 400, "faults: a fault is a string, a number or a boolean"},
		{"POST", `{"down":null}`, 200, `{"latency":"20ms",`},
		{"POST", `{"down":"` + strings.Repeat("x", 70_000) + `"}`, 400, "read the faults: "},
		{"DELETE", "", 405, "Method Not Allowed"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tt.method, "/_faults", strings.NewReader(tt.body)))
		if w.Code != tt.status || !strings.HasPrefix(w.Body.String(), tt.want) {
			t.Errorf("%s %.40s: %d %s, want %d %s", tt.method, tt.body, w.Code, w.Body, tt.status, tt.want)
		}
	}
	want := faults.Faults{Latency: 20 * time.Millisecond, Down: faults.DownDrop}
	for i, f := range []faults.Faults{one.Faults(), two.Faults()} {
		want.Fail, want.Lose = [...]faults.Rate{0.5, 0}[i], [...]faults.Rate{0, 0.25}[i]
		if diff := cmp.Diff(want, f); diff != "" {
			t.Error(diff)
		}
	}
}

// TestBefore: a fault that answers keeps the work from being done.
func TestBefore(t *testing.T) {
	i := faults.New(faults.Faults{Fail: 1}, 1)
	w := httptest.NewRecorder()
	if lose, answered := i.Before(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)); lose || !answered || w.Code != 500 {
		t.Errorf("lose %t, answered %t, %d", lose, answered, w.Code)
	}
	i.Update(func(f faults.Faults) faults.Faults {
		f.Fail, f.Lose = 0, 1
		return f
	})
	if lose, answered := i.Before(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)); !lose || answered {
		t.Errorf("lose %t, answered %t", lose, answered)
	}
	if diff := cmp.Diff(faults.Counts{Requests: 2, Failed: 1, Lost: 1}, i.Counts()); diff != "" {
		t.Error(diff)
	}
}
