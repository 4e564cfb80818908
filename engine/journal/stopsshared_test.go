package journal_test

import (
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// A person's word is known to all engines, and the last one counts.
func TestStopsAreShared(t *testing.T) {
	s := natsServer(t)
	a, b := onCluster(t, s), onCluster(t, s)
	var mu sync.Mutex
	told := map[bool]int{}
	b.TellStops(func(s journal.Stop) {
		mu.Lock()
		defer mu.Unlock()
		told[s.Stopped]++
	})
	for _, stopped := range []bool{true, false, true} {
		if err := a.SetStopped(t.Context(), journal.Stop{Connection: "saleapp", Stopped: stopped, By: "olena", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		until(t, "the other engine knows", func() bool { return b.Stop("saleapp").By == "olena" && b.Stop("saleapp").Stopped == stopped })
		if a.Stop("saleapp").Stopped != stopped {
			t.Error("the engine that was told does not know")
		}
	}
	until(t, "the other engine was told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return told[true] == 2 && told[false] == 1
	})
}
