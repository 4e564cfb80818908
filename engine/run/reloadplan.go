package run

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// change is an engine that is to take the place of the one that runs, made ready as
// far as that goes beside it.
type change struct {
	*engine
	// changes say in words what is other; none: nothing is.
	changes []string
	// fresh are processes for connections that are new or need another one.
	fresh map[string]*pluginhost.Connection
	// opened are new lanes, ready to run.
	opened []openedLane
	// settled tells that it is recorded that its mappings run, and again are the lanes
	// that have to go back for some of them.
	settled bool
	again   []event.Lane
	// tracing is where traces go, nil where that is as it was.
	tracing *config.Tracing
}

type openedLane struct {
	*lane
	run func(context.Context) error
}

// discard ends what was made ready and is not used.
func (c *change) discard(ctx context.Context) {
	if c == nil {
		return
	}
	for _, l := range c.opened {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancel()
		_ = l.run(ctx) // it has sent nothing
	}
	if c.settled { // what runs goes on to run
		if _, err := c.running.engine().settle(context.Background(), time.Time{}); err != nil { //nolint:contextcheck // what was made ready is discarded also when its context has ended
			c.log.Error("which mappings run is recorded at the next start", "error", err)
		}
	}
	var wg sync.WaitGroup
	for _, conn := range c.fresh {
		wg.Go(func() { _ = bounded(conn.Close) }) //nolint:contextcheck // it is ended in any case; nothing goes to it
	}
	wg.Wait()
}

// prepare reads the configuration and makes an engine of it, without touching the one
// that runs. What is wrong with the files is among the findings.
func (r *running) prepare(ctx context.Context) (*change, *project.Inputs, diag.List, error) {
	now := r.engine()
	in := project.NewInputs()
	cfg, findings := r.read(now.Config.File, in)
	if cfg == nil || findings.HasErrors() {
		return nil, in, findings, nil
	}
	findings = append(findings, cfg.Fixed(now.Config)...)
	if findings.HasErrors() {
		return nil, in, findings, nil
	}
	p := now.Under(cfg, in)
	findings = append(findings, p.CheckConnections(ctx)...)
	programs, list, err := p.CompileAll(ctx, cfg.Mappings)
	findings = append(append(findings, list...), p.CheckTokens(programs)...)
	if findings = findings.Compact(); err != nil || findings.HasErrors() || ctx.Err() != nil {
		return nil, in, findings, err
	}
	c := &change{engine: &engine{Project: p, running: r, programs: programs}, fresh: map[string]*pluginhost.Connection{}}
	err = c.make(ctx, now)
	if refused, is := err.(*connectionError); is { //nolint:errorlint // make gives it as it is
		conn := cfg.Connection(refused.name)
		return c, in, append(findings, conn.PluginFinding(project.RulePlugin, "", refused.err.Error())), nil
	}
	return c, in, findings, err
}

// connectionError says that a connection's new process cannot be used.
type connectionError struct {
	name string
	err  error
}

// Error says why.
func (e *connectionError) Error() string { return fmt.Sprintf("connection %s: %v", e.name, e.err) }

// Unwrap gives why.
func (e *connectionError) Unwrap() error { return e.err }

// read reads the configuration and puts in what its references stand for.
func (r *running) read(file string, in *project.Inputs) (*config.Config, diag.List) {
	text, err := in.Read("the configuration", file, config.MaxSize)
	if err != nil {
		_, findings := config.Load(file) // which words it
		return nil, findings
	}
	cfg, findings := config.Parse(file, text)
	if cfg == nil || findings.HasErrors() {
		return nil, findings
	}
	in.NoteConfig(cfg)
	findings = append(findings, cfg.Resolve(os.LookupEnv)...)
	cfg.Data, cfg.Plugins = cmp.Or(r.options.Data, cfg.Data), cmp.Or(r.options.Plugins, cfg.Plugins)
	if err := r.options.addresses(cfg); err != nil { // it was taken at the start
		findings = append(findings, diag.Diagnostic{Rule: config.RuleValue, Message: err.Error(), Position: diag.Position{File: file}})
	}
	return cfg, findings
}

