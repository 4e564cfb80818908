package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// add adds to the configuration.
func (s *site) add(t testing.TB, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, "crosswalk.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// up waits until a connection's plugin works, so that webhooks are decoded at once.
func (e *engine) up(t testing.TB, connection string) {
	t.Helper()
	eventually(t, "the plugin of "+connection, func() error {
		for line := range strings.Lines(get(t, e.admin+"/metrics")) {
			if strings.HasPrefix(line, `crosswalk_plugin_up{connection="`+connection+`"`) && strings.HasSuffix(line, " 1\n") {
				return nil
			}
		}
		return errors.New("it does not run")
	})
}

// sendTraced sends a webhook as a sender with a trace of its own does.
func sendTraced(t *testing.T, url, traceparent, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Traceparent", traceparent)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatal(resp.Status)
	}
}

// One trace, the sender's, has the whole way of an order, from the webhook to the
// sink's answer, although the engine was killed between the two.
func TestTrace(t *testing.T) {
	const trace, sender = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	sb := startSandbox(t)
	sb.fault(t, "saleapp", `{"fail": "100%"}`)
	c := startCollector(t)
	s := newSite(t, sb)
	s.add(t, c.config())
	e := s.start(t)
	e.up(t, "shop")
	hook := e.ingress + "/in/shop/" + shopToken
	sendTraced(t, hook, "00-"+trace+"-"+sender+"-01", postOrder(7, "Київ", "Відділення №25: вул. М. Тимошенка, 9"))
	// One whose sender is not traced is not, either.
	const untraced = "00000000000000000000000000000abc"
	sendTraced(t, hook, "00-"+untraced+"-"+sender+"-00", shopOrder(8, "вул. Нова"))
	// Until then the collector knows of the way up to a failed attempt.
	failed := func(s told) bool { return s.failed }
	webhook := c.find(t, trace, "webhook", nil)
	decode := c.find(t, trace, "decode", nil)
	publish := c.find(t, trace, "publish", nil)
	first := c.find(t, trace, "send", failed)
	e.kill()

	sb.fault(t, "saleapp", `{"fail": 0}`)
	e = s.start(t)
	outcome := c.find(t, trace, "outcome", nil)
	lookup := c.find(t, trace, "lookup", func(s told) bool { return s.attrs["crosswalk.lookup"] == "novaposhta.branch" })
	again := c.find(t, trace, "send", func(s told) bool { return !s.failed })
	mapped := c.find(t, trace, "map", func(s told) bool { return s.attrs["crosswalk.questions"] == "" })
	e.delivered(t, 2, 0)

	for _, s := range []struct {
		span   told
		parent string
	}{
		{webhook, sender},
		{decode, webhook.id},
		{publish, webhook.id},
		{lookup, publish.id},
		{mapped, publish.id},
		{first, publish.id},
		{again, publish.id},
		{outcome, publish.id},
	} {
		if s.span.parent != s.parent {
			t.Errorf("%s has the parent %s, want %s", s.span.name, s.span.parent, s.parent)
		}
	}
	sequence := publish.attrs["crosswalk.sequence"]
	for _, s := range []struct {
		span told
		want map[string]string
	}{
		{webhook, map[string]string{"crosswalk.connection": "shop", "http.request.method": "PUT", "http.response.status_code": "200"}},
		{publish, map[string]string{"crosswalk.connection": "shop", "crosswalk.event": "order_created", "crosswalk.sequence": sequence}},
		{lookup, map[string]string{"crosswalk.action": "found"}},
		{mapped, map[string]string{"crosswalk.mapping": "horoshop-order", "crosswalk.sequence": sequence}},
		{first, map[string]string{"crosswalk.sink": "saleapp", "crosswalk.operation": "upsert_order", "crosswalk.attempt": "1", "error.type": "TRANSIENT"}},
		{again, map[string]string{"crosswalk.sink": "saleapp", "crosswalk.operation": "upsert_order", "crosswalk.attempt": "1", "crosswalk.action": "created"}},
		{outcome, map[string]string{"crosswalk.outcome": "delivered", "crosswalk.action": "created", "crosswalk.mapping": "horoshop-order", "crosswalk.sequence": sequence}},
	} {
		for key, want := range s.want {
			if got := s.span.attrs[key]; got != want {
				t.Errorf("%s has %s %q, want %q; all are %v", s.span.name, key, got, want, s.span.attrs)
			}
		}
	}
	// The process ends with nothing untold, and no span is of another trace.
	if err := e.terminate(t); err != nil {
		t.Error(err)
	}
	for _, s := range c.all() {
		if s.trace != trace {
			t.Errorf("a span of another trace: %+v", s)
		}
	}
	c.check(t)
}

