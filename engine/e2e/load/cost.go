package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// roles are the processes in the order of the columns.
var roles = [...]string{"engine", "source", "sink", "sandbox", "sender"}

// meter measures the processes from one moment on.
type meter struct {
	pids   [len(roles)]int
	before [len(roles)]used
	perf   []*exec.Cmd
}

// measure begins to measure; source names the connection that webhooks come to.
func (b *bench) measure(ctx context.Context, source, step string) (*meter, error) {
	st, err := b.status(ctx)
	if err != nil {
		return nil, err
	}
	pids := map[string]int{"engine": b.engine.PID(), "sandbox": b.sandbox.PID(), "sender": os.Getpid()}
	for _, c := range st.Connections {
		switch c.Name {
		case source:
			pids["source"] = c.PID
		case "saleapp":
			pids["sink"] = c.PID
		}
	}
	m := &meter{}
	for i, role := range roles {
		m.pids[i] = pids[role]
		if m.before[i], err = usage(m.pids[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", role, err)
		}
		if b.perf == "" {
			continue
		}
		c := exec.CommandContext(ctx, "perf", "record", "-q", "-F", "497", "-g", "-p", strconv.Itoa(m.pids[i]), //nolint:gosec // the user's folder
			"-o", filepath.Join(b.perf, step+"-"+role+".data"))
		if err := c.Start(); err != nil {
			return nil, err
		}
		m.perf = append(m.perf, c)
	}
	return m, nil
}

// done ends the measurement of n orders and gives what each cost, as the columns.
func (m *meter) done(n int) (string, error) {
	var cost [len(roles)]float64
	for i, role := range roles {
		u, err := usage(m.pids[i])
		if err != nil {
			return "", fmt.Errorf("%s has ended: %w", role, err)
		}
		cost[i] = float64((u.processor - m.before[i].processor).Microseconds()) / float64(max(n, 1))
	}
	for _, c := range m.perf {
		_ = c.Process.Signal(syscall.SIGINT)
		var exit *exec.ExitError
		if err := c.Wait(); err != nil && !errors.As(err, &exit) {
			return "", err
		}
	}
	return fmt.Sprintf("%8.0f %8.0f %8.0f %8.0f | %8.0f %8.0f", cost[0], cost[1], cost[2], cost[0]+cost[1]+cost[2], cost[3], cost[4]), nil
}

// memory gives what each process has resident, that without pages of files, and the
// most that it ever had.
func (m *meter) memory() (string, error) {
	var out []string
	for i, role := range roles[:4] {
		u, err := usage(m.pids[i])
		if err != nil {
			return "", err
		}
		out = append(out, fmt.Sprintf("%s %d (%d, %d)", role, u.memory>>20, u.own>>20, u.peak>>20))
	}
	return strings.Join(out, ", "), nil
}
