package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Defaults of Options.
const (
	DefaultMaxPayload    = 8 << 20
	DefaultMinFreeDisk   = 512 << 20
	DefaultMaxAckPending = 100_000
	DefaultAcceptWait    = 2 * time.Second
)

// maxMaxPayload bounds MaxPayload: what JetStream's file store takes in a message.
const maxMaxPayload = 60 << 20

// Options say where a journal lies and how large it may grow.
type Options struct {
	// Dir is the data directory; it is made if it is not there. With Cluster it is
	// not used.
	Dir string
	// Cluster is the NATS cluster that holds the journal; nil runs a server over Dir.
	Cluster *Cluster
	// Logger gets the journal's and its server's messages; nil drops them.
	Logger *slog.Logger
	// MaxEventBytes, MaxOutcomeBytes and MaxDeadBytes bound the streams. 0 keeps
	// the bound of a stream that is there; a new one gets a half, a fifth and a
	// tenth of the free disk, at most 64, 32 and 16 GiB.
	MaxEventBytes, MaxOutcomeBytes, MaxDeadBytes int64
	// MaxUndecodedBytes bounds the requests that wait for their plugin, at least
	// MinUndecodedBytes. 0 keeps the bound of a stream that is there; a new one gets a
	// twentieth of the free disk, at most 4 GiB.
	MaxUndecodedBytes int64
	// MinFreeDisk is the reserve in bytes: with less free nothing is accepted.
	// 0 means DefaultMinFreeDisk.
	MinFreeDisk int64
	// Retention says how long what came is kept.
	Retention Retention
	// MaxPayload bounds an event's record and body together, in bytes. 0 means
	// DefaultMaxPayload.
	MaxPayload int32
	// AcceptWait is how long Accept waits for the store. 0 means DefaultAcceptWait.
	AcceptWait time.Duration
	// MaxAckPending is how many events a lane may hold at a time. 0 means
	// DefaultMaxAckPending.
	MaxAckPending int
}

// Journal is the durable log. Its methods may be called concurrently.
type Journal struct {
	o    Options
	log  *slog.Logger
	lock *flock.Flock
	srv  *server.Server // nil on a cluster
	nc   *nats.Conn
	// staging is where batches lie before they are stored; nil if on disk.
	staging *staging
	// parts is how many partitions a lane has, and answer how long a write may stay
	// without an answer.
	parts  int
	answer time.Duration

	events, outcomes, dead, acts, marks, requests, lifes, texts, stopped jetstream.Stream

	index *index
	keys  *keys
	past  *past
	// undecoded is what is known of the requests that are kept.
	undecoded *undecoded
	queues    *queues // the same on a cluster, else nil
	kinds     *kinds
	shelf     *shelf
	lives     *lives
	stops     stops
	// acting is held by whoever puts events on their way again.
	acting sync.Mutex
	// board is where engines agree on who reads what, and follow reads what the others
	// write; nil in an embedded journal.
	board  *board
	follow *follower
	// levelAs is the name on the board under which this engine knows what others keep.
	levelAs atomic.Pointer[string]
	tidies  *Lease // the janitor's alone
	// firstKept is the oldest event that was there when it was looked last; the
	// watcher's alone.
	firstKept uint64
	// ends are where each stream ended when it was looked at last; the watcher's alone.
	ends map[string]uint64
	// read is up to where the start has read each stream.
	read map[string]uint64
	// accepts stores events, repeats the outcomes of duplicates, keeps requests.
	accepts, repeats, keeps *publisher

	closing   atomic.Bool
	running   atomic.Bool  // Open has read what there is
	gate      sync.RWMutex // held for reading while an event is being accepted
	brokenBy  atomic.Pointer[error]
	refusing  atomic.Pointer[string] // why nothing is accepted for now: disk or stream nearly full
	stopWatch context.CancelFunc
	watched   chan struct{}
	unbroken  context.Context //nolint:containedctx // it ends with brokenBy, for whoever waits for the store
	breaks    context.CancelFunc
	mended    chan struct{} // see Mended
	tidied    chan struct{}
	sweeping  sync.Mutex
	alarms    atomic.Pointer[[]string] // what somebody has to look at

	mu         sync.Mutex
	lanes      map[lanePart]*Lane
	counts     counts
	letters    map[letter]uint64     // where in DEAD the latest copy of a letter is
	standing   []standing            // letters whose outcome is in OUTCOMES, in its order
	lower      map[event.Lane]uint64 // first place in OUTCOMES that a lane's takeover must read
	lowest     uint64                // the same for a lane that had nothing at the start
	announced  []uint64              // places in OUTCOMES that hold no outcomes
	firstEvent uint64                // the oldest event that was kept at the start
	damage     []damage              // what of the store cannot be read
	unread     map[string][]uint64   // the same by stream, as far as it was found while the engine runs
	passed     map[uint64]struct{}   // the events among them that a lane was not given
}

