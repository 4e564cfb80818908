package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The example's credentials. They guard nothing but the example.
const (
	salesdriveToken = "cluster-salesdrive-token-4c1d"
	natsPassword    = "cluster-nats-password" //nolint:gosec // guards nothing but the example
	saleappKey      = "sandbox-organization-key"
	novaposhtaKey   = "sandbox-novaposhta-key"
)

// process is a child, and what it said when it was ready.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	said   string
	// admin is where an engine's admin API answers.
	admin string
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// system is all that runs.
type system struct {
	sandbox        *process
	nodes, engines []*process
	client         *http.Client
}

func (s *system) stop() {
	for _, p := range append(append(s.engines, s.nodes...), s.sandbox) {
		if p != nil {
			p.kill()
		}
	}
}

// launch starts a child and waits for the line that ready picks something from.
func launch(ctx context.Context, env []string, ready func(line string) string, name string, args ...string) (*process, error) {
	cmd := exec.Command(name, args...) //nolint:gosec,noctx // the example's own binaries, ended by kill
	cmd.Env = append(os.Environ(), env...)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (run `make build` first): %w", name, err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	said, last := make(chan string, 1), ""
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			last = lines.Text()
			if s := ready(last); s != "" {
				select {
				case said <- s:
				default:
				}
			}
		}
	}()
	go func() {
		_ = cmd.Wait()
		_ = w.Close()
		<-read
		close(p.exited)
	}()
	select {
	case p.said = <-said:
		return p, nil
	case <-p.exited:
		return nil, fmt.Errorf("%s ended before it was ready: %s", name, last)
	case <-time.After(startTimeout):
	case <-ctx.Done():
	}
	p.kill()
	return nil, errors.Join(fmt.Errorf("%s was not ready: %s", name, last), ctx.Err())
}

// start starts everything; what was started before an error is in the system.
func start(ctx context.Context, bin, config, data string) (*system, error) {
	s := &system{client: &http.Client{Timeout: 10 * time.Second}}
	ports, err := freePorts(ctx, 9)
	if err != nil {
		return s, err
	}
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	var urls, routes []string
	for n := range 3 {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", ports[3*n]))
		routes = append(routes, fmt.Sprintf(`"nats://127.0.0.1:%d"`, ports[3*n+2]))
	}
	for n := range 3 {
		file := filepath.Join(data, fmt.Sprintf("n%d.conf", n+1))
		text := fmt.Sprintf(nodeConfig, fmt.Sprintf("n%d", n+1), ports[3*n], ports[3*n+1],
			filepath.Join(data, fmt.Sprintf("n%d", n+1)), ports[3*n+2], strings.Join(routes, ", "))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return s, err
		}
		p, err := launch(ctx, []string{"NATS_PASSWORD=" + natsPassword}, after("listens at "), self, "node", file)
		if err != nil {
			return s, err
		}
		s.nodes = append(s.nodes, p)
	}
	s.sandbox, err = launch(ctx, nil, after("http://"), filepath.Join(bin, "sandbox"), "--listen", "127.0.0.1:0", "--key", saleappKey)
	if err != nil {
		return s, err
	}
	root := s.saleapp()
	env := []string{
		"NATS_URL=" + strings.Join(urls, ","), "NATS_PASSWORD=" + natsPassword, fmt.Sprintf("NATS_MONITOR=http://127.0.0.1:%d", ports[1]),
		"SALESDRIVE_TOKEN=" + salesdriveToken, "SALEAPP_URL=" + root + "/saleapp/server/api", "SALEAPP_KEY=" + saleappKey,
		"NOVAPOSHTA_URL=" + root + "/novaposhta/v2.0/json/", "NOVAPOSHTA_KEY=" + novaposhtaKey,
	}
	for range 3 {
		p, err := launch(ctx, env, readyEngine, filepath.Join(bin, "crosswalk"), "run", "--config", config,
			"--plugins", filepath.Join(bin, "plugins"), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json")
		if err != nil {
			return s, err
		}
		p.said, p.admin, _ = strings.Cut(p.said, " ")
		s.engines = append(s.engines, p)
	}
	return s, nil
}

// after gives the first word behind what a line holds.
func after(what string) func(string) string {
	return func(line string) string {
		if _, rest, ok := strings.Cut(line, what); ok {
			return strings.Fields(rest + " ")[0]
		}
		return ""
	}
}

func readyEngine(line string) string {
	var l struct{ Msg, Ingress, Admin string }
	if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "ready" {
		return l.Ingress + " " + l.Admin
	}
	return ""
}

func (s *system) saleapp() string {
	host, _, _ := strings.Cut(s.sandbox.said, "/")
	return "http://" + host
}

// freePorts gives ports that are free now: the servers of a cluster must know each
// other's before they start.
func freePorts(ctx context.Context, n int) ([]int, error) {
	var ports []int
	for range n {
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = ln.Close() }()
		if addr, ok := ln.Addr().(*net.TCPAddr); ok {
			ports = append(ports, addr.Port)
		}
	}
	return ports, nil
}

// send sends an order to the engines in turn until one has accepted it, as SalesDrive
// would through a balancer.
func (s *system) send(ctx context.Context, n int) error {
	body := fmt.Sprintf(`{"info":{"webhookType":"order","webhookEvent":"new_order","account":"demo"},`+
		`"data":{"id":%d,"version":1,"shipping_address":"Київ","products":[{"sku":"A-1","amount":1,"price":100}]}}`, n+1)
	for try := n; ; try++ {
		url := "http://" + s.engines[try%len(s.engines)].said + "/in/salesdrive/" + salesdriveToken
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := s.client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode/100 == 2 {
				break
			}
			if resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusUnprocessableEntity {
				return fmt.Errorf("order %d was refused: %s", n+1, resp.Status)
			}
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return pause(ctx)
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(50 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// arrivals are the orders in SaleApp.
type arrivals struct{ orders, twice int }

func (s *system) arrived(ctx context.Context) (arrivals, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.saleapp()+"/saleapp/_orders", nil)
	if err != nil {
		return arrivals{}, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return arrivals{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	var all []struct {
		ExternalID string `json:"external_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		return arrivals{}, err
	}
	seen := map[string]int{}
	var out arrivals
	for _, o := range all {
		if seen[o.ExternalID]++; seen[o.ExternalID] == 2 {
			out.twice++
		}
	}
	out.orders = len(seen)
	return out, nil
}
