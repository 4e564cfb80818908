package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// reloadSite is a site whose parts a test changes while the engine runs: the shop's
// token stands in a file, and the mapping behind links as Kubernetes makes them.
func reloadSite(t testing.TB, sb *sandbox) *site {
	t.Helper()
	s := operatorSite(t, sb, "1: 1")
	s.plugins = copyPlugins(t, "horoshop", "saleapp")
	s.save(t, "shop.token", shopToken+"\n", false)
	s.publish(t, "1", operatorMapping("1: 1"))
	for link, to := range map[string]string{"..data": "..1", "linked": "..data/linked"} {
		if err := os.Symlink(to, filepath.Join(s.dir, "mounted", link)); err != nil {
			t.Fatal(err)
		}
	}
	s.configure(t, func(text string) string { return text })
	return s
}

// publish puts a version of the mapping beside the ones that are mounted.
func (s *site) publish(t testing.TB, version, text string) {
	t.Helper()
	dir := filepath.Join(s.dir, "mounted", ".."+version, "linked")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mapping.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mount has the links lead to a version.
func (s *site) mount(t testing.TB, version string) {
	t.Helper()
	next := filepath.Join(s.dir, "mounted", "..data_tmp")
	if err := os.Symlink(".."+version, next); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(s.dir, "mounted", "..data")); err != nil {
		t.Fatal(err)
	}
}

// configure writes the configuration, changed.
func (s *site) configure(t testing.TB, change func(string) string) {
	t.Helper()
	s.save(t, "crosswalk.yaml", change(fmt.Sprintf(`mappings: ["mounted/*/mapping.yaml", "more/*.yaml"]
ingress: {listen: "127.0.0.1:0", rate: off}
admin: {listen: "127.0.0.1:0"}
log: {level: info, format: json}
storage: {min_free_disk: 16MiB}
connections:
  shop: {plugin: horoshop, token: "${file:shop.token}"}
  saleapp:
    plugin: saleapp
    config: {url: %q, secret_key: "${env:SALEAPP_KEY}", key: organization, client_id: 50, curency_id: 6, warehouse_id: 7, request_timeout: 20s, settle: 1s}
`, s.sandbox.root+"/saleapp/server/api")), false)
}

