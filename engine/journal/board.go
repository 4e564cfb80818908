package journal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

const (
	// bucket is the key-value bucket of the board, and boardKey its only key.
	bucket   = "CROSSWALK"
	boardKey = "board"
	// bucketBytes bounds it: it keeps the last state alone.
	bucketBytes = 16 << 20
)

// notice is what is on the board: which engines there are, and who reads which
// partitions. It is read and changed as a whole, each change under the condition
// that nobody changed it meanwhile, so that all engines agree whatever each of
// them has missed.
type notice struct {
	// Engines are those that give signs of life, by name.
	Engines map[string]*sign `json:"engines"`
	// Leases name the engine that reads a partition, by SOURCE.SINK.PARTITION; one of
	// an engine that is not there is free.
	Leases map[string]string `json:"leases"`
}

// sign is an engine's sign of life.
type sign struct {
	// Beat counts its signs.
	Beat uint64 `json:"beat"`
	// Lanes are those it has mappings for, as SOURCE.SINK.
	Lanes []string `json:"lanes,omitempty"`
	// Refused are the connections that it sends nothing to, as it is refused there.
	Refused []Refusal `json:"refused,omitempty"`
}

func laneName(l event.Lane) string      { return l.Source + "." + l.Sink }
func (p lanePart) String() string       { return laneName(p.Lane) + "." + strconv.Itoa(p.n) }
func laneOfPart(name string) string     { return name[:max(strings.LastIndexByte(name, '.'), 0)] }
func (n *notice) owner(p string) string { return n.Leases[p] }

// board is this engine's side of it. An engine that was not able to give a sign of
// life for two thirds of the lease's length has lost all its leases, and comes
// back under another name; the others take them when they have seen no sign for
// its whole length, each by its own clock.
type board struct {
	kv    jetstream.KeyValue
	log   *slog.Logger
	parts int
	lease time.Duration

	host string
	stop context.CancelFunc
	done chan struct{}
	poke chan struct{}
	// as is the name under which this engine is on the board, nil while it is not, and
	// joined tells that it has come to it.
	as     atomic.Pointer[string]
	joined chan struct{}
	// until is when the leases end unless they are renewed.
	until atomic.Pointer[moment]
	// seenNow is what was on the board when it was read last.
	seenNow atomic.Pointer[[]Engine]

	mu sync.Mutex
	// refused is what this engine tells of itself, and tell is called when something
	// on the board is other than it was; may be nil.
	refused []Refusal
	tell    func()
	// name is this engine's, candidate the one that it asks for while it is not on the
	// board, and former are those that it had, with their last sign.
	name, candidate string
	former          map[string]time.Time
	revision        uint64 // the newest state that was seen
	wants           map[lanePart]chan *Lease
	held            map[lanePart]*Lease
	lanes           map[string]int // how many partitions of each lane are wanted or held
	// seen are the others' last signs, and when they were seen first.
	seen map[string]seen
	beat uint64
}

type seen struct {
	beat uint64
	at   time.Time
}

// moment is a time by both clocks: the one that stands still while a machine
// sleeps, and the one that may be set.
type moment struct{ steady, wall time.Time }

func in(from time.Time, d time.Duration) *moment {
	return &moment{steady: from.Add(d), wall: from.Round(0).Add(d)}
}

func (m *moment) passed() bool {
	now := time.Now()
	return !now.Before(m.steady) || !now.Round(0).Before(m.wall)
}

