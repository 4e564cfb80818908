package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/grpc/status"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// start starts a process and brings it to where it takes work. What it learns of
// the plugin the first time stays.
func (c *Connection) start(ctx context.Context) (*process, error) {
	p, err := c.host.launch(ctx, c.config.Plugin, c.logs)
	if err != nil {
		return nil, c.hiddenError(err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.host.opts.StartTimeout)
	defer cancel()
	// A process that goes away ends the calls; one that hangs is ended by ctx.
	if err := c.configure(ctx, p); err != nil {
		p.fail(err)
		<-p.done
		return nil, c.hiddenError(err)
	}
	return p, nil
}

// configure gets the spec and hands the configuration over.
func (c *Connection) configure(ctx context.Context, p *process) error {
	spec, err := p.describe(ctx, c.config.Plugin, nil)
	if err != nil {
		return err
	}
	clean, secrets, err := splitSecrets(spec.ConfigSchema, c.config.JSON)
	if err != nil {
		return &ConfigError{Connection: c.config.Name, Plugin: c.config.Plugin, Diagnostics: []wire.Diagnostic{{Message: err.Error()}}}
	}
	c.logs.hide(secrets)
	var refused *ConfigError
	under, err := p.describe(ctx, c.config.Plugin, clean)
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	diagnostics, err := p.client.Configure(ctx, c.config.Name, c.config.JSON)
	if err != nil {
		return p.broken(c.config.Plugin, "Configure", err)
	}
	wrong := false
	for i := range diagnostics {
		d := &diagnostics[i]
		d.Message, d.Hint = c.logs.redact(d.Message), c.logs.redact(d.Hint)
		wrong = wrong || !d.Warning
		if d.Warning {
			c.logs.log.Warn("the plugin warns about the configuration", "path", d.Path, "message", d.Message, "hint", d.Hint)
		}
	}
	if !wrong && refused != nil {
		diagnostics, wrong = append(diagnostics, refused.Diagnostics...), true
	}
	if wrong {
		return &ConfigError{Connection: c.config.Name, Plugin: c.config.Plugin, Diagnostics: diagnostics}
	}
	sum, err := c.host.sumOf(c.config.Plugin, p.binary)
	if err != nil {
		return &LaunchError{Plugin: c.config.Plugin, Err: err}
	}
	c.learn(under, sum)
	return nil
}

// learn keeps the spec, or tells that it is another plugin now.
func (c *Connection) learn(spec wire.Spec, sum string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sum == "" {
		c.spec, c.sum = spec, sum
	} else if c.state.Version != spec.Version {
		c.logs.log.Warn("the plugin was replaced while the connection was open; its old spec holds until the connection is opened again",
			"was", c.state.Version, "is", spec.Version)
	}
	c.state.Version = spec.Version
}

// supervise keeps a process running until life ends, because the connection
// closes: p, or, where that is nil because of err, the next one.
func (c *Connection) supervise(life context.Context, p *process, err error) {
	defer close(c.finished)
	defer c.setStopped()
	wait := &backoff.ExponentialBackOff{
		InitialInterval: c.host.opts.BackoffMin, MaxInterval: c.host.opts.BackoffMax,
		Multiplier: 2, RandomizationFactor: 0.5,
	}
	for {
		if p != nil {
			began := time.Now()
			err = c.watch(life, p)
			if life.Err() != nil {
				return
			}
			if time.Since(began) >= c.host.opts.SteadyAfter {
				wait.Reset()
			}
		}
		pause := wait.NextBackOff()
		var refused *ConfigError
		if errors.As(err, &refused) {
			pause = c.host.opts.BackoffMax
		}
		c.setDown(err, pause)
		select {
		case <-time.After(pause):
		case <-life.Done():
			return
		}
		if p, err = c.start(life); err == nil {
			c.setUp(p)
		} else if life.Err() != nil {
			return
		}
	}
}

// watch runs what a process needs at its side and returns when it is gone: it
// ended, it did not answer, or life ends. The error says why.
func (c *Connection) watch(life context.Context, p *process) error {
	side, cancel := context.WithCancel(context.WithoutCancel(life))
	var wg sync.WaitGroup
	if len(c.Spec().Events) > 0 {
		wg.Go(func() {
			if err := c.decode.serve(side, p, c.host.opts.DecodeTimeout); err != nil && side.Err() == nil {
				p.failUnlessGone(err)
			}
		})
	}
	wg.Go(func() { c.probe(side, p) })
	select {
	case <-p.gone:
	case <-life.Done():
		ending, cancel := context.WithTimeout(context.WithoutCancel(life), c.host.opts.EndTimeout)
		p.end(ending)
		cancel()
	}
	<-p.done
	cancel()
	wg.Wait()
	err := fmt.Errorf("process %d: %w", p.pid(), p.why())
	if said := p.last.String(); said != "" {
		err = fmt.Errorf("%w; it said: %s", err, said)
	}
	return err
}

// probe kills a process that does not answer health calls.
func (c *Connection) probe(ctx context.Context, p *process) {
	tick := time.NewTicker(c.host.opts.HealthInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.suspicion:
		case <-ctx.Done():
			return
		}
		call, cancel := context.WithTimeout(ctx, c.host.opts.CallTimeout)
		err := p.alive(call)
		late := call.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return
		}
		if late {
			err = fmt.Errorf("it hung: it did not answer a health call within %s", c.host.opts.CallTimeout)
		}
		if err != nil {
			p.failUnlessGone(err)
		}
	}
}

