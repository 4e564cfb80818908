package e2e

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// chaosSize is how much a run of chaos is, and the seed that it is drawn from.
type chaosSize struct {
	seed   uint64
	orders int
	rate   int // webhooks a second
}

// chaosSizeOf reads the size from the environment; what is not there is the short
// form's.
func chaosSizeOf() (chaosSize, error) {
	size := chaosSize{seed: 7, orders: 100, rate: 40}
	for _, v := range []struct {
		name string
		set  func(uint64)
		most uint64
	}{
		{"SEED", func(n uint64) { size.seed = n }, 1 << 63},
		{"ORDERS", func(n uint64) { size.orders = int(n) }, 1_000_000},
		{"RATE", func(n uint64) { size.rate = int(n) }, 10_000},
	} {
		text := os.Getenv("CROSSWALK_CHAOS_" + v.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n == 0 || n > v.most {
			return size, fmt.Errorf("%s is %q, want a whole number from 1 to %d", v.name, text, v.most)
		}
		v.set(n)
	}
	return size, nil
}

// webhook is one webhook of a plan.
type webhook struct {
	order, version int
	// shop: Horoshop sends it, and else SalesDrive.
	shop bool
	// bad is one that no mapping can take.
	bad bool
	// hasty is sent whatever became of the version before it.
	hasty bool
	// repeats is how often it is sent again once it is accepted.
	repeats int
	// late is a repeat of one that was due long before.
	late bool
}

// perOrder is how many versions an order has on average.
const perOrder = 4

// shopFrom is the first number of the shop's orders; SalesDrive's are below.
const shopFrom = 5_000_000

// blow is something that goes wrong when the webhook at is due.
type blow struct {
	at   int
	what string
	// target is a connection; for how long, or after how long.
	target string
	during time.Duration
	// faults are what the sandbox is told, delay is of each fsync.
	faults string
	delay  time.Duration
	// ends is whether it is the end of something; disk, whether it is of the disk.
	ends, disk bool
}

// chaosPlan is all that is drawn from a seed.
type chaosPlan struct {
	webhooks []webhook
	blows    []blow
}

// What SaleApp and the disk are like while nothing particular is wrong.
const (
	calmFaults = `{"fail":0.02,"lose":0.02,"latency":"5ms","limit":0,"down":false}`
	calmDelay  = 3 * time.Millisecond
	noFaults   = `{"fail":0,"lose":0,"latency":"0s","limit":0,"down":false}`
)

// Names of what goes wrong, as the report counts them.
const (
	killEngine    = "kill -9 of the engine"
	killStarting  = "kill -9 of the engine, and of the next one while it starts"
	endEngine     = "engine ended in order"
	freezeEngine  = "engine stopped for a moment"
	killPlugin    = "kill -9 of a plugin"
	freezePlugin  = "plugin stopped for a moment"
	mendLetters   = "dead letters retried and edited"
	saleappDown   = "SaleApp down, answering 503"
	saleappGone   = "SaleApp down, closing connections"
	saleappLimits = "SaleApp limited to 20 requests a second"
	saleappFails  = "SaleApp failing and losing every third"
	saleappHangs  = "SaleApp slower than the timeout"
	diskSlow      = "fsync slow"
	diskStalls    = "fsync stalled now and then"
	diskFull      = "disk full for a moment"
	killDiskFull  = "kill -9 of the engine while its disk is full, and a start before there is room"
)

// plan draws what happens. Each kind of blow comes at least once, and again for each
// half minute that the run takes at its rate.
func (size chaosSize) plan() chaosPlan {
	random := rand.New(rand.NewPCG(size.seed, 0))
	p := chaosPlan{webhooks: drawWebhooks(random, size.orders)}
	n := len(p.webhooks)
	rounds := max(1, n/(30*size.rate))
	for round := range rounds {
		from, to := n*round/rounds, n*(round+1)/rounds
		p.blows = append(p.blows, drawBlows(random, from, to)...)
		p.blows = append(p.blows, drawWeather(random, from, to)...)
	}
	slices.SortStableFunc(p.blows, func(a, b blow) int { return cmp.Compare(a.at, b.at) })
	return p
}

// drawWebhooks draws the orders' webhooks in the order in which they are due.
func drawWebhooks(random *rand.Rand, orders int) []webhook {
	type due struct {
		webhook
		when float64 // a share of the run
	}
	var all []due
	left := (perOrder - 1) * orders
	for i := range orders {
		// Most orders change a few times, some often, and together perOrder-1 times.
		changes := min(left, random.IntN(2*perOrder-1))
		if i == orders-1 {
			changes = left
		}
		left -= changes
		w := webhook{order: i + 1, shop: random.IntN(5) == 0}
		if w.shop {
			w.order += shopFrom
		}
		w.hasty = !w.shop && random.IntN(8) == 0
		when := random.Float64() * 0.9
		for w.version = 1; w.version <= changes+1; w.version++ {
			w.bad = !w.shop && w.version > 1 && random.IntN(25) == 0
			w.repeats = max(0, random.IntN(20)-17)
			all = append(all, due{w, when})
			if !w.shop && random.IntN(25) == 0 {
				again := w
				again.late, again.repeats = true, 0
				all = append(all, due{again, when + random.Float64()*0.1})
			}
			when += random.ExpFloat64() * 0.02
		}
	}
	slices.SortStableFunc(all, func(a, b due) int { return cmp.Compare(a.when, b.when) })
	webhooks := make([]webhook, len(all))
	for i := range all {
		webhooks[i] = all[i].webhook
	}
	return webhooks
}

// drawBlows draws what happens to processes, once each kind, in any order.
func drawBlows(random *rand.Rand, from, to int) []blow {
	kinds := []string{killEngine, killStarting, endEngine, freezeEngine, killPlugin, killPlugin, freezePlugin, mendLetters, diskFull, killDiskFull}
	random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	var out []blow
	for i, kind := range kinds {
		b := blow{what: kind, at: from + (to-from)*i/len(kinds) + random.IntN(max(1, (to-from)/len(kinds)))}
		switch kind {
		case killStarting:
			b.during = time.Duration(random.IntN(1000)) * time.Millisecond
		case freezeEngine:
			b.during = time.Duration(50+random.IntN(450)) * time.Millisecond
		case killPlugin:
			b.target = []string{"saleapp", "salesdrive", "shop"}[random.IntN(3)]
		case freezePlugin:
			b.target = []string{"saleapp", "salesdrive", "shop"}[random.IntN(3)]
			b.during = time.Duration(500+random.IntN(2500)) * time.Millisecond
		case diskFull, killDiskFull:
			b.disk = true
			b.during = time.Duration(random.IntN(1000)) * time.Millisecond
		}
		out = append(out, b)
	}
	return out
}

// drawWeather draws what is wrong with SaleApp and the disk for a while each, one
// after another.
func drawWeather(random *rand.Rand, from, to int) []blow {
	kinds := []blow{
		{what: saleappDown, faults: `{"down":true}`},
		{what: saleappGone, faults: `{"down":"drop"}`},
		{what: saleappLimits, faults: `{"limit":"20/s"}`},
		{what: saleappFails, faults: `{"fail":0.33,"lose":0.33}`},
		{what: saleappHangs, faults: `{"latency":"3s"}`},
		{what: diskSlow, disk: true, delay: time.Duration(100+random.IntN(300)) * time.Millisecond},
		{what: diskStalls, disk: true, delay: 2500 * time.Millisecond},
	}
	random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	var out []blow
	for i, b := range kinds {
		room := (to - from) / len(kinds)
		b.at = from + room*i + random.IntN(max(1, room/3))
		end := b
		end.ends = true
		end.at = b.at + 1 + room/5 + random.IntN(max(1, room/3))
		out = append(out, b, end)
	}
	return out
}

// TestChaosPlan: the same seed draws the same, another one something else, and a
// plan is what it says to be.
func TestChaosPlan(t *testing.T) {
	size := chaosSize{seed: 3, orders: 5000, rate: 100}
	p := size.plan()
	if text := fmt.Sprint(p); text != fmt.Sprint(size.plan()) {
		t.Error("the same seed draws something else")
	} else if size.seed++; text == fmt.Sprint(size.plan()) {
		t.Error("two seeds draw the same")
	}
	last, first, kinds := map[int]int{}, 0, map[string]int{}
	for _, w := range p.webhooks {
		if w.late {
			continue
		}
		first++
		if w.version != last[w.order]+1 {
			t.Fatalf("order %d: version %d is due after %d", w.order, w.version, last[w.order])
		}
		last[w.order] = w.version
	}
	if first != perOrder*size.orders || len(last) != size.orders {
		t.Errorf("%d webhooks of %d orders", first, len(last))
	}
	for _, b := range p.blows {
		kinds[b.what]++
	}
	if len(kinds) != 16 {
		t.Errorf("what goes wrong: %v", kinds)
	}
	for what, n := range kinds {
		if n < 6 {
			t.Errorf("%s comes %d times", what, n)
		}
	}
}
