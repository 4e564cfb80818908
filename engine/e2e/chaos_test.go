package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestChaos sends changes of several orders from two sources while the engine and
// its plugins are killed and stopped at random, and SaleApp fails, loses answers
// and goes down. In the end each order is there once in its last state, and each
// accepted event has one outcome, none of them dead (D1 to D5). What happens is
// drawn by the seed in CROSSWALK_CHAOS_SEED; when it happens differs from run to run.
func TestChaos(t *testing.T) {
	seed := uint64(7) // draws each kind at least once
	if text := os.Getenv("CROSSWALK_CHAOS_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	sb := startSandbox(t, "--lose", "10%", "--fail", "10%", "--latency", "5ms", "--seed", fmt.Sprint(seed))
	s := newSite(t, sb)
	e := s.start(t)
	var ingress atomic.Pointer[string]
	ingress.Store(&e.ingress)

	stop := make(chan struct{})
	var senders sync.WaitGroup
	last := make([]map[int]int, 4) // each sender's orders, with the version accepted last
	for i := range last {
		last[i] = map[int]int{}
		senders.Go(func() {
			for n := 0; ; n++ {
				order := 100*(i+1) + n%6
				version := last[i][order] + 1
				if !persist(t, &ingress, i, order, version) {
					return
				}
				last[i][order] = version
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	restart := func() {
		e = s.start(t)
		ingress.Store(&e.ingress)
	}
	for range 10 {
		what := random.IntN(5)
		t.Logf("%s", []string{"kill the engine", "kill the engine twice", "end the engine", "kill a plugin", "take SaleApp down"}[what])
		switch what {
		case 0:
			e.kill()
			restart()
		case 1:
			e.kill()
			restart()
			e.kill()
			restart()
		case 2:
			if err := e.terminate(t); err != nil {
				t.Errorf("after SIGTERM: %v", err)
			}
			restart()
		case 3:
			connection := []string{"shop", "salesdrive", "saleapp"}[random.IntN(3)]
			// It may have ended by itself, as its engine was ended before.
			_ = syscall.Kill(e.pid(t, connection), syscall.SIGKILL)
		case 4:
			sb.faults(t, `{"down":"drop"}`)
			time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
			sb.faults(t, `{"down":false}`)
		}
		time.Sleep(time.Duration(random.IntN(800)) * time.Millisecond)
	}
	close(stop)
	senders.Wait()
	if t.Failed() {
		return
	}
	sb.faults(t, `{"lose":0,"fail":0}`)

	want := map[string]string{}
	events := uint64(0)
	for _, orders := range last {
		for id, version := range orders {
			want[fmt.Sprint(id)] = fmt.Sprintf("v%d", version)
			events += uint64(version)
		}
	}
	eventually(t, "all events delivered", func() error { return e.settled(t, events) })
	for _, o := range sb.orders(t) {
		if o.Addres != want[o.ExternalID] && o.Addres != "Кур'єр: "+want[o.ExternalID] {
			t.Errorf("order %s stands at %q, want %q, and once", o.ExternalID, o.Addres, want[o.ExternalID])
		}
		delete(want, o.ExternalID)
	}
	if len(want) > 0 {
		t.Errorf("orders are missing: %v", want)
	}
	seen := map[uint64]int{}
	for from := 1; ; {
		var page []struct {
			Sequence uint64 `json:"sequence"`
			Outcome  string `json:"outcome"`
		}
		getJSON(t, fmt.Sprintf("%s/api/v1/outcomes?limit=1000&from=%d", e.admin, from), &page)
		for _, o := range page {
			if o.Outcome != "duplicate" {
				seen[o.Sequence]++
			}
		}
		if from += len(page); len(page) < 1000 {
			break
		}
	}
	for sequence, n := range seen {
		if n != 1 {
			t.Errorf("event %d has %d outcomes", sequence, n)
		}
	}
	if uint64(len(seen)) != events {
		t.Errorf("%d of %d events have an outcome", len(seen), events)
	}
}

// persist sends a version of an order until it is accepted, wherever the engine
// is by then: even senders are SalesDrive, odd ones the shop.
func persist(t *testing.T, ingress *atomic.Pointer[string], sender, order, version int) bool {
	method, path, body := http.MethodPost, "/in/salesdrive/"+salesdriveToken, salesdriveOrder(order, version)
	if sender%2 == 1 {
		method, path, body = http.MethodPut, "/in/shop/"+shopToken, shopOrder(order, fmt.Sprintf("v%d", version))
	}
	for end := time.Now().Add(deadline); ; {
		code, text, err := send(t.Context(), method, *ingress.Load()+path, "application/json", body)
		switch {
		case err == nil && code/100 == 2:
			return true
		case err == nil && code/100 == 4, time.Now().After(end), t.Context().Err() != nil:
			t.Errorf("order %d, version %d: %d %s %v", order, version, code, text, err)
			return false
		}
		time.Sleep(50 * time.Millisecond)
	}
}