// openBoard joins the engines of the cluster.
func (j *Journal) openBoard(ctx context.Context, js jetstream.JetStream) (*board, error) {
	kv, err := formed(ctx, func() (jetstream.KeyValue, error) {
		kv, err := js.KeyValue(ctx, bucket)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket: bucket, Description: "who reads which partitions", MaxBytes: bucketBytes, Replicas: j.replicas(),
			})
			if errors.Is(err, jetstream.ErrBucketExists) {
				kv, err = js.KeyValue(ctx, bucket)
			}
		}
		return kv, err
	})
	if err != nil {
		return nil, j.o.Cluster.made("KV_"+bucket, err)
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "engine"
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	b := &board{
		kv: kv, log: j.log, parts: j.parts, lease: j.o.Cluster.Lease, host: host,
		stop: stop, done: make(chan struct{}), poke: make(chan struct{}, 1), joined: make(chan struct{}, 1),
		wants: map[lanePart]chan *Lease{}, held: map[lanePart]*Lease{}, lanes: map[string]int{},
		seen: map[string]seen{}, former: map[string]time.Time{},
	}
	go b.run(run)
	return b, nil
}

// valid tells whether the leases hold now.
func (b *board) valid() bool {
	m := b.until.Load()
	return m != nil && !m.passed()
}

func (b *board) hold(ctx context.Context, p lanePart) (*Lease, error) {
	mine := make(chan *Lease, 1)
	b.mu.Lock()
	if b.wants[p] != nil || b.held[p] != nil {
		b.mu.Unlock()
		return nil, fmt.Errorf("partition %s is read or waited for already", p)
	}
	b.wants[p] = mine
	b.lanes[laneName(p.Lane)]++
	b.mu.Unlock()
	b.look()
	select {
	case l := <-mine:
		return l, nil
	case <-ctx.Done():
	case <-b.done:
	}
	b.mu.Lock()
	if b.wants[p] == mine {
		delete(b.wants, p)
		b.leaves(p)
		b.mu.Unlock()
		return nil, cmp.Or(ctx.Err(), ErrClosed)
	}
	b.mu.Unlock()
	(<-mine).Release()
	return nil, cmp.Or(ctx.Err(), ErrClosed)
}

// leaves counts a partition less; the caller holds the lock.
func (b *board) leaves(p lanePart) {
	name := laneName(p.Lane)
	if b.lanes[name]--; b.lanes[name] <= 0 {
		delete(b.lanes, name)
	}
}

func (b *board) release(l *Lease) {
	b.mu.Lock()
	if b.held[l.part] == l {
		delete(b.held, l.part)
		b.leaves(l.part)
	}
	b.mu.Unlock()
	b.look()
}

// look has the loop look soon.
func (b *board) look() {
	select {
	case b.poke <- struct{}{}:
	default:
	}
}

// run reads the board time and again, and changes it where something is to change.
func (b *board) run(ctx context.Context) {
	defer close(b.done)
	every := b.lease / 15
	tick := time.NewTimer(0)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-b.poke:
		case <-ctx.Done():
			b.leave(context.WithoutCancel(ctx))
			return
		}
		again, err := b.turn(ctx)
		if err != nil && ctx.Err() == nil {
			b.log.Debug("the board of leases cannot be read or changed for now", "error", err)
		}
		if m := b.until.Load(); m != nil && m.passed() {
			b.lostAll("no sign of life got through")
		}
		wait := every
		if again {
			wait = every / 10
		}
		tick.Reset(wait)
	}
}

// turn does what is to be done now. again says that somebody else was faster.
func (b *board) turn(ctx context.Context) (again bool, err error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, b.lease/5)
	defer cancel()
	n, revision, err := b.read(ctx)
	if err != nil {
		return false, err
	}
	b.mu.Lock()
	if b.name != "" && n.Engines[b.name] == nil {
		b.mu.Unlock()
		b.lostAll("another engine took them")
		return true, nil
	}
	plan := b.plan(n, began)
	b.mu.Unlock()
	if !plan.changed {
		b.show(n, plan.name)
		return false, nil
	}
	text, err := json.Marshal(n)
	if err != nil {
		return false, err
	}
	if revision == 0 {
		_, err = b.kv.Create(ctx, boardKey, text)
	} else {
		_, err = b.kv.Update(ctx, boardKey, text, revision)
	}
	if err != nil {
		return true, err
	}
	b.show(n, plan.name)
	b.carried(plan, began)
	return false, nil
}