// What goes where changes with a reload of tracing, while events are on their way; and
// a replay goes on in the trace of the event that it repeats.
func TestTraceOverReloadAndReplay(t *testing.T) {
	const first, second, third = "11f92f3577b34da6a3ce929d0e0e4701", "22f92f3577b34da6a3ce929d0e0e4702", "33f92f3577b34da6a3ce929d0e0e4703"
	const sender = "00f067aa0ba902b7"
	sb := startSandbox(t)
	a, b := startCollector(t), startCollector(t)
	s := newSite(t, sb)
	s.add(t, a.config())
	e := s.start(t)
	e.up(t, "shop")
	hook := e.ingress + "/in/shop/" + shopToken
	// The first event waits for the sink while its trace changes its way.
	sb.fault(t, "saleapp", `{"fail": "100%"}`)
	sendTraced(t, hook, "00-"+first+"-"+sender+"-01", shopOrder(1, "вул. Нова, 1"))
	publish := a.find(t, first, "publish", nil)
	a.find(t, first, "send", func(s told) bool { return s.failed })
	before := e.configured(t)
	config, err := os.ReadFile(filepath.Join(s.dir, "crosswalk.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.save(t, "crosswalk.yaml", strings.Replace(string(config), a.config(), b.config(), 1), false)
	before = e.applied(t, before, "file")
	sb.fault(t, "saleapp", `{"fail": 0}`)
	if outcome := b.find(t, first, "outcome", nil); outcome.parent != publish.id {
		t.Errorf("after the reload the outcome has the parent %s, want %s", outcome.parent, publish.id)
	}
	sendTraced(t, hook, "00-"+second+"-"+sender+"-01", shopOrder(2, "вул. Нова, 2"))
	b.find(t, second, "outcome", nil)

	mustContain(t, e.operator(t, 0, "replay", "--key", "1", "--yes", "--by", "olena"), "on their way again: 1 event")
	replayed := func(s told) bool { return s.attrs["crosswalk.replay"] == "true" }
	for _, name := range []string{"map", "send", "outcome"} {
		again := b.find(t, first, name, replayed)
		if again.parent != publish.id || again.attrs["crosswalk.sequence"] != "3" {
			t.Errorf("the replay's %s is of event %s and has the parent %s, want event 3 and %s", name, again.attrs["crosswalk.sequence"], again.parent, publish.id)
		}
	}

	s.save(t, "crosswalk.yaml", strings.Replace(string(config), a.config(), "\ntracing: {endpoint: \"off\"}\n", 1), false)
	e.applied(t, before, "file")
	sendTraced(t, hook, "00-"+third+"-"+sender+"-01", shopOrder(3, "вул. Нова, 3"))
	e.delivered(t, 4, 0)
	if err := e.terminate(t); err != nil { // which has everything told
		t.Error(err)
	}
	for _, s := range append(a.all(), b.all()...) {
		if s.trace == third {
			t.Errorf("a span while nothing is traced: %+v", s)
		}
	}
	for _, s := range a.all() {
		if s.trace != first || s.name == "outcome" {
			t.Errorf("the collector that was given up was told of %s of trace %s", s.name, s.trace)
		}
	}
	a.check(t)
	b.check(t)
}
