package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/e2e/process"
)

// The example's credentials. They guard nothing but the example.
const (
	salesdriveToken = "cluster-salesdrive-token-4c1d"
	natsPassword    = "cluster-nats-password" //nolint:gosec // guards nothing but the example
	saleappKey      = "sandbox-organization-key"
	novaposhtaKey   = "sandbox-novaposhta-key"
)

// engine is one of the engines, and where it answers.
type engine struct {
	*process.Process
	process.Addresses
}

// system is all that runs.
type system struct {
	sandbox *process.Process
	saleapp string // the root of the sandbox's address
	nodes   []*process.Process
	engines []engine
	client  *http.Client
}

func (s *system) stop() {
	for _, e := range s.engines {
		e.Kill()
	}
	for _, n := range s.nodes {
		n.Kill()
	}
	if s.sandbox != nil {
		s.sandbox.Kill()
	}
}

// startNode starts one of the NATS servers, which this program is itself.
func startNode(ctx context.Context, config string) (*process.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "node", config) //nolint:gosec // this program, ended by Kill
	cmd.Env = append(os.Environ(), "NATS_PASSWORD="+natsPassword)
	said := make(chan struct{}, 1)
	p, err := process.Start(cmd, func(line string) {
		if strings.Contains(line, "listens at ") {
			select {
			case said <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if _, err := process.Await(ctx, p, said, startTimeout); err != nil {
		return nil, err
	}
	return p, nil
}

// start starts everything; what was started before an error is in the system.
func start(ctx context.Context, bin, config, data string) (*system, error) {
	s := &system{client: &http.Client{Timeout: 10 * time.Second}}
	ports, err := freePorts(ctx, 9)
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
		p, err := startNode(ctx, file)
		if err != nil {
			return s, err
		}
		s.nodes = append(s.nodes, p)
	}
	//nolint:gosec // the example's own binary, ended by Kill
	s.sandbox, s.saleapp, err = process.Sandbox(ctx, exec.Command(filepath.Join(bin, "sandbox"), "--listen", "127.0.0.1:0", "--key", saleappKey), startTimeout, nil)
	if err != nil {
		return s, err
	}
	env := []string{
		"NATS_URL=" + strings.Join(urls, ","), "NATS_PASSWORD=" + natsPassword, fmt.Sprintf("NATS_MONITOR=http://127.0.0.1:%d", ports[1]),
		"SALESDRIVE_TOKEN=" + salesdriveToken, "SALEAPP_URL=" + s.saleapp + "/saleapp/server/api", "SALEAPP_KEY=" + saleappKey,
		"NOVAPOSHTA_URL=" + s.saleapp + "/novaposhta/v2.0/json/", "NOVAPOSHTA_KEY=" + novaposhtaKey,
	}
	for range 3 {
		//nolint:gosec // the example's own binary, ended by Kill
		cmd := exec.Command(filepath.Join(bin, "crosswalk"), "run", "--config", config,
			"--plugins", filepath.Join(bin, "plugins"), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json")
		cmd.Env = append(os.Environ(), env...)
		p, at, err := process.Engine(ctx, cmd, startTimeout, nil)
		if err != nil {
			return s, err
		}
		s.engines = append(s.engines, engine{p, at})
	}
	return s, nil
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
		url := "http://" + s.engines[try%len(s.engines)].Ingress + "/in/salesdrive/" + salesdriveToken
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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.saleapp+"/saleapp/_orders", nil)
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