func (b *board) read(ctx context.Context) (n *notice, revision uint64, err error) {
	n = &notice{}
	entry, err := b.kv.Get(ctx, boardKey)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
	case err != nil:
		return nil, 0, err
	default:
		revision = entry.Revision()
	}
	b.mu.Lock()
	newest := b.revision
	b.revision = max(b.revision, revision)
	b.mu.Unlock()
	if revision < newest {
		return nil, 0, errors.New("a server that is behind answered")
	}
	if revision > 0 {
		if err := json.Unmarshal(entry.Value(), n); err != nil {
			return nil, 0, fmt.Errorf("the board of leases: %w", err)
		}
	}
	if n.Engines == nil {
		n.Engines = map[string]*sign{}
	}
	if n.Leases == nil {
		n.Leases = map[string]string{}
	}
	return n, revision, nil
}

// carried notes that the board has taken a change that was begun at began.
func (b *board) carried(p planned, began time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	came := b.name == ""
	if came {
		b.log.Info("this engine has joined the cluster", "engine", p.name)
	}
	if b.beat != p.beat {
		b.until.Store(in(began, b.lease*2/3))
	}
	b.name, b.beat = p.name, p.beat
	b.candidate = ""
	if came {
		b.as.Store(&p.name)
		select {
		case b.joined <- struct{}{}:
		default:
		}
	}
	for _, part := range p.took {
		l := &Lease{board: b, part: part, lost: make(chan struct{}), wanted: make(chan struct{})}
		mine := b.wants[part]
		if mine == nil {
			continue // whoever wanted it has gone meanwhile
		}
		delete(b.wants, part)
		b.held[part] = l
		mine <- l
	}
}

// lostAll ends all leases. The engine comes back under another name.
func (b *board) lostAll(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m := b.until.Load(); b.name != "" && m != nil {
		b.former[b.name] = m.steady.Add(-b.lease * 2 / 3)
	}
	if b.name != "" && why != "" {
		b.log.Warn("this engine has lost its leases", "engine", b.name, "partitions", len(b.held), "reason", why)
	}
	for part, l := range b.held {
		l.lose()
		delete(b.held, part)
		b.leaves(part)
	}
	// What stands on the board under the old name goes with it.
	b.name, b.beat = "", 0
	b.as.Store(nil)
	b.until.Store(nil)
}

// leave takes this engine off the board.
func (b *board) leave(ctx context.Context) {
	b.mu.Lock()
	name := b.name
	b.mu.Unlock()
	b.lostAll("")
	if name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, DefaultAcceptWait)
	defer cancel()
	for ctx.Err() == nil {
		n, revision, err := b.read(ctx)
		if err == nil && n.Engines[name] == nil {
			return
		}
		if err == nil {
			delete(n.Engines, name)
			var text []byte
			if text, err = json.Marshal(n); err == nil {
				_, err = b.kv.Update(ctx, boardKey, text, revision)
			}
		}
		if err == nil {
			return
		}
		select {
		case <-time.After(b.lease / 150):
		case <-ctx.Done():
		}
	}
	b.log.Warn("this engine could not be taken off the board: the others wait for its lease to end", "engine", name)
}

// present gives the engines that are on the board at this moment. That what was read
// is not what a server had a while ago is shown by a change that is taken.
func (b *board) present(ctx context.Context) (map[string]bool, error) {
	for {
		n, revision, err := b.read(ctx)
		if err == nil {
			if name := b.as.Load(); name == nil || n.Engines[*name] == nil {
				return nil, ErrLeaseLost
			}
			var text []byte
			if text, err = json.Marshal(n); err != nil {
				return nil, err
			}
			if _, err = b.kv.Update(ctx, boardKey, text, revision); err == nil {
				out := map[string]bool{}
				for name := range n.Engines {
					out[name] = true
				}
				return out, nil
			}
		}
		select {
		case <-time.After(b.lease / 150):
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		}
	}
}
