package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The demo's credentials. They guard nothing but the demo.
const (
	shopToken       = "demo-shop-token-1f0c" //nolint:gosec // guards nothing but the demo
	salesdriveToken = "demo-salesdrive-token-77b2"
	crmToken        = "demo-crm-token-c9e4" //nolint:gosec // guards nothing but the demo
	saleappKey      = "sandbox-organization-key"
	novaposhtaKey   = "sandbox-novaposhta-key"
)

// startTimeout bounds how long a process may take until it is ready.
const startTimeout = time.Minute

// process is a child that the demo started.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error

	mu     sync.Mutex
	stderr bytes.Buffer
}

// start starts a child and calls line for every line of its output, standard
// output's or standard error's.
func start(cmd *exec.Cmd, line func(string)) (*process, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	errOut, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (run `make build` first): %w", cmd.Path, err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	var readers sync.WaitGroup
	for _, r := range []io.Reader{out, errOut} {
		readers.Go(func() {
			sc := bufio.NewScanner(r)
			sc.Buffer(nil, 1<<20)
			for sc.Scan() {
				p.mu.Lock()
				p.stderr.WriteString(sc.Text() + "\n")
				p.mu.Unlock()
				line(sc.Text())
			}
		})
	}
	go func() {
		readers.Wait()
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// log gives what the process has printed.
func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// shutdown asks the process to end and waits for it.
func (p *process) shutdown() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return p.err
	case <-time.After(startTimeout):
		return errors.New("still running after SIGTERM")
	}
}

// stop ends the process, whatever it does.
func (p *process) stop() {
	select {
	case <-p.exited:
		return
	default:
	}
	if p.shutdown() != nil {
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// ready waits for what the process says when it is ready.
func ready[T any](ctx context.Context, p *process, said <-chan T) (T, error) {
	var zero T
	select {
	case v := <-said:
		return v, nil
	case <-p.exited:
		return zero, fmt.Errorf("%s ended at once: %w\n%s", p.cmd.Path, p.err, p.log())
	case <-time.After(startTimeout):
		p.stop()
		return zero, fmt.Errorf("%s was not ready in %s\n%s", p.cmd.Path, startTimeout, p.log())
	case <-ctx.Done():
		p.stop()
		return zero, ctx.Err()
	}
}

// sandbox is the running sandbox of SaleApp and Nova Poshta.
type sandbox struct {
	*process
	// root is http://ADDRESS, base and novaposhta are what connections' urls are.
	root, base, novaposhta string
}

func startSandbox(ctx context.Context, binary string) (*sandbox, error) {
	addr := make(chan string, 1)
	cmd := exec.Command(binary, "--listen", "127.0.0.1:0", "--key", saleappKey)
	p, err := start(cmd, func(line string) {
		if i := strings.Index(line, "http://"); i >= 0 {
			select {
			case addr <- strings.Fields(line[i:])[0]:
			default:
			}
		}
	})
	if err != nil {
		return nil, err
	}
	url, err := ready(ctx, p, addr)
	if err != nil {
		return nil, err
	}
	root := "http://" + strings.SplitN(strings.TrimPrefix(url, "http://"), "/", 2)[0]
	return &sandbox{process: p, root: root, base: root + "/saleapp/server/api", novaposhta: root + "/novaposhta/v2.0/json/"}, nil
}

// engine is the running engine.
type engine struct {
	*process
	// ingress and admin are http://ADDRESS.
	ingress, admin string
}

type engineOptions struct {
	binary, plugins, config, data, saleapp, novaposhta string
	verbose                                            bool
}

func startEngine(ctx context.Context, o engineOptions) (*engine, error) {
	//nolint:gosec // the demo's own binary
	cmd := exec.Command(o.binary, "run", "--config", o.config, "--plugins", o.plugins,
		"--data", o.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json")
	cmd.Env = append(os.Environ(), "SHOP_TOKEN="+shopToken, "SALESDRIVE_TOKEN="+salesdriveToken,
		"CRM_TOKEN="+crmToken, "SALEAPP_URL="+o.saleapp, "SALEAPP_KEY="+saleappKey,
		"NOVAPOSHTA_URL="+o.novaposhta, "NOVAPOSHTA_KEY="+novaposhtaKey)
	type readyLine struct {
		Msg, Ingress, Admin string
	}
	said := make(chan readyLine, 1)
	p, err := start(cmd, func(line string) {
		if o.verbose {
			fmt.Fprintln(os.Stderr, line)
		}
		var r readyLine
		if json.Unmarshal([]byte(line), &r) == nil && r.Msg == "ready" {
			said <- r
		}
	})
	if err != nil {
		return nil, err
	}
	r, err := ready(ctx, p, said)
	if err != nil {
		return nil, err
	}
	return &engine{process: p, ingress: "http://" + r.Ingress, admin: "http://" + r.Admin}, nil
}