// standing is a dead letter that counts.
type standing struct {
	at     uint64 // its outcome's place in OUTCOMES
	letter letter
}

// Open takes the data directory, starts the server over it and reads what a
// start must know. It fails with a *LockedError while another engine holds the
// directory. It reads the headers of all that is kept, a second or so for 100,000
// events (BenchmarkOpen).
func Open(ctx context.Context, o Options) (*Journal, error) {
	j, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", o.where(), o.Cluster.limited(err))
	}
	return j, nil
}

// where says in words where the journal lies.
func (o *Options) where() string {
	if o.Cluster != nil {
		return "on " + strings.Join(withoutUsers(o.Cluster.URLs), ", ")
	}
	return "in " + o.Dir
}

func open(ctx context.Context, o Options) (_ *Journal, err error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	j := &Journal{
		o: o, log: o.Logger, index: newIndex(), keys: newKeys(), past: newPast(),
		kinds: newKinds(), shelf: newShelf(), lives: newLives(), undecoded: newUndecoded(),
		lanes: map[lanePart]*Lane{}, letters: map[letter]uint64{}, lower: map[event.Lane]uint64{},
		counts: counts{outcomes: map[event.Kind]uint64{}}, watched: make(chan struct{}), mended: make(chan struct{}),
		tidied: make(chan struct{}), parts: 1, answer: answerWait, read: map[string]uint64{},
	}
	j.unbroken, j.breaks = context.WithCancel(context.WithoutCancel(ctx))
	if o.Cluster != nil {
		j.queues = newQueues()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.release())
		}
	}()
	if err := j.reach(ctx); err != nil {
		return nil, err
	}
	if err := j.openStreams(ctx); err != nil {
		return nil, err
	}
	j.past.parts = j.parts
	started := time.Now()
	if err := j.rebuild(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(j.mendActs(ctx), j.mendEnds(ctx)); err != nil {
		return nil, err
	}
	if err := j.readDamage(); err != nil {
		return nil, err
	}
	j.log.Debug("journal read", "events", j.index.size(), "took", time.Since(started))
	j.accepts = newPublisher(j.nc, o.AcceptWait, j.answer, j.batchFrom(), j.broken) //nolint:contextcheck // it lives as long as the journal, not as long as Open's context
	j.repeats = newPublisher(j.nc, o.AcceptWait, j.answer, j.batchFrom(), j.broken) //nolint:contextcheck // likewise
	j.keeps = newPublisher(j.nc, o.AcceptWait, j.answer, j.batchFrom(), j.broken)   //nolint:contextcheck // likewise
	if o.Cluster != nil {
		if err := j.join(ctx); err != nil {
			return nil, err
		}
	}
	watch, cancel := context.WithCancel(context.WithoutCancel(ctx))
	j.stopWatch = cancel
	j.look(watch)
	go j.watch(watch)
	go j.tidy(watch)
	return j, nil
}

// reach starts the server, or connects to the cluster.
func (j *Journal) reach(ctx context.Context) (err error) {
	c := j.o.Cluster
	if c == nil {
		if j.lock, err = lock(j.o.Dir); err == nil {
			j.srv, j.nc, err = startServer(j.o.Dir, j.o.MaxPayload, j.log)
		}
		return err
	}
	j.answer = clusterAnswer
	if j.nc, err = connect(c, j.log); err != nil {
		return err
	}
	return c.examine(ctx, j.nc, &j.o)
}

