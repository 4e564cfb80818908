package pluginhost_test

import (
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
)

func TestConnectionDoesItsWork(t *testing.T) {
	h, _ := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", map[string]any{"key": "s3cret"})
	if got := c.Spec(); got.Version != "1.2.3" || len(got.Operations) != 1 {
		t.Errorf("spec %+v", got)
	}
	d, err := decode(t.Context(), c, "thing")
	if err != nil || d.ID != 42 || len(d.Events) != 1 || d.Events[0].Key != "k1" {
		t.Errorf("decoded %+v, error %v", d, err)
	}
	for _, r := range write(t, t.Context(), c, deeds(t, "a", "b", "c")) {
		if r.Failure != nil || r.Action != "created" {
			t.Errorf("result %+v", r)
		}
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
