package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const natsPassword = "e2e-nats-password"

// natsNode is a NATS server of a cluster, as a process.
type natsNode struct {
	*proc
	name, config string
	client       int // its port for clients
	monitor      int
}

// nodeConfig is the configuration of one: three of them sync each write.
const nodeConfig = `server_name: %s
listen: "127.0.0.1:%d"
http: "127.0.0.1:%d"
max_payload: 9MB
jetstream {store_dir: %q, max_file_store: 8GB, sync: always}
cluster {name: e2e, listen: "127.0.0.1:%d", routes: [%s]}
authorization {user: crosswalk, password: $NATS_PASSWORD}
`

// startNodes starts a cluster of n NATS servers over TCP.
func startNodes(t *testing.T, n int) []*natsNode {
	t.Helper()
	ports := freePorts(t, 3*n)
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf(`"nats://127.0.0.1:%d"`, ports[3*i+2]))
	}
	nodes := make([]*natsNode, n)
	for i := range nodes {
		dir := t.TempDir()
		nodes[i] = &natsNode{name: fmt.Sprintf("n%d", i+1), config: filepath.Join(dir, "nats.conf"), client: ports[3*i], monitor: ports[3*i+1]}
		text := fmt.Sprintf(nodeConfig, nodes[i].name, ports[3*i], ports[3*i+1], dir, ports[3*i+2], strings.Join(routes, ", "))
		if err := os.WriteFile(nodes[i].config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range nodes {
		node.start(t)
	}
	return nodes
}

// start starts the server and waits until it listens.
func (n *natsNode) start(t *testing.T) {
	t.Helper()
	said := make(chan string, 1)
	n.proc = spawn(t, []string{"NATS_PASSWORD=" + natsPassword}, func(line string) {
		if strings.HasPrefix(line, "listens at ") {
			said <- line
		}
	}, "cluster", "node", n.config)
	await(t, n.proc, said)
}

// strand has a server alone hold a consumer of the events, as it may hold a reader's that
// is made for a moment: nobody answers for that one once the server is gone.
func strand(t *testing.T, n *natsNode) {
	t.Helper()
	nc, err := nats.Connect(fmt.Sprintf("nats://127.0.0.1:%d", n.client), nats.UserInfo("crosswalk", natsPassword))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		// Where it is made is the cluster's choice.
		c, err := js.CreateConsumer(t.Context(), "EVENTS", jetstream.ConsumerConfig{
			Name: fmt.Sprintf("stranded%d", i), Replicas: 1, AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: time.Hour,
		})
		switch {
		case err != nil:
			t.Fatal(err)
		case c.CachedInfo().Cluster != nil && c.CachedInfo().Cluster.Leader == n.name:
			return
		case i == 100:
			t.Fatalf("%s got none of %d consumers", n.name, i)
		}
	}
}

// freePorts gives ports that are free now. The nodes of a cluster must know each
// other's before they start.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		var lc net.ListenConfig
		ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ln.Close() }()
		addr, ok := ln.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatal("no TCP address")
		}
		ports[i] = addr.Port
	}
	return ports
}

// balance spreads webhooks over engines, as a balancer in front of them does. Those of
// an engine that is gone are answered 502, and the sender sends them again.
func balance(t *testing.T, engines []*engine) (url string) {
	t.Helper()
	var turn atomic.Int64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := engines[int(turn.Add(1))%len(engines)]
		req, err := http.NewRequestWithContext(r.Context(), r.Method, e.ingress+r.URL.Path, r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		req.Header = r.Header
		resp, err := client.Do(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