// fill sets what was left out and refuses what cannot be.
func (o *Options) fill() error {
	if o.Cluster != nil {
		c := *o.Cluster
		if err := c.fill(); err != nil {
			return err
		}
		o.Cluster = &c
	} else if o.Dir == "" {
		return errors.New("no data directory given")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MinFreeDisk == 0 {
		o.MinFreeDisk = DefaultMinFreeDisk
	}
	if o.MaxPayload == 0 {
		o.MaxPayload = DefaultMaxPayload
	}
	if o.MaxAckPending == 0 {
		o.MaxAckPending = DefaultMaxAckPending
	}
	if o.AcceptWait == 0 {
		o.AcceptWait = DefaultAcceptWait
	}
	if o.MaxPayload < 1024 || o.MaxPayload > maxMaxPayload {
		return fmt.Errorf("MaxPayload is %d, it must be from 1024 to %d", o.MaxPayload, maxMaxPayload)
	}
	for _, n := range []int64{o.MaxEventBytes, o.MaxOutcomeBytes, o.MaxDeadBytes} {
		if n != 0 && n < minStream {
			return fmt.Errorf("a stream's bound is %d bytes, it must be at least %d", n, minStream)
		}
	}
	if n := o.MaxUndecodedBytes; n != 0 && n < MinUndecodedBytes {
		return fmt.Errorf("MaxUndecodedBytes is %d, it must be at least %d", n, MinUndecodedBytes)
	}
	if err := o.Retention.fill(); err != nil {
		return err
	}
	if o.MinFreeDisk < 0 || o.MaxAckPending < 0 || o.AcceptWait < 0 {
		return errors.New("MinFreeDisk, MaxAckPending and AcceptWait must not be negative")
	}
	return nil
}

func (j *Journal) openStreams(ctx context.Context) error {
	free, err := j.freeRoom()
	if err != nil {
		return err
	}
	// A slow disk keeps the server from answering, too.
	js, err := jetstream.New(j.nc, jetstream.WithDefaultTimeout(j.answer))
	if err != nil {
		return err
	}
	if err := j.decidePartitions(ctx, js); err != nil {
		return err
	}
	events, outcomes, dead := bounds(free, j.o.MinFreeDisk)
	if j.events, err = j.openStream(ctx, js, streamEvents, j.eventSubjects(), j.o.MaxEventBytes, events); err != nil {
		return err
	}
	if j.outcomes, err = j.openStream(ctx, js, streamOutcomes, j.outcomeSubjects(), j.o.MaxOutcomeBytes, outcomes); err != nil {
		return err
	}
	if j.dead, err = j.openStream(ctx, js, streamDead, []string{subjectDead + "*.*"}, j.o.MaxDeadBytes, dead); err != nil {
		return err
	}
	if j.acts, err = j.openStream(ctx, js, streamActs, []string{subjectActs + "*"}, 0, actBytes); err != nil {
		return err
	}
	if j.lifes, err = j.openStream(ctx, js, streamLives, []string{subjectLives + "*.*.*"}, 0, lifeBytes); err != nil {
		return err
	}
	if j.texts, err = j.openStream(ctx, js, streamMappings, []string{subjectMappings + "*"}, 0, textBytes); err != nil {
		return err
	}
	if j.stopped, err = j.openStream(ctx, js, streamStops, []string{subjectStops + "*"}, 0, stopBytes); err != nil {
		return err
	}
	if j.marks, err = j.openStream(ctx, js, streamMarks, j.markSubjects(), 0, markBytes); err != nil {
		return err
	}
	j.requests, err = j.openStream(ctx, js, streamRequests, []string{subjectRequests + "*", subjectRefused + "*"}, j.o.MaxUndecodedBytes, undecodedBytes(free-j.o.MinFreeDisk))
	if err == nil {
		err = j.stage()
	}
	if err == nil {
		j.undecoded.room = j.requests.CachedInfo().Config.MaxBytes - undecodedReserve
	}
	return err
}

// Close stops accepting, closes the lanes, lets what is on its way be stored for
// as long as ctx allows, stops the server and releases the directory.
func (j *Journal) Close(ctx context.Context) error {
	if j.closing.Swap(true) {
		return nil
	}
	j.mu.Lock()
	lanes := make([]*Lane, 0, len(j.lanes))
	for _, l := range j.lanes {
		lanes = append(lanes, l)
	}
	j.mu.Unlock()
	for _, l := range lanes {
		l.Close()
	}
	j.accepts.stop(ctx)
	j.repeats.stop(ctx)
	j.keeps.stop(ctx)
	j.gate.Lock() // whoever was accepting has its answer
	defer j.gate.Unlock()
	flush, cancel := context.WithTimeout(ctx, DefaultAcceptWait)
	defer cancel()
	if err := j.nc.FlushWithContext(flush); err != nil {
		j.log.Warn("journal closes without a flush", "error", err)
	}
	if err := j.release(); err != nil {
		return fmt.Errorf("close journal %s: %w", j.o.where(), err)
	}
	return nil
}

// release stops whatever runs, in order, and frees the directory last.
func (j *Journal) release() error {
	if j.stopWatch != nil {
		j.stopWatch()
		<-j.watched
		<-j.tidied
	}
	if j.board != nil {
		j.board.stop()
		<-j.board.done
	}
	if j.follow != nil {
		j.follow.close()
	}
	if j.nc != nil {
		j.nc.Close()
	}
	if j.srv != nil {
		stopServer(j.srv)
	}
	err := j.staging.remove()
	if j.lock != nil {
		err = errors.Join(err, j.lock.Unlock())
	}
	return err
}
