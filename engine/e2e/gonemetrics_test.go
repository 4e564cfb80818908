package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What waits for a mapping that is gone from the configuration is in the metrics.
func TestMetricsOfAMappingThatIsGone(t *testing.T) {
	sb := startSandbox(t)
	sb.fault(t, "saleapp", `{"fail": "100%"}`)
	s := newSite(t, sb)
	e := s.start(t)
	if err := insist(t.Context(), http.MethodPut, e.ingress+"/in/shop/"+shopToken, shopOrder(1, "вул. Нова")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(s.dir, "crosswalk.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	fewer := strings.Replace(string(text), "*/mapping.yaml", "salesdrive-order/mapping.yaml", 1)
	if fewer == string(text) {
		t.Fatal("the configuration names its mappings otherwise")
	}
	eventually(t, "an attempt", func() error {
		for _, l := range e.status(t).Lanes {
			if len(l.Waiting) > 0 {
				return nil
			}
		}
		return errors.New("none yet")
	})
	if err := os.WriteFile(config, []byte(fewer), 0o600); err != nil {
		t.Fatal(err)
	}
	const of = `{mapping="horoshop-order",sink="saleapp",source="shop"} `
	eventually(t, "the metrics", func() error {
		got := get(t, e.admin+"/metrics")
		if !strings.Contains(got, "\ncrosswalk_paused_mapping_backlog_events"+of+"1\n") ||
			!strings.Contains(got, "\ncrosswalk_paused_mapping_oldest_event_timestamp_seconds"+of) {
			return errors.New("they do not tell of it")
		}
		return nil
	})
}
