package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// lastWords is how long the pipes of a process that has ended are still read. A
// grandchild that left the process group may hold them open for ever.
const lastWords = 500 * time.Millisecond

// processRunner is one process, as go-plugin wants to see it. It reads the pipes itself
// and gives go-plugin the handshake line alone: go-plugin's own reading of stdout
// stops at a long line, and it believes a process alive whose stderr is held
// open.
type processRunner struct {
	path     string
	env      []string
	launcher *launcher
	logs     *logs
	last     tail

	cmd          *exec.Cmd
	stdin        *os.File
	outR, errR   *os.File
	toStdout     *io.PipeWriter
	toStderr     *io.PipeWriter
	fromStdout   *io.PipeReader
	fromStderr   *io.PipeReader
	pumps        sync.WaitGroup
	gone, exited chan struct{}

	mu         sync.Mutex
	started    bool
	reaped     bool
	handshaken bool
	cause      error
	waitErr    error
}

var _ runner.Runner = (*processRunner)(nil)

func newRunner(path string, l *launcher, log *logs) *processRunner {
	r := &processRunner{path: path, launcher: l, logs: log, gone: make(chan struct{}), exited: make(chan struct{})}
	r.fromStdout, r.toStdout = io.Pipe()
	r.fromStderr, r.toStderr = io.Pipe()
	return r
}

// Start starts the process.
func (r *processRunner) Start(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause != nil {
		return r.cause
	}
	in, inErr := newPipe()
	out, outErr := newPipe()
	errs, errsErr := newPipe()
	err := errors.Join(inErr, outErr, errsErr)
	if err == nil {
		r.cmd = &exec.Cmd{Path: r.path, Args: []string{r.path}, Env: r.env, Stdin: in.read, Stdout: out.write, Stderr: errs.write}
		isolate(r.cmd)
		err = r.launcher.do(r.cmd.Start)
	}
	closeAll(in.read, out.write, errs.write)
	if err != nil {
		closeAll(in.write, out.read, errs.read)
		return r.refuse(err)
	}
	r.stdin, r.outR, r.errR = in.write, out.read, errs.read
	r.started = true
	r.pumps.Go(r.pumpStdout)
	r.pumps.Go(r.pumpStderr)
	go r.reap()
	return nil
}

// refuse notes why nothing was started.
func (r *processRunner) refuse(err error) error {
	r.cause = err
	_ = r.toStdout.Close()
	_ = r.toStderr.Close()
	close(r.gone)
	close(r.exited)
	return err
}

type pipe struct{ read, write *os.File }

func newPipe() (p pipe, err error) {
	if p.read, p.write, err = os.Pipe(); err != nil {
		return pipe{}, fmt.Errorf("make a pipe: %w", err)
	}
	return p, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// reap waits for the process, ends its group and reads its last words.
func (r *processRunner) reap() {
	if awaitExit(r.cmd.Process.Pid) {
		r.mu.Lock()
		// The id is not free yet, so this hits no stranger.
		killGroup(r.cmd.Process)
		r.waitErr = r.cmd.Wait()
	} else {
		err := r.cmd.Wait()
		r.mu.Lock()
		killGroup(r.cmd.Process)
		r.waitErr = err
	}
	r.reaped = true
	if r.cause == nil && !r.handshaken {
		r.cause = fmt.Errorf("it ended before its handshake: %s", r.cmd.ProcessState)
	}
	r.mu.Unlock()
	close(r.gone)
	_ = r.stdin.Close()
	// What cannot have a deadline is closed at once.
	end := time.Now().Add(lastWords)
	for _, f := range []*os.File{r.outR, r.errR} {
		if f.SetReadDeadline(end) != nil {
			_ = f.Close()
		}
	}
	r.pumps.Wait()
	closeAll(r.outR, r.errR)
	_ = r.toStdout.Close()
	_ = r.toStderr.Close()
	close(r.exited)
}

func (r *processRunner) pumpStdout() {
	noise := r.logs.stream("stdout", nil)
	defer noise.flush()
	finder := &handshakeFinder{other: func(p []byte) { _, _ = noise.Write(p) }}
	looking := true
	buf := make([]byte, 32<<10)
	for {
		n, err := r.outR.Read(buf)
		p := buf[:n]
		if looking {
			line, rest, bad := finder.next(p)
			if bad == nil && line != "" {
				bad = vet(line)
			}
			switch {
			case bad != nil:
				r.fail(bad)
				looking, p = false, nil
			case line != "":
				r.mu.Lock()
				r.handshaken = true
				r.mu.Unlock()
				looking, p = false, rest
				// go-plugin reads until the end, so this does not block for long.
				_, _ = io.WriteString(r.toStdout, line+"\n")
			default:
				p = nil
			}
		}
		_, _ = noise.Write(p)
		if err != nil {
			return
		}
	}
}

func (r *processRunner) pumpStderr() {
	lines := r.logs.stream("stderr", &r.last)
	defer lines.flush()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.errR.Read(buf)
		_, _ = lines.Write(buf[:n])
		if err != nil {
			return
		}
	}
}

// fail ends the process at once and says why; the first reason stays.
func (r *processRunner) fail(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reaped {
		return
	}
	if r.cause == nil {
		r.cause = cause
	}
	if r.started {
		killGroup(r.cmd.Process)
	}
}

// failUnlessGone is fail for what may be seen because the process has ended by
// itself, which says more and comes to light in a moment.
func (r *processRunner) failUnlessGone(cause error) {
	select {
	case <-r.gone:
	case <-time.After(lastWords):
		r.fail(cause)
	}
}

// stop asks the process to end, and ends it when ctx ends.
func (r *processRunner) stop(ctx context.Context) {
	r.mu.Lock()
	if r.started && !r.reaped {
		_ = r.stdin.Close()
		terminate(r.cmd.Process)
	}
	r.mu.Unlock()
	select {
	case <-r.gone:
	case <-ctx.Done():
		r.fail(errors.New("it did not end when it was asked to"))
	}
	<-r.exited
}

// why gives why the process ended, after it has.
func (r *processRunner) why() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause != nil {
		return r.cause
	}
	return fmt.Errorf("it ended: %s", r.cmd.ProcessState)
}

// Wait blocks until the process has ended.
func (r *processRunner) Wait(context.Context) error {
	<-r.exited
	return r.waitErr
}

// Kill ends the process at once.
func (r *processRunner) Kill(context.Context) error {
	r.fail(errors.New("its handshake failed"))
	return nil
}

// Stdout gives the handshake line.
func (r *processRunner) Stdout() io.ReadCloser { return r.fromStdout }

// Stderr gives nothing and ends with the process.
func (r *processRunner) Stderr() io.ReadCloser { return r.fromStderr }

// Name gives the executable's path.
func (r *processRunner) Name() string { return r.path }

// ID gives the process id.
func (r *processRunner) ID() string { return strconv.Itoa(r.pid()) }

func (r *processRunner) pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started {
		return 0
	}
	return r.cmd.Process.Pid
}

// Diagnose has nothing to add: errors say what is known.
func (r *processRunner) Diagnose(context.Context) string { return "" }

// PluginToHost leaves an address as it is.
func (r *processRunner) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin leaves an address as it is.
func (r *processRunner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
