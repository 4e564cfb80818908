package process

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"time"
)

// Addresses are where an engine answers, each as host:port.
type Addresses struct{ Ingress, Admin string }

// Engine starts `crosswalk run` with a log in JSON, and waits until it is ready. line is
// called as by Start.
func Engine(ctx context.Context, cmd *exec.Cmd, within time.Duration, line func(string)) (*Process, Addresses, error) {
	return ready(ctx, cmd, within, line, func(text string) (Addresses, bool) {
		var l struct {
			Msg string
			Addresses
		}
		is := json.Unmarshal([]byte(text), &l) == nil && l.Msg == "ready"
		return l.Addresses, is
	})
}

// Sandbox starts examples/sandbox, and waits until it is ready. root is where it answers,
// as http://host:port. line is called as by Start.
func Sandbox(ctx context.Context, cmd *exec.Cmd, within time.Duration, line func(string)) (p *Process, root string, err error) {
	return ready(ctx, cmd, within, line, func(text string) (string, bool) {
		_, address, found := strings.Cut(text, "http://")
		host, _, _ := strings.Cut(address, "/")
		host, _, _ = strings.Cut(host, " ")
		return "http://" + host, found
	})
}

// ready starts a process and waits for the first line that find finds something in.
func ready[T any](ctx context.Context, cmd *exec.Cmd, within time.Duration, line func(string), find func(string) (T, bool)) (*Process, T, error) {
	said := make(chan T, 1)
	found := false
	p, err := Start(cmd, func(text string) {
		if line != nil {
			line(text)
		}
		if found {
			return
		}
		var v T
		if v, found = find(text); found {
			said <- v
		}
	})
	if err != nil {
		var none T
		return nil, none, err
	}
	v, err := Await(ctx, p, said, within)
	if err != nil {
		return nil, v, err
	}
	return p, v, nil
}