// suspect has the process looked at now.
func (c *Connection) suspect() {
	select {
	case c.suspicion <- struct{}{}:
	default:
	}
}

func (c *Connection) setUp(p *process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Phase != Starting {
		c.state.Restarts++
	}
	c.proc, c.failed = p, nil
	c.state.Phase, c.state.Until, c.state.PID = Running, time.Time{}, p.pid()
	c.logs.log.Info("the plugin runs", "pid", c.state.PID, "version", c.state.Version, "restarts", c.state.Restarts)
	c.announce()
}

func (c *Connection) setDown(err error, pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proc, c.failed = nil, nil
	c.state.Phase, c.state.Until, c.state.PID, c.state.LastError = Restarting, time.Now().Add(pause), 0, err.Error()
	var refused *ConfigError
	if errors.As(err, &refused) {
		c.state.Phase, c.failed = Failed, err
	}
	c.logs.log.Error("the plugin is down; it is started again", "error", err, "after", pause)
	c.announce()
}

func (c *Connection) setStopped() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.proc = nil
	c.state.Phase, c.state.Until, c.state.PID = Stopped, time.Time{}, 0
	c.announce()
}

// announce wakes those who wait for a change; c.mu is held.
func (c *Connection) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// hiddenError blots secrets out of an error's texts.
func (c *Connection) hiddenError(err error) error {
	var launch *LaunchError
	if errors.As(err, &launch) {
		launch.Stderr = c.logs.redact(launch.Stderr)
		return err
	}
	var refused *ConfigError
	if errors.As(err, &refused) {
		return err
	}
	if text := c.logs.redact(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// hidden blots secrets out of a failure's message.
func (c *Connection) hidden(f *wire.Failure) *wire.Failure {
	if f == nil {
		return nil
	}
	if text := c.logs.redact(f.Message); text != f.Message {
		clean := *f
		clean.Message = text
		return &clean
	}
	return f
}

// down is the failure of work that was not sent because there is no process.
func (c *Connection) down(why error) *wire.Failure {
	return &wire.Failure{
		Class: wire.Transient, Code: "plugin_down",
		Message: fmt.Sprintf("connection %s: plugin %s takes no work: %v", c.config.Name, c.config.Plugin, why),
	}
}

// lost words a call that broke.
func (c *Connection) lost(err error) string {
	return c.logs.redact(fmt.Sprintf("plugin %s broke off: %s", c.config.Plugin, status.Convert(err).Message()))
}