// make makes everything of c that can be made beside what runs.
func (c *change) make(ctx context.Context, now *engine) error {
	c.links, c.gates = map[string]*link{}, map[string]*delivery.Gate{}
	if err := c.connections(ctx, now); err != nil {
		return err
	}
	for _, conn := range c.Config.Connections {
		c.gates[conn.Name] = now.gates[conn.Name]
		if c.gates[conn.Name] != nil {
			continue
		}
		g, err := c.newGate(conn)
		if err != nil {
			return err
		}
		c.gates[conn.Name] = g
	}
	if err := c.planLanes(ctx); err != nil {
		return err
	}
	if err := c.compareTracing(now); err != nil {
		return err
	}
	c.compare(now)
	for _, l := range c.lanes {
		if err := delivery.CheckMappings(l.mappings); err != nil {
			return err
		}
		if old := now.lane(l.Lane); old != nil {
			l.laneRun = old.laneRun
		}
	}
	c.settled = true
	var err error
	if c.again, err = c.settle(ctx, time.Time{}); err != nil {
		return err
	}
	for _, l := range c.lanes {
		if now.lane(l.Lane) != nil {
			continue
		}
		if err := c.reloads.lanesEnded(ctx, l.Lane); err != nil {
			return err
		}
		run, err := openLane(ctx, l, func() *engine { return c.engine })
		if err != nil {
			return err
		}
		c.opened = append(c.opened, openedLane{l, run})
	}
	return nil
}

// connections finds which connections need another process, and starts those.
func (c *change) connections(ctx context.Context, now *engine) error {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []*connectionError
	)
	for _, conn := range c.Config.Connections {
		l := now.links[conn.Name]
		c.links[conn.Name] = l
		why, err := c.another(ctx, now, conn)
		switch {
		case err != nil:
			mu.Lock()
			errs = append(errs, &connectionError{conn.Name, err})
			mu.Unlock()
			continue
		case why == "":
			continue
		case l == nil:
			c.links[conn.Name] = newLink(conn.Name, c.log)
		}
		c.changes = append(c.changes, "connection "+conn.Name+" "+why)
		wg.Go(func() {
			fresh, err := c.openConnection(ctx, conn, false)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, &connectionError{conn.Name, err})
				return
			}
			c.fresh[conn.Name] = fresh
		})
	}
	wg.Wait()
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b *connectionError) int { return cmp.Compare(a.name, b.name) })
		return errs[0]
	}
	return nil
}

// another says why a connection needs another process, "" where it does not.
func (c *change) another(ctx context.Context, now *engine, conn *config.Connection) (string, error) {
	old := now.Config.Connection(conn.Name)
	if old == nil {
		return "added", nil
	}
	if old.Plugin != conn.Plugin {
		return "has another plugin", nil
	}
	spec, err := c.Host.Describe(ctx, conn.Plugin, nil)
	if err != nil {
		return "", err
	}
	was, err := old.JSON(spec.ConfigSchema)
	if err != nil {
		return "", err
	}
	is, err := conn.JSON(spec.ConfigSchema)
	if err != nil {
		return "", err
	}
	sum := now.links[conn.Name].sum()
	switch {
	case string(was) != string(is):
		return "has another config", nil
	case sum != "" && sum != c.Inputs.Sum(conn.Plugin):
		return "has a new binary of its plugin", nil
	}
	return "", nil
}

// compare finds the changes that need no other process.
func (c *change) compare(now *engine) {
	say := func(format string, args ...any) { c.changes = append(c.changes, fmt.Sprintf(format, args...)) }
	for _, conn := range c.Config.Connections {
		old := now.Config.Connection(conn.Name)
		if old == nil {
			continue
		}
		if conn.Token != old.Token {
			say("connection %s has another token", conn.Name)
		}
		if !equalSignature(conn.Signature, old.Signature) {
			say("connection %s has another signature", conn.Name)
		}
		if conn.Rate != old.Rate {
			say("connection %s has another rate", conn.Name)
		}
		if conn.Limits != old.Limits || conn.Retry != old.Retry {
			say("connection %s has other limits", conn.Name)
		}
	}
	for _, old := range now.Config.Connections {
		if c.Config.Connection(old.Name) == nil {
			say("connection %s removed", old.Name)
		}
	}
	before := map[string]*mapping.Program{}
	for _, p := range now.programs {
		before[p.Name()] = p
	}
	for _, p := range c.programs {
		switch old := before[p.Name()]; {
		case old == nil:
			say("mapping %s added", p.Name())
		case old.SHA256() != p.SHA256():
			say("mapping %s changed", p.Name())
		}
		delete(before, p.Name())
	}
	for _, old := range now.programs {
		if before[old.Name()] != nil {
			say("mapping %s removed", old.Name())
		}
	}
	if c.Config.Admin.Token != now.Config.Admin.Token {
		say("admin.token changed")
	}
	if c.Config.Log.Level != now.Config.Log.Level {
		say("log.level changed")
	}
}

func equalSignature(a, b *config.Signature) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
