package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// What has a configuration be read again.
const (
	causeStart   = "start"
	causeFile    = "file"
	causeSignal  = "signal"
	causeRequest = "request"
)

// reloads is what became of the configurations that an engine was given.
type reloads struct {
	// turn is held by the one that is under way.
	turn chan struct{}
	// life ends when no more are to begin.
	life context.Context //nolint:containedctx // a reload goes on when the one who asked for it has gone
	// inputs are what the last one was made of. They belong to the one under way.
	inputs *project.Inputs

	mu   sync.Mutex
	last attempt
	// applied is when the configuration that runs was put in place.
	applied time.Time
	counts  map[string]uint64
	// leaving are lanes that were taken away, until they have ended.
	leaving map[event.Lane]<-chan struct{}
}

// attempt is a reload that is over.
type attempt struct {
	result, cause, by string
	at                time.Time
	changes           []string
	findings          diag.List
	// problem is what no finding says.
	problem error
}

// started notes the configuration that an engine started with.
func (r *reloads) started(ctx context.Context, in *project.Inputs, findings diag.List) {
	r.turn, r.life, r.inputs = make(chan struct{}, 1), ctx, in
	r.applied = time.Now().UTC()
	r.last = attempt{result: admin.ReloadApplied, cause: causeStart, at: r.applied, findings: findings}
	r.counts = map[string]uint64{}
}

// begin waits for the turn; false if no reload is to begin any more.
func (r *reloads) begin() bool {
	select {
	case r.turn <- struct{}{}:
		if r.life.Err() == nil {
			return true
		}
		<-r.turn
		return false
	case <-r.life.Done():
		return false
	}
}

func (r *reloads) end() { <-r.turn }

// close waits for the one that is under way. None begins after it.
func (r *reloads) close() { r.turn <- struct{}{} }

// state gives the last attempt, and since when what runs does.
func (r *reloads) state() (last attempt, applied time.Time, counts [3]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, r.applied, [3]uint64{r.counts[admin.ReloadApplied], r.counts[admin.ReloadUnchanged], r.counts[admin.ReloadRefused]}
}

// errStopping says that an engine that stops takes no new configuration.
var errStopping = errors.New("the engine is stopping")

// reload reads the configuration again and puts it in the place of the one that runs,
// wholly or not at all (D9).
func (r *running) reload(ctx context.Context, cause, by string) (attempt, error) {
	if !r.reloads.begin() {
		return attempt{}, errStopping
	}
	defer r.reloads.end()
	return r.reloadNow(ctx, cause, by)
}

// reloadNow is reload for one who has the turn. It goes on when the one who asked for
// it has gone, and ends with the engine.
func (r *running) reloadNow(ctx context.Context, cause, by string) (attempt, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(r.reloads.life, cancel)() //nolint:contextcheck // the engine's life ends it, and ctx does not
	a := attempt{cause: cause, by: by}
	next, in, findings, err := r.prepare(ctx)
	r.reloads.inputs = in
	a.findings = findings
	switch {
	case ctx.Err() != nil:
		next.discard(ctx)
		return attempt{}, errStopping
	case err != nil:
		a.result, a.problem = admin.ReloadRefused, err
	case findings.HasErrors():
		a.result = admin.ReloadRefused
	case len(next.changes) == 0:
		a.result = admin.ReloadUnchanged
	default:
		a.result, a.changes = admin.ReloadApplied, next.changes
		if err := r.apply(next); err != nil { //nolint:contextcheck // what it starts goes on when ctx has ended
			a.result, a.changes, a.problem = admin.ReloadRefused, nil, err
		}
	}
	if a.result != admin.ReloadApplied {
		next.discard(ctx)
	}
	a.at = time.Now().UTC()
	r.note(a)
	return a, nil
}

// note keeps what became of a reload, and says it in the log.
func (r *running) note(a attempt) {
	s := &r.reloads
	s.mu.Lock()
	s.counts[a.result]++
	s.last = a
	if a.result == admin.ReloadApplied {
		s.applied = a.at
	}
	s.mu.Unlock()
	log := r.log.With("cause", a.cause)
	if a.by != "" {
		log = log.With("by", a.by)
	}
	switch a.result {
	case admin.ReloadApplied:
		log.Info("the configuration was reloaded", "changes", strings.Join(a.changes, ", "))
	case admin.ReloadUnchanged:
		log.Info("the configuration was read again: nothing has changed")
	default:
		errs, _ := a.findings.Count()
		if a.problem != nil {
			log = log.With("error", a.problem.Error())
		}
		log.Error("the configuration is refused; the one that runs goes on", "errors", errs)
	}
	for _, d := range a.findings {
		level := log.Warn
		if d.Severity == diag.Error {
			level = log.Error
		}
		level(d.Message, "file", d.Position.File, "line", d.Position.Line, "column", d.Position.Column, "rule", d.Rule, "hint", d.Hint)
	}
}

// reloadOnSignal reloads at each SIGHUP until ctx ends. Where the signal says that the
// terminal is gone, which the engine was started from, it ends the engine.
func (r *running) reloadOnSignal(ctx context.Context, stop func()) {
	terminal := isatty.IsTerminal(os.Stdin.Fd())
	for {
		select {
		case <-r.options.HangUps:
			if terminal && !isatty.IsTerminal(os.Stdin.Fd()) {
				r.log.Info("the terminal is gone")
				stop()
				return
			}
			_, _ = r.reload(ctx, causeSignal, "") // it is noted
		case <-ctx.Done():
			return
		}
	}
}

// Reload reads the configuration again, and tells what became of it.
func (v view) Reload(ctx context.Context, req admin.ReloadRequest) (admin.Reload, error) {
	a, err := v.reload(ctx, causeRequest, req.By)
	if err != nil {
		return admin.Reload{}, &admin.UnavailableError{Message: err.Error(), RetryAfter: 5 * time.Second}
	}
	return a.shown(v.Config.File), nil
}

// configuration tells what became of the configurations.
func (e *engine) configuration() *admin.Configuration {
	last, applied, _ := e.reloads.state()
	return &admin.Configuration{Valid: last.result != admin.ReloadRefused, AppliedAt: applied, Last: last.shown(e.Config.File)}
}

// shown is an attempt as the admin API tells of it. Lines of the configuration itself
// are not shown: they may hold secrets.
func (a attempt) shown(configuration string) admin.Reload {
	out := admin.Reload{Result: a.result, Cause: a.cause, By: a.by, At: a.at, Changes: a.changes}
	if a.problem != nil {
		out.Problem = a.problem.Error()
	}
	for _, d := range a.findings {
		shown := admin.Diagnostic{
			Severity: d.Severity.String(), Rule: d.Rule, File: d.Position.File, Line: d.Position.Line, Column: d.Position.Column,
			EndColumn: d.EndColumn, Message: d.Message, Hint: d.Hint,
		}
		if d.Position.File != configuration {
			shown.Source = d.Source
		}
		out.Diagnostics = append(out.Diagnostics, shown)
	}
	return out
}

// refusal is why the files are not what runs, "" where they are.
func (a attempt) refusal() string {
	if a.result != admin.ReloadRefused {
		return ""
	}
	text := "the configuration on disk is refused, and the one before runs on"
	for _, d := range a.findings {
		if d.Severity == diag.Error {
			return fmt.Sprintf("%s: %s", text, d.Error())
		}
	}
	if a.problem != nil {
		text += ": " + a.problem.Error()
	}
	return text
}
