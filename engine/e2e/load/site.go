package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/e2e/process"
)

// startWait bounds the start of a process: a journal of a million events is read.
const startWait = 5 * time.Minute

// stopWait is how long a process may take to end in order.
const stopWait = 20 * time.Second

// known is how many orders the sandbox holds before anything is measured: the
// mapping that needs one request changes them in turn.
const known = 1000

// site is the processes that are measured and where they lie.
type site struct {
	dir, bin, mappings string

	sandbox, engine *process.Process
	logs            []*os.File
	// ingress and admin are the engine's addresses, vendor is the sandbox's.
	ingress, admin, vendor string
	http                   http.Client
}

// logged gives what writes each line that a process prints to a file.
func (s *site) logged(name string) (func(line string), error) {
	log, err := os.OpenFile(filepath.Join(s.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the run's own folder
	if err != nil {
		return nil, err
	}
	s.logs = append(s.logs, log)
	return func(line string) { fmt.Fprintln(log, line) }, nil
}

// stop ends the processes.
func (s *site) stop() {
	for _, p := range []*process.Process{s.engine, s.sandbox} {
		if p != nil {
			p.Stop(stopWait)
		}
	}
	for _, log := range s.logs {
		_ = log.Close()
	}
}

func (s *site) startSandbox(ctx context.Context) (err error) {
	log, err := s.logged("sandbox.log")
	if err != nil {
		return err
	}
	s.sandbox, s.vendor, err = process.Sandbox(ctx, exec.Command(filepath.Join(s.bin, "sandbox"), "--listen", "127.0.0.1:0"), startWait, log) //nolint:gosec // its own binary, ended by stop
	if err != nil {
		return err
	}
	for range known {
		form := url.Values{
			"method_type": {"POST"}, "client_id": {"50"}, "curency_id": {"6"}, "warehouse_id": {"7"}, "delivery_types": {"2"},
			"receiver_name": {"Олена"}, "products": {`[{"sku":"LT-0001","qty":1,"cost":250}]`},
		}
		text, err := s.post(ctx, s.vendor+"/saleapp/server/api/Orders?secret_key="+key, "application/x-www-form-urlencoded", form.Encode())
		if err != nil {
			return err
		}
		if !strings.Contains(text, `"error":"false"`) {
			return fmt.Errorf("the sandbox takes no order: %s", text)
		}
	}
	return nil
}

const (
	key   = "sandbox-organization-key"
	token = "bench-token"
)

// configuration has two shops: the orders of `shop` go the shipped way, which
// needs two requests (find, then create), those of `one` by one request.
func (s *site) configuration() string {
	return fmt.Sprintf(`mappings: [%q, one.yaml]
ingress: {listen: "127.0.0.1:0", rate: off, max_connections: 2000}
admin: {listen: "127.0.0.1:0"}
log: {level: info, format: json}
storage: {min_free_disk: 16MiB}
connections:
  shop: {plugin: horoshop, token: %s}
  one: {plugin: horoshop, token: %[2]s}
  saleapp:
    plugin: saleapp
    config: {url: %q, secret_key: %s, key: organization, client_id: 50, curency_id: 6, warehouse_id: 7, request_timeout: 5s, concurrency: 64}
  novaposhta:
    plugin: novaposhta
    config: {url: %q, api_key: sandbox-novaposhta-key}
`, filepath.Join(s.mappings, "horoshop-order", "mapping.yaml"), token, s.vendor+"/saleapp/server/api", key, s.vendor+"/novaposhta/v2.0/json/")
}

const oneRequest = `mapping: one-request
description: What changes an order that SaleApp has is one request.
from: one.order_created
to: saleapp.update_order
fields:
  id: = order_id % 1000 + 1
  receiver_name: delivery_name
  delivery_types: = 2
  receiver_phone: = phone(delivery_phone, "UA") ?? delivery_phone
  addres: '= join([delivery_type.title, delivery_address], ": ")'
  insurance_amount: = round(total_sum)
  products:
    each: products
    as: item
    where: = item.quantity > 0
    fields:
      sku: item.article
      qty: item.quantity
      cost: item.price
accept:
  - {rule: CW301, path: total_sum, reason: What is insured is never guessed.}
  - {rule: CW301, path: products.0.quantity, reason: Nor is how many pieces.}
`

func (s *site) startEngine(ctx context.Context) (err error) {
	for name, text := range map[string]string{"crosswalk.yaml": s.configuration(), "one.yaml": oneRequest} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	log, err := s.logged("engine.log")
	if err != nil {
		return err
	}
	//nolint:gosec // its own binary, ended by stop
	cmd := exec.Command(filepath.Join(s.bin, "crosswalk"), "run", "--config", filepath.Join(s.dir, "crosswalk.yaml"),
		"--plugins", filepath.Join(s.bin, "plugins"), "--data", filepath.Join(s.dir, "data"))
	var at process.Addresses
	if s.engine, at, err = process.Engine(ctx, cmd, startWait, log); err != nil {
		return err
	}
	s.ingress, s.admin = at.Ingress, "http://"+at.Admin
	return nil
}

// status is what the admin API says, as far as it is used here.
type status struct {
	Connections []struct {
		Name string `json:"name"`
		PID  int    `json:"pid"`
	} `json:"connections"`
	Counters struct {
		Accepted  uint64 `json:"accepted"`
		Delivered uint64 `json:"delivered"`
		Dead      uint64 `json:"dead"`
	} `json:"counters"`
}

func (s *site) status(ctx context.Context) (st status, err error) {
	err = s.get(ctx, s.admin+"/api/v1/status", &st)
	if err == nil && st.Counters.Dead > 0 {
		err = errors.New("there are dead letters: what is measured is not what should be")
	}
	return st, err
}

// sending stops and resumes the way to the sink: act is pause or resume.
func (s *site) sending(ctx context.Context, act string) error {
	_, err := s.post(ctx, s.admin+"/api/v1/connections/"+act, "application/json", `{"connection":"saleapp","by":"bench-e2e"}`)
	return err
}

// latency has each request to the vendor take so long.
func (s *site) latency(ctx context.Context, d time.Duration) error {
	_, err := s.post(ctx, s.vendor+"/saleapp/_faults", "application/json", fmt.Sprintf(`{"latency":%q}`, d))
	return err
}

// ages gives how long the newest events took from their acceptance to their
// delivery.
func (s *site) ages(ctx context.Context, n int) ([]time.Duration, error) {
	var out []time.Duration
	for before := ""; len(out) < n; {
		var page struct {
			Events []struct {
				Received time.Time `json:"received_at"`
				Outcomes []struct {
					At time.Time `json:"at"`
				} `json:"outcomes"`
			} `json:"events"`
			Next uint64 `json:"next"`
		}
		if err := s.get(ctx, s.admin+"/api/v1/events?limit=500"+before, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			for _, o := range e.Outcomes {
				out = append(out, o.At.Sub(e.Received))
			}
		}
		if page.Next == 0 {
			break
		}
		before = fmt.Sprintf("&before=%d", page.Next)
	}
	return out, nil
}

func (s *site) get(ctx context.Context, url string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	text, err := s.do(req)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

func (s *site) post(ctx context.Context, url, contentType, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", contentType)
	text, err := s.do(req)
	return string(text), err
}

func (s *site) do(req *http.Request) ([]byte, error) {
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, text)
	}
	return text, err
}
