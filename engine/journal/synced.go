package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// monitorWait is how long a monitor may take to answer.
const monitorWait = 5 * time.Second

// synced asks the monitors whether their servers sync each write to disk before
// they answer it. What NATS tells a client does not say.
func (c *Cluster) synced(ctx context.Context, log *slog.Logger) error {
	if len(c.Monitors) == 0 {
		log.Warn("whether the NATS servers sync each write to disk is not known, and what was accepted is lost "+
			"where a majority of them loses power: run them with jetstream {sync: always}, and name their monitors in storage.nats.monitor",
			"replicas", c.Replicas)
		return nil
	}
	t, err := c.tls()
	if err != nil {
		return err
	}
	ask := &http.Transport{TLSClientConfig: t, Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	for _, m := range c.Monitors {
		always, err := askSynced(ctx, &http.Client{Transport: ask}, m)
		if err != nil {
			log.Warn("a NATS monitor does not say whether its server syncs each write to disk", "monitor", m, "error", err)
			continue
		}
		if !always {
			return clusterError("monitor", nil, "the NATS server behind %s does not sync each write to disk: set jetstream {sync: always} in its configuration", m)
		}
	}
	return nil
}

func askSynced(ctx context.Context, client *http.Client, monitor string) (always bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, monitorWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(monitor, "/")+"/jsz", nil)
	if err != nil {
		return false, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("it answers %s", resp.Status)
	}
	var out struct {
		Disabled bool `json:"disabled"`
		Config   *struct {
			Sync bool `json:"sync_always"`
		} `json:"config"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&out); err != nil {
		return false, fmt.Errorf("its answer: %w", err)
	}
	if out.Disabled || out.Config == nil {
		return false, errors.New("the server runs without JetStream")
	}
	return out.Config.Sync, nil
}
