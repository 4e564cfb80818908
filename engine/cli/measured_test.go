package cli_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

// A scrape of a running engine tells what came, what was refused, what became of
// it and how long that took.
func TestMetricsOfARunningEngine(t *testing.T) {
	api := saleapptest.New(saleapptest.Options{})
	srv := httptest.NewServer(api)
	defer srv.Close()
	dir := runFolder(t)
	p, addr := engine(t, dir, []string{
		"SHOP_TOKEN=shop-token-1", "SALEAPP_KEY=" + saleapptest.DefaultKey,
		"SALEAPP_URL=" + srv.URL + saleapptest.APIPath,
	}, "--admin", "127.0.0.1:0")
	hook := "http://" + addr + "/in/shop/shop-token-1"
	order := `{"order_id": 15, "products": [{"article": "a", "quantity": 1, "price": 2}]}`
	for i, hook := range []struct {
		url, body string
		want      int
	}{
		{hook, order, 200},
		{hook, order, 200},
		{hook, `{"order_id": `, 400},
		{"http://" + addr + "/in/shop/wrong-token", order, 404},
		{hook, `{"order_id": 16, "products": 5}`, 200},
	} {
		if code := put(t, hook.url, hook.body); code == http.StatusServiceUnavailable {
			t.Skipf("the disk takes over two seconds for webhook %d, which spoils the figures", i)
		} else if code != hook.want {
			t.Fatalf("webhook %d is answered with %d", i, code)
		}
	}
	want := map[string]string{
		`crosswalk_ready`:                             "1",
		`crosswalk_state_readable`:                    "1",
		`crosswalk_webhooks_total{connection="shop"}`: "4",
		`crosswalk_webhooks_refused_total{connection="shop",reason="bad_json"}`:                      "1",
		`crosswalk_webhooks_refused_total{connection="",reason="not_found"}`:                         "1",
		`crosswalk_events_accepted_total{connection="shop"}`:                                         "2",
		`crosswalk_events_duplicate_total{connection="shop"}`:                                        "1",
		`crosswalk_outcomes_total{mapping="order",outcome="delivered",sink="saleapp",source="shop"}`: "1",
		`crosswalk_outcomes_total{mapping="order",outcome="dead",sink="saleapp",source="shop"}`:      "1",
		`crosswalk_delivery_seconds_count{sink="saleapp",source="shop"}`:                             "1",
		`crosswalk_webhook_seconds_count{connection="shop",status="2xx"}`:                            "3",
		`crosswalk_plugin_up{connection="saleapp",plugin="saleapp"}`:                                 "1",
		`crosswalk_dead_letters`: "1",
		`crosswalk_lane_backlog_events{sink="saleapp",source="shop"}`: "0",
	}
	// Requests are counted after their answers, and outcomes after they are stored.
	var missing map[string]string
	defer func() {
		for name, got := range missing {
			t.Errorf("%s is %q, want %s", name, got, want[name])
		}
	}()
	eventually(t, "the figures are as they should be", func() bool {
		missing = map[string]string{}
		got := scrapeOf(t, "http://"+p.admin+"/metrics")
		for name, value := range want {
			if got[name] != value {
				missing[name] = got[name]
			}
		}
		return len(missing) == 0
	})
}

// scrapeOf reads the samples of a scrape, by name and labels.
func scrapeOf(t *testing.T, url string) map[string]string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out := map[string]string{}
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		if name, value, ok := cutLast(sc.Text()); ok && !strings.HasPrefix(name, "#") {
			out[name] = value
		}
	}
	if resp.StatusCode != http.StatusOK {
		rest, _ := io.ReadAll(resp.Body)
		t.Fatal(fmt.Sprint(resp.StatusCode, string(rest)))
	}
	return out
}

func cutLast(line string) (name, value string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}
