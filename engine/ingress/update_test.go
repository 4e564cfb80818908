package ingress_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// TestUpdate changes the connections while requests come in: each is taken as the
// connection was when it came, and the counts go on.
func TestUpdate(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	slow := decoder(func(ctx context.Context, r wire.Request) (wire.Decoded, error) {
		if strings.Contains(string(r.Body), "slow") {
			began <- struct{}{}
			<-goOn
		}
		return decoder(nil).Decode(ctx, r)
	})
	r := start(t, slow, func(o *ingress.Options) {
		o.Connections[0].RatePerSecond, o.Connections[0].Burst = 0.001, 4
	})
	send := func(path, body string) int {
		t.Helper()
		resp, err := http.Post("http://"+r.addr+path, "application/json", strings.NewReader(body)) //nolint:noctx // the server ends with the test
		if err != nil {
			t.Error(err)
			return 0
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	want := func(what string, path string, want int) {
		t.Helper()
		if got := send(path, `{"id":1}`); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	want("before", "/in/shop/"+token, http.StatusOK)
	atHand := make(chan int)
	go func() { atHand <- send("/in/shop/"+token, `{"id":"slow"}`) }()
	<-began

	err := r.Update([]ingress.Connection{
		{Name: "shop", Token: "another-token", Decoder: slow, RatePerSecond: 0.001, Burst: 4},
		{Name: "crm", Token: token, Decoder: slow},
	})
	if err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if got := <-atHand; got != http.StatusOK {
		t.Errorf("what was at hand: %d", got)
	}
	want("the old token", "/in/shop/"+token, http.StatusNotFound)
	want("a new connection", "/in/crm/"+token, http.StatusOK)
	want("the new token", "/in/shop/another-token", http.StatusOK)
	want("the new token", "/in/shop/another-token", http.StatusOK)
	want("a rate that did not change", "/in/shop/another-token", http.StatusTooManyRequests)

	for name, bad := range map[string][]ingress.Connection{
		"twice":      {{Name: "shop", Token: token, Decoder: slow}, {Name: "shop", Token: token, Decoder: slow}},
		"no decoder": {{Name: "shop", Token: token}},
	} {
		if err := r.Update(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	want("after what was refused", "/in/crm/"+token, http.StatusOK)

	if err := r.Update([]ingress.Connection{{Name: "shop", Token: token, Decoder: slow, RatePerSecond: 1000, Burst: 4}}); err != nil {
		t.Fatal(err)
	}
	want("a rate that did change", "/in/shop/"+token, http.StatusOK)
	want("a connection that is gone", "/in/crm/"+token, http.StatusNotFound)
	// A request is counted after its answer.
	eventually(t, "6 requests and 5 events of the one connection", func() bool {
		c := r.Stats().Connections
		return len(c) == 1 && c[0].Requests == 6 && c[0].Accepted == 5
	})
}
