package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBinary builds the sandbox, runs it with every flag, and stops it by SIGTERM.
func TestBinary(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "sandbox")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	base, stop := start(t, bin, "--listen", "127.0.0.1:0", "--key", "org", "--counterparty-key=party",
		"--counterparty-client", "91", "--counterparty-curency", "92", "--counterparty-warehouse", "93",
		"--catalog", "catalog.json", "--latency", "1ms", "--fail", "100%", "--lose", "0.25", "--limit", "1000/s", "--down", "--seed", "5", "--novaposhta-key", "np")

	expect(t, base+"/_faults", "", 200, `{"latency":"1ms","fail":1,"lose":0.25,"limit":"1000/s","down":true}`)
	api := base + "/saleapp/server/api/Orders?secret_key="
	const create = "method_type=POST&external_id=A-1&delivery_types=1&products="
	expect(t, api+"party", create, 503, "<html>")
	expect(t, base+"/_faults", `{"down":false}`, 200, `{"latency":"1ms","fail":1,`)
	expect(t, api+"party", create, 500, "<html>")
	expect(t, base+"/_faults", `{"fail":0,"lose":0}`, 200, `{"latency":"1ms","fail":0,`)
	expect(t, api+"sandbox-organization-key", create, 200, `{"error":"true","error_description":"Невірний ключ`)
	expect(t, api+"org", create, 200, `{"error":"true","error_description":"Не заповнено поле client_id`)
	expect(t, api+"party", create+`[{"sku":"MUG-2","qty":1}]`, 200, `{"error":"true","error_description":"products[0]: товар не знайдено`)
	expect(t, api+"party", create+`[{"sku":"MUG-1","qty":1}]`, 200, `{"error":"false","error_description":"Документ успішно створено!","create_id":1}`)
	orders := get(t, base+"/saleapp/_orders")
	if !strings.Contains(orders, `"client_id":"91","curency_id":"92","warehouse_id":"93","writes":1}`) || !strings.Contains(orders, "Горнятко") {
		t.Errorf("orders: %s", orders)
	}
	const search = `{"apiKey":"np","modelName":"Address","calledMethod":"searchSettlements","methodProperties":{"CityName":"Київ"}}`
	expect(t, base+"/novaposhta/v2.0/json/", search, 200, `{"success":true,"data":[{"Addresses":[{"AddressDeliveryAllowed":true,"Area":"Київська",`)
	expect(t, base+"/novaposhta/v2.0/json/", strings.Replace(search, "np", "sandbox-novaposhta-key", 1), 200, `{"success":false,"data":[],"errors":["API auth fail"]`)
	expect(t, base+"/novaposhta/_faults", `{"fail":1}`, 200, `{"latency":"1ms","fail":1,`)
	expect(t, base+"/novaposhta/v2.0/json/", search, 500, "<html>")
	expect(t, base+"/saleapp/_faults", "", 200, `{"latency":"1ms","fail":0,`)
	expect(t, base+"/_faults", `{"down":true}`, 200, `{"latency":"1ms","fail":0,`)
	expect(t, base+"/novaposhta/v2.0/json/", search, 503, "<html>")
	expect(t, base+"/_faults", `{"lose":"7"}`, 400, `faults: rate "7" is none`)
	expect(t, base+"/elsewhere", "", 404, "404 page not found")

	if err := stop(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// start runs the binary until stop sends it SIGTERM, and reads its address.
func start(t *testing.T, bin string, args ...string) (base string, stop func() error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	if err != nil || !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9]\d*\n$`).MatchString(line) {
		t.Fatalf("the first line is %q, %v", line, err)
	}
	return strings.TrimSpace(line), func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		rest, err := io.ReadAll(lines)
		if err != nil || len(rest) > 0 {
			t.Errorf("more on stdout: %q, %v", rest, err)
		}
		return cmd.Wait()
	}
}

// expect posts a body and compares the answer's beginning.
func expect(t *testing.T, url, body string, status int, want string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		req.Method = http.MethodGet
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || !strings.HasPrefix(string(got), want) {
		t.Errorf("%s %q: got %d %s %v\nwant %d %s", url, body, resp.StatusCode, got, err, status, want)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestWrongFlags(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"--lose 7", 2, `invalid value "7" for flag -lose: rate "7" is none: write 5% or 0.05`},
		{"--limit fast", 2, `invalid value "fast" for flag -limit: limit "fast" is none: write 20/s`},
		{"--down=maybe", 2, `for -down: down "maybe" is none of false, true, drop`},
		{"--latency -1s", 2, "--latency -1s is negative"},
		{"--novaposhta-key=", 2, "--novaposhta-key must not be empty"},
		{"--key=", 2, "--key and --counterparty-key must not be empty"},
		{"--key a --counterparty-key a", 2, "--key and --counterparty-key must differ"},
		{"--counterparty-client=", 2, "--counterparty-client, --counterparty-curency and --counterparty-warehouse must not be empty"},
		{"--catalog " + broken, 2, "--catalog: " + broken + ":2: unexpected EOF"},
		{"--catalog /nowhere/c.json", 2, "--catalog: read the catalogue: open /nowhere/c.json"},
		{"--port 80", 2, "flag provided but not defined: -port; see sandbox --help"},
		{"--down drop", 2, `unexpected argument "drop"`},
		{"--listen 127.0.0.1:none", 1, "listen: "},
		{"--help", 0, "listen on ADDR"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), strings.Fields(tt.args), &stdout, &stderr)
			if code != tt.code || !strings.Contains(stderr.String(), tt.want) || stdout.Len() > 0 {
				t.Errorf("got %d, stdout %q, stderr %s\nwant %d, %s", code, &stdout, &stderr, tt.code, tt.want)
			}
		})
	}
}

// TestStopWhileServing: a request that outlasts the grace does not keep the sandbox alive.
func TestStopWhileServing(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "sandbox")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	base, stop := start(t, bin, "--listen", "127.0.0.1:0", "--latency", "1h")
	failed := make(chan error, 1)
	go func() {
		resp, err := http.PostForm(base+"/saleapp/server/api/Orders?secret_key=x", nil)
		if err == nil {
			_ = resp.Body.Close()
		}
		failed <- err
	}()
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(get(t, base+"/saleapp/_counts"), `"requests":1,`) {
		if time.Now().After(deadline) {
			t.Fatal("the request did not arrive")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if err := <-failed; err == nil {
		t.Error("the request that waits was answered")
	}
}
