package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// quiet is the log of commands that run no engine: what goes wrong there comes
// back as an error or a finding.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// load reads the configuration that the flags name or that is nearest. The
// configuration is nil if it is no YAML; what is wrong is in the list.
func (a *app) load() (*config.Config, diag.List, error) {
	path := a.configPath
	if path == "" {
		wd, err := os.Getwd()
		if err != nil {
			return nil, nil, err
		}
		path, err = config.Find(wd)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil, fmt.Errorf("there is no %s here or in a folder above; name one with --config", config.FileName)
		}
		if err != nil {
			return nil, nil, err
		}
		path = project.Relative(path)
	}
	cfg, findings := config.Load(path)
	if cfg == nil && len(findings) == 1 && findings[0].Rule == config.RuleRead {
		return nil, nil, fmt.Errorf("%s: %s", path, findings[0].Message)
	}
	return cfg, findings, nil
}

// ready is load for commands that do not go on with mistakes in the
// configuration: it prints them.
func (a *app) ready() (*config.Config, diag.List, error) {
	cfg, findings, err := a.load()
	if err == nil && findings.HasErrors() {
		err = a.refuse(findings)
	}
	return cfg, findings, err
}

// withProject calls use with the plugins at hand, and leaves no process of theirs
// behind. The first SIGINT or SIGTERM ends use's context and the processes; what
// use returns then does not count. Much of what use does only computes, and looks at no
// context: where it goes on nonetheless, the command ends without it.
func (a *app) withProject(ctx context.Context, cfg *config.Config, use func(context.Context, *project.Project) error) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// From the first signal on, a second one has its usual effect.
	context.AfterFunc(ctx, stop)
	p, err := project.Open(cfg, a.pluginsDir, quiet())
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	returned := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		a.endAnyway(ctx, p, returned)
	}()
	err = use(ctx, p)
	close(returned)
	<-watched
	if ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// endAnyway ends the command if use has not returned soon after its context's end.
func (a *app) endAnyway(ctx context.Context, p *project.Project, returned <-chan struct{}) {
	select {
	case <-returned:
		return
	case <-ctx.Done():
	}
	select {
	case <-returned:
	case <-time.After(project.CloseTimeout):
		p.Close(ctx)
		a.exit(exitInterrupted)
	}
}
