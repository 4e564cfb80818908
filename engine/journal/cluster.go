package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Defaults of a Cluster, and its bounds.
const (
	DefaultReplicas   = 3
	DefaultPartitions = 8
	DefaultLease      = 15 * time.Second

	MaxReplicas   = 5
	MaxPartitions = 64
	MinLease      = 3 * time.Second
	MaxLease      = 5 * time.Minute
)

// Cluster says how to reach an existing NATS cluster that holds the journal, in an
// account of its own. Several engines may share one: each partition of a lane is
// read by one of them, which holds a [Lease] of it.
type Cluster struct {
	// URLs are servers of the cluster, as nats://host:4222 or tls://host:4222; the
	// others are learnt from them.
	URLs []string
	// Credentials is a file with a user's JWT and seed, or with the seed of an NKey
	// alone; or User and Password, or Token.
	Credentials, User, Password, Token string
	// CA is a PEM file with the roots that the servers' certificates are checked by,
	// "" for the system's; Certificate and Key are PEM files of the engine's own.
	CA, Certificate, Key string
	// Replicas is how many servers keep each message: 1 to 5, 3 if it is 0. It counts
	// when the streams are made.
	Replicas int
	// Partitions is in how many parts each lane is read: 1 to 64. It is fixed when the
	// streams are made; 0 takes what they have, 8 for new ones.
	Partitions int
	// Lease is for how long after its last sign of life an engine's partitions are
	// left to it: 3 s to 5 min, 15 s if it is 0. It says so every third of it, and
	// sends nothing when two thirds of it have passed without an answer.
	Lease time.Duration
	// Monitors are addresses where servers of the cluster answer their monitor, as
	// http://host:8222: asked at the start whether they sync each write to disk.
	Monitors []string
}

// ClusterError says that a cluster cannot be used as it is configured.
type ClusterError struct {
	// Setting is what to look at: url, credentials, user, token, tls, replicas,
	// partitions, monitor, max_events; "" where it is none of these.
	Setting string
	// Problem says what is wrong, and what to do.
	Problem string
	// Err is what lies beneath, nil where there is nothing.
	Err error
}

// Error gives the problem.
func (e *ClusterError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Problem, e.Err)
	}
	return e.Problem
}

// Unwrap gives what lies beneath.
func (e *ClusterError) Unwrap() error { return e.Err }

func clusterError(setting string, err error, format string, args ...any) *ClusterError {
	return &ClusterError{Setting: setting, Problem: fmt.Sprintf(format, args...), Err: err}
}

