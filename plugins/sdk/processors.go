package sdk

import (
	"os"
	"runtime"
	"time"
)

const (
	// lookEvery is how often a connector looks at how much of a processor it uses.
	lookEvery = time.Second
	// muchLoad and littleLoad are shares of one processor: with more than the first in
	// use a connector gets all there are, and one again after calmLooks in a row with
	// less than the second.
	muchLoad, littleLoad = 0.75, 0.5
	calmLooks            = 10
)

// processors lets a connector's code run on one processor as long as that is enough,
// and on all of them else. Most of what a connector does is to wait, a little work, and
// to wait again; on several processors each such bit wakes another thread that looks
// for work and finds none, which costs more than the bit itself.
type processors struct {
	many bool
	calm int
}

// next takes in that so much of a processor was used since the last look, and tells
// whether to run on all of them.
func (p *processors) next(load float64) (many bool) {
	switch {
	case load > muchLoad:
		p.many, p.calm = true, 0
	case load >= littleLoad:
		p.calm = 0
	default:
		if p.calm++; p.calm >= calmLooks {
			p.many = false
		}
	}
	return p.many
}

// adapt keeps to what processors says for the rest of the process. What the environment
// says by GOMAXPROCS stands.
func adapt() {
	used, ok := processorTime()
	if !ok || os.Getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) == 1 {
		return
	}
	runtime.GOMAXPROCS(1)
	go func() {
		var p processors
		for at, many := time.Now(), false; ; {
			time.Sleep(lookEvery)
			now, ok := processorTime()
			if !ok {
				continue
			}
			want := p.next(float64(now-used) / float64(time.Since(at)))
			used, at = now, time.Now()
			if want == many {
				continue
			}
			if many = want; many {
				runtime.SetDefaultGOMAXPROCS()
			} else {
				runtime.GOMAXPROCS(1)
			}
		}
	}()
}
