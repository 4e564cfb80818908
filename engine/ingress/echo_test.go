package ingress_test

import (
	"context"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// TestEchoIsChecked has a connector give the body as its record: that is an event only
// where the body is a JSON object, whatever it claimed to be.
func TestEchoIsChecked(t *testing.T) {
	r := start(t, func(_ context.Context, r wire.Request) (wire.Decoded, error) {
		return wire.Decoded{Events: []wire.Event{{Type: "t", Key: "k", Record: r.Body}}}, nil
	}, nil)
	const (
		form      = "application/x-www-form-urlencoded"
		multipart = "multipart/form-data; boundary=b"
	)
	for _, c := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"object", "application/json", `{"a":1}`, 200},
		{"object in spaces", "application/json", " {\"a\":1}\n", 200},
		{"array", "application/json", `[1]`, 500},
		{"byte order mark", "application/json", "\xEF\xBB\xBF{}", 500},
		{"object sent as a form", form, `{"a":1}`, 200},
		{"form", form, `a=1`, 500},
		{"form with a brace", form, `a={`, 500},
		{"multipart", multipart, "{\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n", 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(r.journal.all())
			got := r.send(t, "POST", "/in/shop/"+token, strings.NewReader(c.body), "Content-Type", c.contentType)
			if got.StatusCode != c.status {
				t.Errorf("got %d %s, want %d", got.StatusCode, got.text, c.status)
			}
			if stored := len(r.journal.all()) - before; stored == 1 != (c.status == 200) {
				t.Errorf("%d events are stored", stored)
			}
		})
	}
}
