package delivery

import (
	"context"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Doubt has an open gate be paused because another engine says that the sink refuses
// the connection's credentials: before anything more goes, a probe asks whether it
// refuses this engine too. A gate that is shut knows by itself what is the matter. It
// tells whether it was open.
func (g *Gate) Doubt(by string, f *wire.Failure) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.why != nil {
		return false
	}
	g.generation++
	g.current, g.ramp = 0, 1
	g.probed, g.hearsay = false, true
	clear(g.failing)
	g.since, g.kind, g.why, g.until = time.Now(), GatePaused, f, time.Time{}
	g.log.Warn("sending is paused: the sink refuses the connection's credentials, as another engine says; a probe asks whether it refuses this one",
		"engine", by, "code", f.Code, "message", f.Message)
	g.wakeAll()
	return true
}

// Trust ends what Doubt has begun where nothing was asked yet, and has a gate that is
// paused for refused credentials be probed at once: another engine has found that the
// sink takes them again.
func (g *Gate) Trust() {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.why == nil || g.kind != GatePaused:
		return
	case g.hearsay && !g.probing:
		g.believe("the other engine is not refused any more")
	default:
		g.until = time.Time{}
	}
	g.wakeAll()
}

// believe opens a gate that only another engine's word has shut; the first record goes
// alone, and with each that passes one more.
func (g *Gate) believe(why string) {
	g.why, g.hearsay = nil, false
	g.log.Info("sending goes on: " + why)
}

// Recheck probes a gate that is paused and due for it, as a lane that has something
// to send would, and waits for the answer. Where the probe passes, a first record
// goes.
func (g *Gate) Recheck(ctx context.Context) {
	if g.Stats().State == GatePaused && g.look(time.Now(), true).probe {
		g.probe(ctx)
	}
}
