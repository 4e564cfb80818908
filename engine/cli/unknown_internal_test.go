package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
)

// TestUnknownNames says of a list of nothing which of the names it was asked for the
// engine does not have.
func TestUnknownNames(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		var answer any = map[string]any{} // of every list
		if r.URL.Path == "/api/v1/status" {
			answer = admin.Status{
				Connections: []admin.Connection{{Name: "saleapp"}, {Name: "shop"}},
				Mappings:    []admin.Mapping{{Name: "order"}}, Paused: []admin.MappingLife{{Mapping: "refund"}},
			}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer srv.Close()
	const noShop, noMapping = "the engine has no connection shp: it has saleapp, shop\n", "the engine has no mapping ordr: it has order, refund\n"
	for command, want := range map[string]struct{ out, said string }{
		"events list":                                {"no events\n", ""},
		"events list --connection shop":              {"no events\n", ""},
		"events list --connection shp":               {"no events\n", noShop},
		"events list --mapping ordr":                 {"no events\n", noMapping},
		"events list --mapping refund --key 7":       {"no events\n", ""},
		"dead list --connection shp --mapping order": {"no dead letters\n", noShop},
		"dead list --sink shp --mapping ordr":        {"no dead letters\n", noShop + noMapping},
		"undecoded list --connection shp":            {"no webhooks wait undecoded, and none was refused after it had been taken\n", noShop},
	} {
		var out, said strings.Builder
		args := append(strings.Fields(command), "--admin", strings.TrimPrefix(srv.URL, "http://"))
		if code := Main("1.2.3", args, strings.NewReader(""), &out, &said); code != exitOK || out.String() != want.out || said.String() != want.said {
			t.Errorf("%s: exit code %d\n%s%s", command, code, out.String(), said.String())
		}
	}
}
