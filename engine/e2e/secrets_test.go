package e2e

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Secrets are nowhere but where they belong, and what a customer wrote is in the
// history alone: not in logs, metrics, traces, answers, process lists or the processes'
// environment, at the most talkative level, through deliveries, refusals, dead
// letters, a wrong key and crashes.
func TestSecretsAndCustomersAreNotTold(t *testing.T) {
	sb := startSandbox(t)
	s := newSite(t, sb)
	config := filepath.Join(s.dir, "crosswalk.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.Replace(string(text), "level: info", "level: debug", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCollector(t)
	s.add(t, c.config())
	e := s.start(t)
	const surname, phone, street = "Перевертайло", "0671239876", "вул. Прихована"
	planted := func(order string) string {
		order = strings.ReplaceAll(order, "Покупець", surname)
		order = strings.ReplaceAll(order, "+38067000", "+38"+phone[:6])
		return strings.ReplaceAll(order, "poshta.example", "planted.example")
	}
	hook := e.ingress + "/in/shop/" + shopToken
	var heard strings.Builder
	post := func(url, body string) {
		eventually(t, "an answer but 503", func() error {
			code, answer, err := send(t.Context(), http.MethodPut, url, "application/json", body)
			if err != nil {
				t.Fatal(err)
			}
			heard.WriteString(answer)
			if code == http.StatusServiceUnavailable {
				return errors.New(answer)
			}
			return nil
		})
	}
	for i := range 5 {
		post(hook, planted(shopOrder(100+i, street)))
	}
	// Dead: once by the mapping, once by the sink, whose words quote the record.
	dead := strings.Replace(planted(shopOrder(200, street)), `"delivery_type":{"id":2`, `"delivery_type":{"id":77`, 1)
	post(hook, dead)
	post(hook, strings.Replace(planted(shopOrder(201, street)), `"total_sum":499.5`, `"total_sum":"`+surname+`"`, 1))
	// Refused: a body that ends too early, and one that is no JSON.
	post(hook, planted(shopOrder(300, street))[:200])
	post(hook, surname+phone)
	post(e.ingress+"/in/shop/"+shopToken+"x", planted(shopOrder(301, street)))
	post(e.ingress+"/in/shop?token="+shopToken, "{}")
	eventually(t, "outcomes", func() error {
		if accepted, delivered, dead := e.counters(t); accepted != delivered+dead || dead < 2 {
			return fmt.Errorf("%d accepted, %d delivered, %d dead", accepted, delivered, dead)
		}
		return nil
	})
	// Failures of all kinds, then a crash of the sink's plugin.
	sb.faults(t, `{"fail": "100%"}`)
	post(hook, planted(shopOrder(400, street)))
	eventually(t, "a retry", func() error {
		for _, l := range e.status(t).Lanes {
			if len(l.Waiting) > 0 {
				return nil
			}
		}
		return fmt.Errorf("nothing waits")
	})
	if err := syscall.Kill(e.pid(t, "saleapp"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	sb.faults(t, `{"fail": 0}`)
	eventually(t, "the last order", func() error {
		if accepted, delivered, dead := e.counters(t); accepted != delivered+dead {
			return fmt.Errorf("%d accepted, %d delivered, %d dead", accepted, delivered, dead)
		}
		return nil
	})

	// Everything that was told is there when the last order's outcome is.
	for _, outcome := range []string{"dead", "delivered"} {
		eventually(t, "the trace of an order that is "+outcome, func() error {
			for _, s := range c.all() {
				if s.attrs["crosswalk.outcome"] == outcome && (outcome == "dead" || s.attrs["crosswalk.sequence"] == strconv.Itoa(8)) {
					return nil
				}
			}
			return errors.New("it has not come")
		})
	}
	c.check(t)
	commands, environments := processes(t)
	for _, path := range []string{"/metrics", "/api/v1/status", "/readyz"} {
		heard.WriteString(get(t, e.admin+path))
	}
	secrets := map[string]string{"a token": shopToken, "another token": salesdriveToken, "the sink's key": saleappKey, "the collector's token": collectorToken}
	customers := map[string]string{"a surname": surname, "a phone": phone, "a phone's end": "1239876", "a street": street, "a domain": "planted.example"}
	places := map[string]string{"the log": e.log(), "a trace": c.text(), "an answer": heard.String(), "a process's arguments": commands, "a plugin's environment": environments}
	for where, text := range places {
		if len(text) < 20 {
			t.Errorf("%s was not read: %q", where, text)
		}
		for what, secret := range secrets {
			if line := lineWith(text, secret); line != "" {
				t.Errorf("%s is in %s: %s", what, where, line)
			}
		}
		for what, value := range customers {
			if line := lineWith(text, value); line != "" {
				t.Errorf("%s is in %s: %s", what, where, line)
			}
		}
	}
	history := get(t, e.admin+"/api/v1/dead") + get(t, e.admin+"/api/v1/outcomes")
	if !strings.Contains(history, surname) {
		t.Error("the history does not have the order of a dead letter")
	}
	e.kill()
	for what, secret := range secrets {
		if where := fileWith(t, filepath.Join(s.dir, "data"), secret); where != "" || strings.Contains(history, secret) {
			t.Errorf("%s is in the journal (%s) or the history", what, where)
		}
	}
	if fileWith(t, filepath.Join(s.dir, "data"), surname) == "" {
		t.Error("the search in the journal finds nothing at all")
	}
}

func get(t testing.TB, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// lineWith gives the beginning of the first line of text that holds what is sought.
func lineWith(text, sought string) string {
	i := strings.Index(text, sought)
	if i < 0 {
		return ""
	}
	from := strings.LastIndexByte(text[:i], '\n') + 1
	return text[from:min(i+len(sought)+40, len(text))]
}

// fileWith names a file below dir that holds what is sought.
func fileWith(t *testing.T, dir, sought string) (where string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || where != "" {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), sought) {
			where = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return where
}

// processes gives the arguments of the processes that run this test's binaries,
// and the environments of those that are plugins.
func processes(t *testing.T) (commands, environments string) {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, exe := range found {
		path, err := os.Readlink(exe)
		if err != nil || !strings.HasPrefix(path, binaries) {
			continue
		}
		dir := filepath.Dir(exe)
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline")) // the process may have ended
		commands += strings.ReplaceAll(string(args), "\x00", " ") + "\n"
		if strings.HasPrefix(path, filepath.Join(binaries, "plugins")) {
			env, _ := os.ReadFile(filepath.Join(dir, "environ"))
			environments += strings.ReplaceAll(string(env), "\x00", "\n") + "\n"
		}
	}
	return commands, environments
}
