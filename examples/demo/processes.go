package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/e2e/process"
)

// The demo's credentials. They guard nothing but the demo.
const (
	shopToken       = "demo-shop-token-1f0c" //nolint:gosec // guards nothing but the demo
	salesdriveToken = "demo-salesdrive-token-77b2"
	crmToken        = "demo-crm-token-c9e4" //nolint:gosec // guards nothing but the demo
	saleappKey      = "sandbox-organization-key"
	novaposhtaKey   = "sandbox-novaposhta-key"
)

// startTimeout bounds how long a process may take until it is ready, and until it has
// ended.
const startTimeout = time.Minute

// sandbox is the running sandbox of SaleApp and Nova Poshta.
type sandbox struct {
	*process.Process
	// root is http://ADDRESS, base and novaposhta are what connections' urls are.
	root, base, novaposhta string
}

func startSandbox(ctx context.Context, binary string) (*sandbox, error) {
	cmd := exec.Command(binary, "--listen", "127.0.0.1:0", "--key", saleappKey)
	p, root, err := process.Sandbox(ctx, cmd, startTimeout, nil)
	if err != nil {
		return nil, err
	}
	return &sandbox{Process: p, root: root, base: root + "/saleapp/server/api", novaposhta: root + "/novaposhta/v2.0/json/"}, nil
}

// engine is the running engine.
type engine struct {
	*process.Process
	// ingress and admin are http://ADDRESS.
	ingress, admin string
}

type engineOptions struct {
	binary, plugins, config, data, saleapp, novaposhta string
	verbose                                            bool
}

func startEngine(ctx context.Context, o engineOptions) (*engine, error) {
	//nolint:gosec // the demo's own binary, ended by Stop
	cmd := exec.Command(o.binary, "run", "--config", o.config, "--plugins", o.plugins,
		"--data", o.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json")
	cmd.Env = append(os.Environ(), "SHOP_TOKEN="+shopToken, "SALESDRIVE_TOKEN="+salesdriveToken,
		"CRM_TOKEN="+crmToken, "SALEAPP_URL="+o.saleapp, "SALEAPP_KEY="+saleappKey,
		"NOVAPOSHTA_URL="+o.novaposhta, "NOVAPOSHTA_KEY="+novaposhtaKey)
	var show func(string)
	if o.verbose {
		show = func(line string) { fmt.Fprintln(os.Stderr, line) }
	}
	p, at, err := process.Engine(ctx, cmd, startTimeout, show)
	if err != nil {
		return nil, err
	}
	return &engine{Process: p, ingress: "http://" + at.Ingress, admin: "http://" + at.Admin}, nil
}
