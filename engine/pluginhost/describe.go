package pluginhost

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// specKey names a spec: a state of an executable, and a configuration.
type specKey struct {
	plugin   string
	size     int64
	modified time.Time
	config   [sha256.Size]byte
}

func keyOf(plugin string, info os.FileInfo, config json.RawMessage) specKey {
	return specKey{plugin: plugin, size: info.Size(), modified: info.ModTime(), config: sha256.Sum256(config)}
}

// Describe starts a plugin for a moment and gives its spec, as it is under
// config where that is given: a connection's configuration without its secrets
// (see WithoutSecrets). It asks no far system. What it got is kept until the
// executable changes, or the lock does not let it run any more. Errors: *NotFoundError, *LaunchError, and *ConfigError
// where the plugin has no spec for that configuration.
func (h *Host) Describe(ctx context.Context, plugin string, config json.RawMessage) (wire.Spec, error) {
	leave, err := h.enter()
	if err != nil {
		return wire.Spec{}, err
	}
	defer leave()
	ctx, cancel := h.within(ctx)
	defer cancel()
	// One process of a plugin at a time: the next in turn finds what this one got.
	done, err := h.turn(ctx, plugin)
	if err != nil {
		return wire.Spec{}, fmt.Errorf("describe plugin %s: %w", plugin, err)
	}
	defer done()

	path, info, err := h.find(plugin)
	if err != nil {
		return wire.Spec{}, err
	}
	key := keyOf(plugin, info, config)
	if spec, known := h.known(key, info); known {
		// The lock may say otherwise than it did then.
		if err := h.verify(plugin, binary{path, info}); err != nil {
			return wire.Spec{}, &LaunchError{Plugin: plugin, Err: err}
		}
		return spec, nil
	}
	p, err := h.launch(ctx, plugin, newLogs(h.opts.Logger.With("plugin", plugin)))
	if err != nil {
		return wire.Spec{}, err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.opts.EndTimeout)
		defer cancel()
		p.end(ending)
	}()
	asking, cancelAsking := context.WithTimeout(ctx, h.opts.StartTimeout)
	defer cancelAsking()
	spec, err := p.describe(asking, plugin, config)
	if err != nil {
		return wire.Spec{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.specs[key] = knownSpec{spec, p.binary}
	return spec, nil
}

// knownSpec is a spec and the executable that gave it.
type knownSpec struct {
	spec wire.Spec
	binary
}

// known gives a spec that the executable gave before.
func (h *Host) known(key specKey, info os.FileInfo) (wire.Spec, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, ok := h.specs[key]
	return k.spec, ok && k.same(info)
}

// turn waits for a plugin's turn to be described.
func (h *Host) turn(ctx context.Context, plugin string) (done func(), err error) {
	h.mu.Lock()
	turn, ok := h.turns[plugin]
	if !ok {
		turn = make(chan struct{}, 1)
		h.turns[plugin] = turn
	}
	h.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// describe asks the process for its spec and checks it.
func (p *process) describe(ctx context.Context, plugin string, config json.RawMessage) (wire.Spec, error) {
	spec, err := p.client.Describe(ctx, config)
	if s := status.Convert(err); err != nil && s.Code() == codes.InvalidArgument && len(config) > 0 {
		return wire.Spec{}, &ConfigError{Plugin: plugin, Diagnostics: []wire.Diagnostic{{Message: s.Message()}}}
	} else if err != nil {
		return wire.Spec{}, p.broken(plugin, "Describe", err)
	}
	if err := checkSpec(spec, plugin); err != nil {
		return wire.Spec{}, &LaunchError{Plugin: plugin, Err: err}
	}
	return spec, nil
}

// broken makes an error of a call that failed while a process was starting.
func (p *process) broken(plugin, call string, err error) error {
	cause := fmt.Errorf("its %s failed: %s", call, p.logs.redact(status.Convert(err).Message()))
	select {
	case <-p.gone:
		<-p.exited
		cause = fmt.Errorf("its %s failed: %w", call, p.why())
	case <-time.After(lastWords):
		// The answer was an error, and the process lives.
	}
	return &LaunchError{Plugin: plugin, Err: cause, Stderr: p.last.String()}
}

// checkSpec holds a plugin to what the engine goes by.
func checkSpec(s wire.Spec, plugin string) error {
	if s.Name != plugin {
		return fmt.Errorf("its file is named %s and it calls itself %q: rename the file", plugin, s.Name)
	}
	var errs []error
	seen := map[string]bool{}
	check := func(kind, name string, schemas ...json.RawMessage) {
		if !nameForm.MatchString(name) {
			errs = append(errs, fmt.Errorf("its spec has the %s name %q: want lower case letters, digits, - and _, beginning with a letter", kind, name))
		}
		if seen[kind+" "+name] {
			errs = append(errs, fmt.Errorf("its spec has the %s %s twice", kind, name))
		}
		seen[kind+" "+name] = true
		for _, schema := range schemas {
			if !json.Valid(schema) {
				errs = append(errs, fmt.Errorf("its spec has a schema of the %s %s that is not JSON", kind, name))
			}
		}
	}
	if !json.Valid(s.ConfigSchema) {
		errs = append(errs, errors.New("its spec has a config schema that is not JSON"))
	}
	for _, e := range s.Events {
		check("event", e.Name, e.Schema)
	}
	for _, o := range s.Operations {
		check("operation", o.Name, o.Schema)
	}
	for _, l := range s.Lookups {
		check("lookup", l.Name, l.ArgsSchema, l.AnswerSchema)
	}
	return errors.Join(errs...)
}
