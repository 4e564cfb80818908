package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// process is a plugin's process that has shaken hands and answers.
type process struct {
	*processRunner
	client *wire.Client
	health grpc_health_v1.HealthClient
	// done is closed when the process has ended and nothing of it is left.
	done chan struct{}
	// binary is what was started.
	binary binary
}

// launch starts a plugin's process and waits until it answers, no longer than
// the start timeout. The error is a *NotFoundError or a *LaunchError.
func (h *Host) launch(ctx context.Context, plugin string, log *logs) (*process, error) {
	path, info, err := h.find(plugin)
	if err != nil {
		return nil, err
	}
	file := binary{path, info}
	if err := h.verify(plugin, file); err != nil {
		return nil, &LaunchError{Plugin: plugin, Err: err}
	}
	r := newRunner(path, h.launcher, log)
	p, err := h.connect(ctx, r)
	if err == nil {
		if err = file.unchanged(); err == nil {
			p.binary = file
			return p, nil
		}
		// It may not be what was verified. It has been told no secret yet.
		p.fail(err)
		<-p.done
		return nil, &LaunchError{Plugin: plugin, Err: err}
	}
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil, fmt.Errorf("launch plugin %s: %w", plugin, err)
	}
	return nil, &LaunchError{Plugin: plugin, Err: err, Stderr: r.last.String()}
}

// connect brings r to where it answers, or leaves nothing of it.
func (h *Host) connect(ctx context.Context, r *processRunner) (*process, error) {
	late := fmt.Errorf("it did not get ready within %s", h.opts.StartTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, h.opts.StartTimeout, late)
	defer cancel()
	stopWatching := context.AfterFunc(ctx, func() { r.fail(context.Cause(ctx)) })
	defer stopWatching()

	var dir string
	config := h.clientConfig(ctx, r, &dir)
	// Only its start is used. Its Kill can hang on a process that does, and its
	// connection is not closed when a start fails halfway.
	addr, err := goplugin.NewClient(config).Start()
	if err == nil {
		var p *process
		if p, err = h.dial(ctx, r, config, addr, dir); err == nil {
			return p, nil
		}
	}
	if r.pid() != 0 {
		r.fail(err)
		<-r.exited
		// Why the process was ended, or ended, is nearer to the truth than what
		// was seen of it from outside.
		err = r.why()
	}
	_ = os.RemoveAll(dir)
	return nil, err
}

func (h *Host) clientConfig(ctx context.Context, r *processRunner, dir *string) *goplugin.ClientConfig {
	return &goplugin.ClientConfig{
		HandshakeConfig:  wire.Handshake(),
		VersionedPlugins: wire.Plugins(nil),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
		AutoMTLS:         true,
		SkipHostEnv:      true,
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: h.sockets.dir},
		// Ours comes first and says more.
		StartTimeout: h.opts.StartTimeout + time.Minute,
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, socketDir string) (runner.Runner, error) {
			*dir = socketDir
			r.env = append(append(environment(h.opts.Env), logLevel(ctx, h.opts.Logger)), cmd.Env...)
			return r, nil
		},
	}
}

func (h *Host) dial(ctx context.Context, r *processRunner, config *goplugin.ClientConfig, addr net.Addr, dir string) (*process, error) {
	conn, err := grpc.NewClient("passthrough:///plugin", append(wire.DialOptions(),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, addr.Network(), addr.String())
		}),
		grpc.WithTransportCredentials(credentials.NewTLS(config.TLSConfig)),
		grpc.WithDisableServiceConfig(),
		grpc.WithIdleTimeout(0),
		grpc.WithStreamInterceptor(markUnsent),
	)...)
	if err != nil {
		return nil, err
	}
	p := &process{
		processRunner: r, client: wire.NewClient(conn),
		health: grpc_health_v1.NewHealthClient(conn), done: make(chan struct{}),
	}
	if err := p.alive(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	stdio, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { followStdio(stdio, conn, r.logs, &r.last) })
	go func() {
		defer close(p.done)
		<-r.exited
		cancel()
		_ = conn.Close()
		wg.Wait()
		_ = os.RemoveAll(dir)
	}()
	return p, nil
}

// alive asks the process whether it serves, as go-plugin's protocol has it.
func (p *process) alive(ctx context.Context) error {
	resp, err := p.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	if err != nil {
		return fmt.Errorf("it does not answer: %s", status.Convert(err).Message())
	}
	if s := resp.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("it says of itself that it is %s", s)
	}
	return nil
}

// end asks the process to end, kills it when ctx ends, and waits until nothing
// of it is left.
func (p *process) end(ctx context.Context) {
	p.stop(ctx)
	<-p.done
}

// unsentError marks a call that broke before anything of it was sent.
type unsentError struct{ err error }

func (e *unsentError) Error() string              { return e.err.Error() }
func (e *unsentError) Unwrap() error              { return e.err }
func (e *unsentError) GRPCStatus() *status.Status { return status.Convert(e.err) }

// markUnsent marks streams that could not be opened: their message was never
// sent.
func markUnsent(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		return nil, &unsentError{err: err}
	}
	return s, nil
}