// put sends an order to a connection and gives the answer's status.
func (e *engine) put(t testing.TB, path string, id int) int {
	t.Helper()
	code, _, err := send(t.Context(), http.MethodPut, e.ingress+"/in/"+path, "application/json", deliveredBy(id, 1, "вул. Нова, 1"))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestD9_ReloadOfTheConfiguration changes what can be changed while an engine runs, one
// thing after the other, and what cannot: that is refused with the reason, and what ran
// runs on.
func TestD9_ReloadOfTheConfiguration(t *testing.T) {
	sb := startSandbox(t)
	s := reloadSite(t, sb)
	e := s.start(t)
	reload := func(code int, parts ...string) {
		t.Helper()
		mustContain(t, e.operator(t, code, "reload", "--by", "olena"), parts...)
	}
	takes := func(path string, id, want int) {
		t.Helper()
		if got := e.put(t, path, id); got != want {
			t.Errorf("order %d to %s: %d, want %d", id, strings.Split(path, "/")[0], got, want)
		}
	}
	now := e.configured(t)
	if now.Configuration.Last.Cause != "start" || !now.Configuration.Valid {
		t.Errorf("%+v", now.Configuration)
	}
	reload(0, "nothing has changed")
	takes("shop/"+shopToken, 1, http.StatusOK)

	// Links that lead elsewhere, as Kubernetes has it.
	sha := now.Mappings[0].SHA256
	s.publish(t, "2", edition(2))
	s.mount(t, "2")
	now = e.applied(t, now, "file")
	if now.Mappings[0].SHA256 == sha || now.Configuration.Last.Changes[0] != "mapping order changed" {
		t.Errorf("%+v", now)
	}
	takes("shop/"+shopToken, 2, http.StatusOK)

	// A secret in a file; the process of the connection stays.
	pid := e.pid(t, "shop")
	s.save(t, "shop.token", "another-shop-token\n", false)
	now = e.applied(t, now, "file")
	takes("shop/"+shopToken, 3, http.StatusNotFound)
	takes("shop/another-shop-token", 3, http.StatusOK)
	if e.pid(t, "shop") != pid {
		t.Error("another token made another process")
	}

	// A connection with a mapping of its own comes, takes orders, and goes.
	if err := os.Mkdir(filepath.Join(s.dir, "more"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.save(t, "more/second.yaml", strings.NewReplacer("mapping: order", "mapping: second", "from: shop.", "from: second.").Replace(operatorMapping("1: 1")), false)
	now = e.keptOut(t, now, "second")
	s.configure(t, func(text string) string {
		return strings.Replace(text, "connections:\n", "connections:\n  second: {plugin: horoshop, token: second-shop-token}\n", 1)
	})
	now = e.applied(t, now, "file")
	takes("second/second-shop-token", 4, http.StatusOK)
	eventually(t, "4 orders", func() error { return exactlyOnce(sb.orders(t), 1, 4) })
	if err := os.Remove(filepath.Join(s.dir, "more/second.yaml")); err != nil {
		t.Fatal(err)
	}
	now = e.applied(t, now, "file")
	s.configure(t, func(text string) string { return text })
	now = e.applied(t, now, "file")
	takes("second/second-shop-token", 5, http.StatusNotFound)

	// What cannot change, with the rest of that change.
	s.configure(t, func(text string) string {
		return strings.NewReplacer("min_free_disk: 16MiB", "min_free_disk: 17MiB", "rate: off", "rate: 1/h, burst: 1").Replace(text)
	})
	now = e.keptOut(t, now, "CW214")
	reload(1, "crosswalk.yaml:5:11: error CW214: `storage.min_free_disk` cannot be changed while the engine runs", "restart the engine", "1 error, 1 warning: what ran runs on")
	mustContain(t, e.operator(t, 0, "status"), "CONFIGURATION REFUSED", "storage.min_free_disk")
	for id := 5; id <= 7; id++ {
		takes("shop/another-shop-token", id, http.StatusOK)
	}
	var ready struct {
		Ready    bool
		Degraded []string
	}
	getJSON(t, e.admin+"/readyz", &ready)
	if !ready.Ready || len(ready.Degraded) != 1 || !strings.Contains(ready.Degraded[0], "the configuration on disk is refused") {
		t.Errorf("%+v", ready)
	}
	// A config that the plugin refuses, and one that it takes: another process.
	s.configure(t, func(text string) string { return strings.Replace(text, "key: organization", "key: nobody", 1) })
	now = e.keptOut(t, now, "CW210")
	pid = e.pid(t, "saleapp")
	s.configure(t, func(text string) string { return strings.Replace(text, "client_id: 50", "client_id: 51", 1) })
	now = e.applied(t, now, "file")
	if e.pid(t, "saleapp") == pid {
		t.Error("the process of another config runs on")
	}
	takes("shop/another-shop-token", 8, http.StatusOK)

	e.lockedPlugin(t, s, now)
	takes("shop/another-shop-token", 9, http.StatusOK)
	eventually(t, "9 orders", func() error { return exactlyOnce(sb.orders(t), 1, 9) })
	eventually(t, "all delivered", func() error { return e.settled(t, 9) })
	metrics := e.metrics(t)
	mustContain(t, metrics, "crosswalk_config_valid 1\n", `crosswalk_reloads_total{result="unchanged"}`, "crosswalk_config_last_reload_success_timestamp_seconds ")
	if strings.Contains(e.log(), "another-shop-token") || strings.Contains(metrics, "another-shop-token") {
		t.Error("a token is in the log or the metrics")
	}
}

// lockedPlugin replaces a plugin's binary under a lock: it runs once the lock names it.
func (e *engine) lockedPlugin(t testing.TB, s *site, now configured) {
	t.Helper()
	locked := func() {
		t.Helper()
		e.operatorAt(t, s, "plugin", "lock")
	}
	locked()
	pid := e.pid(t, "saleapp")
	s.replacePlugin(t, "saleapp", "another")
	now = e.keptOut(t, now, "plugin lock saleapp")
	if e.pid(t, "saleapp") != pid {
		t.Error("a binary that the lock does not name took the place of one that ran")
	}
	locked()
	e.applied(t, now, "file")
	if e.pid(t, "saleapp") == pid {
		t.Error("the process of the old binary runs on")
	}
}

// operatorAt runs a command in a site's folder.
func (e *engine) operatorAt(t testing.TB, s *site, args ...string) {
	t.Helper()
	args = append(args, "--config", filepath.Join(s.dir, "crosswalk.yaml"), "--plugins", s.plugins)
	p := spawn(t, nil, func(string) {}, "crosswalk", args...)
	<-p.exited
	if p.err != nil {
		t.Fatalf("crosswalk %s: %v\n%s", strings.Join(args, " "), p.err, p.log())
	}
}

// metrics gives a scrape.
func (e *engine) metrics(t testing.TB) string {
	t.Helper()
	code, text, err := send(t.Context(), http.MethodGet, e.admin+"/metrics", "", "")
	if err != nil || code != http.StatusOK {
		t.Fatalf("%d %v", code, err)
	}
	return text
}

// TestReloadBySignalAlone has an engine that watches no files wait for SIGHUP.
func TestReloadBySignalAlone(t *testing.T) {
	sb := startSandbox(t)
	s := operatorSite(t, sb, "1: 1")
	s.flags = []string{"--watch=false"}
	e := s.start(t)
	now := e.configured(t)
	s.maps(t, "1: 1, 2: 2")
	e.order(t, deliveredBy(1, 2, "before")) // which the mapping before has no row for
	e.becomes(t, 1, "dead")
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	now = e.applied(t, now, "signal")
	e.order(t, deliveredBy(1, 2, "after"))
	e.becomes(t, 2, "delivered")
	s.save(t, "order.yaml", "mapping: order\n", false)
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	e.keptOut(t, now, "order.yaml")
	e.order(t, deliveredBy(2, 2, "the old one runs on"))
	e.becomes(t, 3, "delivered")
}