// fill sets what was left out and refuses what cannot be.
func (c *Cluster) fill() error {
	if len(c.URLs) == 0 {
		return clusterError("url", nil, "no server of the cluster is named")
	}
	if c.Replicas == 0 {
		c.Replicas = DefaultReplicas
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	switch {
	case c.Replicas < 1 || c.Replicas > MaxReplicas:
		return clusterError("replicas", nil, "%d replicas, want 1 to %d", c.Replicas, MaxReplicas)
	case c.Partitions < 0 || c.Partitions > MaxPartitions:
		return clusterError("partitions", nil, "%d partitions, want 1 to %d", c.Partitions, MaxPartitions)
	case c.Lease < MinLease || c.Lease > MaxLease:
		return clusterError("lease", nil, "a lease of %s, want %s to %s", c.Lease, MinLease, MaxLease)
	}
	return nil
}

const (
	// dialWait is how long a server may take to greet.
	dialWait = 5 * time.Second
	// pingEvery is how often a server must give a sign of life; after two without it
	// another one is taken.
	pingEvery = 5 * time.Second
	// reconnectWait is the pause between two attempts at the same server.
	reconnectWait = 250 * time.Millisecond
	// apiLevel is the least of JetStream that has all that is used: atomic batches
	// and the reset of consumers, NATS 2.14.
	apiLevel = 4
)

// connect reaches the cluster.
func connect(c *Cluster, log *slog.Logger) (*nats.Conn, error) {
	o := []nats.Option{
		nats.Name("crosswalk"), nats.Timeout(dialWait), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(100*time.Millisecond, reconnectWait),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.IgnoreAuthErrorAbort(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("the connection to the NATS cluster is lost; another server is tried", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("connected to the NATS cluster again", "server", nc.ConnectedServerName(), "address", nc.ConnectedAddr())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Error("journal connection", "error", err)
		}),
	}
	auth, err := c.auth()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(strings.Join(c.URLs, ","), append(o, auth...)...)
	if err != nil {
		return nil, c.refused(err)
	}
	return nc, nil
}

// examine finds out before anything is made whether the cluster can hold a journal.
func (c *Cluster) examine(ctx context.Context, nc *nats.Conn, o *Options) error {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(clusterAnswer))
	if err != nil {
		return err
	}
	info, err := js.AccountInfo(ctx)
	for end := time.Now().Add(formWait); errors.Is(err, context.DeadlineExceeded) && nc.LastError() == nil && time.Now().Before(end) && ctx.Err() == nil; {
		o.Logger.Warn("the NATS server does not say yet how its JetStream stands: it is asked again", "address", nc.ConnectedAddr())
		info, err = js.AccountInfo(ctx)
	}
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount),
		errors.Is(err, nats.ErrNoResponders):
		return clusterError("url", nil, "the NATS server %s has no JetStream for this account: enable jetstream in its configuration, with sync: always", nc.ConnectedAddr())
	case err != nil && nc.LastError() != nil && errors.Is(nc.LastError(), nats.ErrPermissionViolation):
		return clusterError("url", nc.LastError(), "the permissions of the engine's user are too few: let it publish and subscribe to all subjects of an account that is Crosswalk's alone")
	case err != nil:
		return clusterError("url", err, "the NATS server %s does not say how its JetStream stands", nc.ConnectedAddr())
	case info.API.Level < apiLevel:
		return clusterError("url", nil, "the NATS server %s is of version %s, which is too old: 2.14 or newer is needed", nc.ConnectedAddr(), nc.ConnectedServerVersion())
	}
	if most := nc.MaxPayload() - overhead; int64(o.MaxPayload) > most {
		if most < minPayload {
			return clusterError("url", nil, "the NATS server %s takes messages of at most %d bytes: set its max_payload to 8MB", nc.ConnectedAddr(), nc.MaxPayload())
		}
		o.Logger.Warn("the NATS server bounds events: larger ones are refused; raise max_payload in its configuration",
			"max_payload", nc.MaxPayload(), "largest_event", most, "wanted", int64(o.MaxPayload)+overhead)
		o.MaxPayload = int32(most) //nolint:gosec // smaller than it was
	}
	return c.synced(ctx, o.Logger)
}

// minPayload is the least that an event and its body may have together.
const minPayload = 128 << 10

// made says why a stream could not be made.
func (c *Cluster) made(stream string, err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("make stream %s: %w", stream, err)
	}
	switch int(api.ErrorCode) {
	case codeNoReplicas, codeNoPeers:
		return clusterError("replicas", err, "stream %s cannot have %d replicas: the cluster has not so many servers with room for it; set replicas to 1 for a single server", stream, c.Replicas)
	case codeNoStorage, codeNoResources:
		return clusterError("max_events", err, "stream %s has no room: lower storage.max_events, max_outcomes, max_dead and max_undecoded, or give JetStream more", stream)
	case codeAccountFull:
		return clusterError("max_events", err, "stream %s has no room in the account: lower storage.max_events, max_outcomes, max_dead and max_undecoded, or raise the account's limits of JetStream", stream)
	case codeManyStreams:
		return clusterError("", err, "stream %s cannot be made: the account may not have so many streams; raise its max_streams to %d or more", stream, manyStreams)
	case codeOverlap:
		return clusterError("url", err, "stream %s cannot be made: another stream of this account has its subjects; give Crosswalk an account of its own", stream)
	}
	return fmt.Errorf("make stream %s: %w", stream, err)
}

// manyStreams is how many streams a journal has on a cluster.
const manyStreams = 10

// limited says in words where the account's limits keep something from being read.
func (c *Cluster) limited(err error) error {
	var api *jetstream.APIError
	if c != nil && errors.As(err, &api) && int(api.ErrorCode) == codeManyConsumers {
		return clusterError("", err, "the account may not have so many consumers: raise its max_consumers, each lane takes one for each of its partitions, and each engine some more")
	}
	return err
}
