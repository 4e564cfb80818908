package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestD8_BadInput sends what no vendor sends, time and again: each is answered by a
// 4xx with a sentence and nothing of the engine's insides, nothing is stored, nothing
// restarts, and memory stays bounded. A good webhook is then taken as ever.
func TestD8_BadInput(t *testing.T) {
	sb := startSandbox(t)
	e := newSite(t, sb).start(t)
	for _, connection := range []string{"shop", "salesdrive", "saleapp"} {
		e.pid(t, connection)
	}
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(zip, zeros{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	client := &http.Transport{DisableKeepAlives: true} // it is closed under whoever sends what is wrong
	good := shopOrder(1, "вул. Нова, 1")
	shop, sales := "/in/shop/"+shopToken, "/in/salesdrive/"+salesdriveToken
	for _, tc := range []struct {
		name, method, path string
		header             map[string]string
		body               string
		want               int // 0: any 4xx
	}{
		{"no JSON", "PUT", shop, nil, `{"order_id":1,`, 400},
		{"two values", "PUT", shop, nil, `{"order_id":1}{}`, 400},
		{"a key twice over", "PUT", shop, nil, `{"order_id":1 "order_id":2}`, 400},
		{"nothing", "PUT", shop, nil, ``, 0},
		{"a number alone", "PUT", shop, nil, `7`, 0},
		{"an id that is none", "PUT", shop, nil, `{"order_id":{"a":1}}`, 0},
		{"no id", "POST", sales, nil, `{"info":{"webhookType":"order","webhookEvent":"new_order"},"data":{},"meta":{}}`, 422},
		{"an unknown event", "POST", sales, nil, `{"info":{"webhookType":"order","webhookEvent":"burnt"},"data":{"id":1},"meta":{}}`, 422},
		{"a version that is none", "POST", sales, nil, strings.Replace(salesdriveOrder(1, 1), `"version":1`, `"version":-1`, 1), 422},
		{"bytes that are no text", "PUT", shop, nil, "{\"order_id\":1,\"a\":\"\xff\xfe\"}", 0},
		{"deep", "PUT", shop, nil, strings.Repeat("[", 200_000), 0},
		{"large", "PUT", shop, nil, `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, 413},
		{"another charset", "PUT", shop, map[string]string{"Content-Type": "application/json; charset=utf-16"}, good, 415},
		{"another type", "PUT", shop, map[string]string{"Content-Type": "text/xml"}, "<a/>", 415},
		{"a bomb", "PUT", shop, map[string]string{"Content-Encoding": "gzip"}, bomb.String(), 0},
		{"long headers", "PUT", shop, map[string]string{"X-Long": strings.Repeat("x", 2<<20)}, good, 431},
		{"another method", "DELETE", sales, nil, good, 0},
		{"a wrong token", "PUT", "/in/shop/not-the-token-of-it", nil, good, 404},
		{"an unknown connection", "PUT", "/in/nowhere/" + shopToken, nil, good, 404},
		{"a path that climbs", "PUT", "/in/salesdrive/../shop/" + shopToken + "/../x", nil, good, 0},
		{"a path with a zero", "PUT", "/in/shop/%00" + shopToken, nil, good, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 5 {
				req, err := http.NewRequestWithContext(t.Context(), tc.method, e.ingress+tc.path, strings.NewReader(tc.body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				for name, value := range tc.header {
					req.Header.Set(name, value)
				}
				status, text, err := answered(client, req)
				if err != nil {
					// It may cut off what it does not read to the end.
					if len(tc.body)+len(tc.header["X-Long"]) < 1<<20 {
						t.Fatal(err)
					}
					continue
				}
				if status/100 != 4 || tc.want != 0 && status != tc.want {
					t.Fatalf("%d %.300s, want %d", status, text, tc.want)
				}
				if len(text) == 0 || len(text) > 4<<10 {
					t.Errorf("the answer has %d bytes", len(text))
				}
				for _, inside := range []string{"goroutine", ".go:", "panic", shopToken} {
					if strings.Contains(text, inside) {
						t.Errorf("the answer tells %q: %s", inside, text)
					}
				}
			}
		})
	}
	e.order(t, good)
	eventually(t, "the good one", func() error { return e.settled(t, 1) })
	for _, c := range e.status(t).Connections {
		if c.Restarts > 0 {
			t.Errorf("%s was started again %d times", c.Name, c.Restarts)
		}
	}
	if peak, err := peakMemory(e.cmd.Process.Pid); err == nil && peak > 512<<20 {
		t.Errorf("the engine took %d MiB", peak>>20)
	}
}

// answered sends a request as it is and reads the answer.
func answered(client http.RoundTripper, req *http.Request) (status int, text string, err error) {
	resp, err := client.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// zeros is an endless file of nothing.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// peakMemory is how many bytes a process had in memory at most, where Linux tells.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM in %q", text)
}
