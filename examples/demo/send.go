package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// webhook is one body with the way it is sent.
type webhook struct {
	method, connection, token, file string
	// what is said about it while it is sent.
	what string
}

// webhooks are sent in this order, each after the answer to the one before.
func webhooks() []webhook {
	shop := func(file, what string) webhook {
		return webhook{http.MethodPut, "shop", shopToken, file, what}
	}
	sd := func(file, what string) webhook {
		return webhook{http.MethodPost, "salesdrive", salesdriveToken, file, what}
	}
	crm := func(file, what string) webhook {
		return webhook{http.MethodPost, "crm", crmToken, file, what}
	}
	return []webhook{
		shop("horoshop-115.json", "order_created, the example of Horoshop's document"),
		shop("horoshop-116.json", "order_created, cash on delivery"),
		shop("horoshop-117.json", "order_created, UkrPoshta, paid"),
		sd("salesdrive-new.json", "new_order"),
		sd("salesdrive-status.json", "status_change of the same order"),
		crm("retailcrm-new.json", "new order, JSON"),
		crm("retailcrm-changed.form", "the same order changed, a form"),
		shop("horoshop-116.json", "the second webhook once more"),
		shop("horoshop-118-unmappable.json", "a delivery type that no table row has"),
	}
}

// sendAll sends every webhook until it is accepted, as the vendors do, and gives
// how many there were, and how often one had to be sent again. What is sent again
// may be a duplicate.
func sendAll(ctx context.Context, e *engine, dir string) (sent, again int, err error) {
	hooks := webhooks()
	for _, h := range hooks {
		body, err := os.ReadFile(filepath.Join(dir, h.file)) //nolint:gosec // one of the demo's own bodies
		if err != nil {
			return 0, 0, err
		}
		body = bytes.TrimRight(body, "\n")
		status, answer, err := send(ctx, e.ingress, h, body)
		for err == nil && status == http.StatusServiceUnavailable {
			again++
			if err = pause(ctx); err == nil {
				status, answer, err = send(ctx, e.ingress, h, body)
			}
		}
		if err != nil {
			return 0, 0, err
		}
		fmt.Fprintf(os.Stdout, "%-4s %-10s %-28s %s: %d %s\n", h.method, h.connection, h.file, h.what, status, answer)
		if status/100 != 2 {
			return 0, 0, fmt.Errorf("%s was answered %d, want 2xx", h.file, status)
		}
	}
	fmt.Fprintln(os.Stdout)
	return len(hooks), again, nil
}

func send(ctx context.Context, base string, h webhook, body []byte) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, h.method, base+"/in/"+h.connection+"/"+h.token, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(h.file, ".form") {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	return resp.StatusCode, strings.TrimSpace(string(text)), err
}

// getJSON reads a JSON answer into v.
func getJSON(ctx context.Context, url string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// pause waits a moment between two looks.
func pause(ctx context.Context) error {
	select {
	case <-time.After(50 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
