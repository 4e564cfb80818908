package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// undecoded is what the status says of a connection's webhooks that are not decoded.
func (e *engine) undecoded(t testing.TB, connection string) (waiting, refused int) {
	t.Helper()
	var st struct {
		Undecoded []struct {
			Connection       string
			Waiting, Refused int
		}
	}
	getJSON(t, e.admin+"/api/v1/status", &st)
	for _, u := range st.Undecoded {
		if u.Connection == connection {
			return u.Waiting, u.Refused
		}
	}
	return 0, 0
}

// salesdriveDown makes a site whose SalesDrive plugin can be kept from running: it
// waits at its start while the file is there that down makes and up removes. Requests
// wait for a plugin only shortly.
func salesdriveDown(t testing.TB, sb *sandbox) (s *site, down func(e *engine), up func()) {
	t.Helper()
	s = newSite(t, sb)
	s.plugins = filepath.Join(s.dir, "plugins")
	if err := os.Mkdir(s.plugins, 0o755); err != nil {
		t.Fatal(err)
	}
	built, err := os.ReadDir(filepath.Join(binaries, "plugins"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range built {
		if err := os.Link(filepath.Join(binaries, "plugins", f.Name()), filepath.Join(s.plugins, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	real, flag := filepath.Join(s.dir, "salesdrive"), filepath.Join(s.dir, "down")
	if err := os.Rename(filepath.Join(s.plugins, "salesdrive"), real); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nwhile [ -e %q ]; do sleep 0.05; done\nexec %q\n", flag, real)
	if err := os.WriteFile(filepath.Join(s.plugins, "salesdrive"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s.change(t, "rate: off}", "rate: off, decode_timeout: 300ms}")
	down = func(e *engine) {
		t.Helper()
		if err := os.WriteFile(flag, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(e.pid(t, "salesdrive"), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	up = func() {
		t.Helper()
		if err := os.Remove(flag); err != nil {
			t.Fatal(err)
		}
	}
	return s, down, up
}

// change replaces a part of the configuration.
func (s *site) change(t testing.TB, old, with string) {
	t.Helper()
	file := filepath.Join(s.dir, "crosswalk.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), old, with, 1)
	if changed == string(text) {
		t.Fatalf("the configuration has no %s", old)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// versions sends versions from first to last of each order, each once it knows that
// the one before was taken, and gives how many answers were 202.
func (e *engine) versions(t *testing.T, orders, first, last int) (kept int) {
	t.Helper()
	var later atomic.Int64
	wait := sendMany(t, orders, 8, func(id int) error {
		for v := first; v <= last; v++ {
			code, text, err := send(t.Context(), http.MethodPost, e.ingress+"/in/salesdrive/"+salesdriveToken, "application/json", salesdriveOrder(id, v))
			if err != nil || code != 200 && code != 202 {
				return fmt.Errorf("version %d: %d %s %w", v, code, text, err)
			}
			if code == 202 {
				later.Add(1)
			}
		}
		return nil
	})
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	return int(later.Load())
}

// bystander is an order of another connection.
const bystander = "1000"

// stand checks that each order stands at a version, and was written as often: once
// with each version.
func (s *sandbox) stand(t testing.TB, orders, version int) {
	t.Helper()
	got := slices.DeleteFunc(s.orders(t), func(o order) bool { return o.ExternalID == bystander })
	if err := exactlyOnce(got, 1, orders); err != nil {
		t.Fatal(err)
	}
	for _, o := range got {
		if want := fmt.Sprintf("v%d", version); o.Addres != want || o.Writes < version {
			t.Errorf("order %s stands at %s after %d writes, want %s after at least %d", o.ExternalID, o.Addres, o.Writes, want, version)
		}
	}
}

// inOrder reads the events of SalesDrive as they were accepted, and checks that each
// order's versions are there, each once and in their order.
func (e *engine) inOrder(t testing.TB, orders, versions int) {
	t.Helper()
	last, n := map[string]uint64{}, 0
	for after := ""; ; {
		var page struct {
			Events []struct {
				Sequence uint64
				Key      string
				Version  uint64
			}
			Next uint64
		}
		getJSON(t, e.admin+"/api/v1/events?order=oldest&connection=salesdrive&limit=500"+after, &page)
		for _, ev := range page.Events {
			n++
			if last[ev.Key]++; ev.Version != last[ev.Key] {
				t.Fatalf("event %d of order %s has version %d, want %d", ev.Sequence, ev.Key, ev.Version, last[ev.Key])
			}
		}
		if page.Next == 0 {
			break
		}
		after = fmt.Sprintf("&after=%d", page.Next)
	}
	if n != orders*versions {
		t.Fatalf("%d events, want %d", n, orders*versions)
	}
}

// TestD2_PluginKilledAndGone kills a source plugin with -9 and lets none start. Webhooks
// are taken and kept, and said to be; the engine is killed with -9 over them, and
// while they are being decoded. In the end each order has had each version once, in
// their order.
func TestD2_PluginKilledAndGone(t *testing.T) {
	sb := startSandbox(t)
	s, down, up := salesdriveDown(t, sb)
	e := s.start(t)
	const orders = 40
	e.versions(t, orders, 1, 1)
	eventually(t, "the first versions are delivered", func() error { return e.settled(t, orders) })
	down(e)
	const kept = orders * 3
	if n := e.versions(t, orders, 2, 4); n != kept {
		t.Fatalf("%d webhooks were kept, want %d", n, kept)
	}
	if waiting, _ := e.undecoded(t, "salesdrive"); waiting != kept {
		t.Fatalf("%d webhooks wait, want %d", waiting, kept)
	}
	// It is said everywhere, and another connection goes on.
	if out, err := e.operate(t, "status"); err != nil || !strings.Contains(out, fmt.Sprintf("salesdrive: %d webhooks wait undecoded, the oldest for ", kept)) {
		t.Errorf("status: %v\n%s", err, out)
	}
	_, ready, err := send(t.Context(), http.MethodGet, e.admin+"/readyz", "", "")
	if err != nil || !strings.Contains(ready, fmt.Sprintf("connection salesdrive: %d webhooks wait undecoded", kept)) {
		t.Errorf("/readyz: %v %s", err, ready)
	}
	_, metrics, err := send(t.Context(), http.MethodGet, e.admin+"/metrics", "", "")
	if err != nil || !strings.Contains(metrics, fmt.Sprintf("\ncrosswalk_undecoded_webhooks{connection=\"salesdrive\"} %d\n", kept)) {
		t.Errorf("/metrics: %v", err)
	}
	code, text, err := send(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, "application/json", shopOrder(1000, "вул. Нова, 1"))
	if err != nil || code != 200 {
		t.Errorf("another connection: %d %s %v", code, text, err)
	}
	// Killed over them, and then three times while they are decoded and more come.
	e.kill()
	up()
	version := 4
	for round := range 3 {
		e = s.start(t)
		e.versions(t, orders, version+1, version+1)
		version++
		if round == 1 {
			down(e)
			e.versions(t, orders, version+1, version+1)
			version++
			up()
		}
		e.kill()
	}
	e = s.start(t)
	eventually(t, "all are decoded and delivered", func() error {
		if waiting, refused := e.undecoded(t, "salesdrive"); waiting+refused > 0 {
			return fmt.Errorf("%d wait, %d were refused", waiting, refused)
		}
		return nil
	})
	e.inOrder(t, orders, version)
	eventually(t, "all are delivered", func() error { return e.settled(t, uint64(orders*version+1)) })
	sb.stand(t, orders, version)
}

// TestPluginHangs stops a source plugin with SIGSTOP, as a hang does: the first
// webhook waits for a moment, the others do not, and all are decoded when the engine
// has ended the process. What the plugin refuses only then is kept for an operator.
func TestPluginHangs(t *testing.T) {
	sb := startSandbox(t)
	s := newSite(t, sb)
	s.change(t, "rate: off}", "rate: off, decode_timeout: 300ms}")
	e := s.start(t)
	const orders = 30
	e.versions(t, orders, 1, 1)
	if err := syscall.Kill(e.pid(t, "salesdrive"), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if n := e.versions(t, orders, 2, 3); n == 0 {
		t.Error("no webhook was kept while the plugin hung")
	}
	lead := `{"info":{"webhookType":"lead"},"data":{"id":7},"note":"заявка"}`
	code, text, err := send(t.Context(), http.MethodPost, e.ingress+"/in/salesdrive/"+salesdriveToken+"/hook?a=%CE", "application/json", lead)
	if err != nil || code != 202 && code != 422 {
		t.Fatalf("what the plugin refuses: %d %s %v", code, text, err)
	}
	e.versions(t, orders, 4, 4)
	eventually(t, "all are decoded and delivered", func() error {
		if waiting, _ := e.undecoded(t, "salesdrive"); waiting > 0 {
			return fmt.Errorf("%d wait", waiting)
		}
		return e.settled(t, orders*4)
	})
	e.inOrder(t, orders, 4)
	sb.stand(t, orders, 4)
	if code != 202 {
		t.Skip("the machine was so slow that the plugin was back before its refusal; the rest was tested")
	}
	e.resolveRefused(t, lead)
}

// resolveRefused shows, retries and drops the only refused webhook.
func (e *engine) resolveRefused(t *testing.T, body string) {
	t.Helper()
	number := func() string {
		t.Helper()
		var page struct {
			Refused []struct{ Sequence uint64 }
		}
		getJSON(t, e.admin+"/api/v1/undecoded", &page)
		if len(page.Refused) != 1 {
			t.Fatalf("%d are refused", len(page.Refused))
		}
		return fmt.Sprint(page.Refused[0].Sequence)
	}
	first := number()
	if _, ready, err := send(t.Context(), http.MethodGet, e.admin+"/readyz", "", ""); err != nil || !strings.Contains(ready, `"ready":true`) || !strings.Contains(ready, "refused when decoded: see `crosswalk undecoded list`") {
		t.Errorf("/readyz: %v %s", err, ready)
	}
	if out, err := e.operate(t, "undecoded", "list"); err != nil || !strings.Contains(out, "unknown_type  info.webhookType") {
		t.Errorf("list: %v\n%s", err, out)
	}
	if out, err := e.operate(t, "undecoded", "show", first); err != nil || !strings.Contains(out, "POST /hook ?a=%CE\n") || !strings.HasSuffix(out, "\n"+body+"\n") || strings.Contains(out, salesdriveToken) {
		t.Errorf("show: %v\n%s", err, out)
	}
	if out, err := e.operate(t, "undecoded", "retry", first); err == nil ||
		!strings.Contains(out, "put up to be decoded again: 1 webhook\n") || !strings.Contains(out, "webhook "+first+" was refused again, and is webhook ") || !strings.Contains(out, "decoded: 0; refused again: 1\n") {
		t.Errorf("retry: %v %s", err, out)
	}
	eventually(t, "it is refused again", func() error {
		if waiting, refused := e.undecoded(t, "salesdrive"); waiting != 0 || refused != 1 {
			return fmt.Errorf("%d wait, %d refused", waiting, refused)
		}
		return nil
	})
	second := number()
	if out, err := e.operate(t, "undecoded", "drop", first, "--reason", "a lead", "--yes"); err == nil || !strings.Contains(out, "not done: there is no such refused webhook") {
		t.Errorf("drop of what is not there: %v %s", err, out)
	}
	if out, err := e.operate(t, "undecoded", "drop", second, "--reason", "a lead"); err != nil || !strings.Contains(out, "nothing was done") {
		t.Errorf("drop without --yes: %v %s", err, out)
	}
	if out, err := e.operate(t, "undecoded", "drop", "--all", "--reason", "a lead", "--yes", "--by", "olena"); err != nil || out != "dropped: 1 webhook\n" {
		t.Errorf("drop: %v %s", err, out)
	}
	if out, err := e.operate(t, "undecoded", "list"); err != nil || !strings.HasPrefix(out, "no webhooks wait undecoded") {
		t.Errorf("list at the end: %v %s", err, out)
	}
	if !strings.Contains(e.log(), "a refused webhook is given up") {
		t.Error("the log does not say who dropped it")
	}
}

// TestRoomForUndecodedIsBounded fills the room for webhooks that wait for their
// plugin: then they are answered 503 with Retry-After, as other connections are not,
// and what was taken is delivered.
func TestRoomForUndecodedIsBounded(t *testing.T) {
	sb := startSandbox(t)
	s, down, up := salesdriveDown(t, sb)
	s.change(t, "min_free_disk: 16MiB}", "min_free_disk: 16MiB, max_undecoded: 64MiB}")
	e := s.start(t)
	down(e)
	pad := strings.Repeat("x", 1000<<10)
	taken := 0
	for {
		body := strings.Replace(salesdriveOrder(taken+1, 1), `{"fields":{}}`, `{"fields":{},"pad":"`+pad+`"}`, 1)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.ingress+"/in/salesdrive/"+salesdriveToken, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == 503 {
			if resp.Header.Get("Retry-After") != "30" || !strings.Contains(string(text), "connector_unavailable") {
				t.Errorf("%v %s", resp.Header, text)
			}
			break
		}
		if taken++; resp.StatusCode != 202 || taken > 100 {
			t.Fatalf("webhook %d: %d %s", taken, resp.StatusCode, text)
		}
	}
	if taken < 16 {
		t.Errorf("the room was used up by %d webhooks of a MiB", taken)
	}
	if code, text, err := send(t.Context(), http.MethodPost, e.ingress+"/in/crm/"+crmToken, "application/json", crmOrder(taken+1)); err != nil || code != 200 {
		t.Errorf("another connection: %d %s %v", code, text, err)
	}
	up()
	eventually(t, "all are decoded and delivered", func() error { return e.settled(t, uint64(taken)+1) })
	if err := exactlyOnce(sb.orders(t), 1, taken+1); err != nil {
		t.Error(err)
	}
}
