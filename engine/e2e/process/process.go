// Package process runs Crosswalk's binaries for those who look at them from outside, the
// examples and the load generator: it starts one, waits until it says that it is ready,
// keeps what it prints, and ends it.
package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// maxLine bounds a line that a process prints, in bytes; behind a longer one nothing
// more is read.
const maxLine = 1 << 20

// Process is a child that was started.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it ended, once exited is closed

	mu      sync.Mutex
	printed bytes.Buffer
}

// Start starts cmd and calls line, where it is not nil, with each line that it prints to
// standard output or standard error.
func Start(cmd *exec.Cmd, line func(string)) (*Process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	_ = w.Close() // the child has its own
	if err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("start %s (run `make build` first): %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			p.mu.Lock()
			p.printed.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			if line != nil {
				line(lines.Text())
			}
		}
		_ = r.Close()
		p.err = cmd.Wait()
	}()
	return p, nil
}

// Await waits for what a process says when it is ready, which its lines are looked
// through for, and ends one that is not ready in time.
func Await[T any](ctx context.Context, p *Process, said <-chan T, within time.Duration) (T, error) {
	late := time.NewTimer(within)
	defer late.Stop()
	var none T
	select {
	case v := <-said:
		return v, nil
	case <-p.exited:
		return none, fmt.Errorf("%s ended before it was ready: %w\n%s", p.cmd.Path, ending(p.err), p.Printed())
	case <-late.C:
		p.Kill()
		return none, fmt.Errorf("%s was not ready in %s\n%s", p.cmd.Path, within, p.Printed())
	case <-ctx.Done():
		p.Kill()
		return none, ctx.Err()
	}
}

// ending is how a process ended, in words also where it says that all is well.
func ending(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Printed gives what the process has printed so far.
func (p *Process) Printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.String()
}

// Kill ends the process with -9.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// Shutdown ends the process in order, and gives an error where it does not end so
// within a time.
func (p *Process) Shutdown(within time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-p.exited:
		return p.err
	case <-late.C:
		return fmt.Errorf("still running %s after SIGTERM", within)
	}
}

// Stop ends the process in order, or with -9 where it does not end so within a time.
func (p *Process) Stop(within time.Duration) {
	select {
	case <-p.exited:
		return
	default:
	}
	if p.Shutdown(within) != nil {
		p.Kill()
	}
}
