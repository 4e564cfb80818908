package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/crosswalk-etl/crosswalk/engine/words"
)

const (
	// standWait is how long it may take, on a cluster where servers may just be choosing
	// who leads or on a slow disk, until it is known how all lanes stand.
	standWait = 20 * time.Second
	// askWait is how long a cluster's servers are waited for where people or a scrape,
	// which has 5 s for all, wait for the answer, and allWait where all must be known:
	// nobody answers for a consumer without a leader. As many as askAtOnce are asked for
	// at a time.
	askWait   = 1500 * time.Millisecond
	allWait   = 6 * time.Second
	askAtOnce = 16
)

// silentError names the consumers for which no server answers.
type silentError struct{ names []string }

func (e *silentError) Error() string {
	some := strings.Join(e.names[:min(len(e.names), 3)], ", ")
	if len(e.names) > 3 {
		some += ", …"
	}
	return fmt.Sprintf("no NATS server answers for %s of stream %s (%s)", words.Count(len(e.names), "consumer"), streamEvents, some)
}

// Unwrap has it tried again as what got no answer.
func (*silentError) Unwrap() error { return context.DeadlineExceeded }

// consumers gives how the consumers of all lanes stand: of all of them, or an error.
// Whoever purges must not miss one.
func (j *Journal) consumers(ctx context.Context) (map[lanePart]*jetstream.ConsumerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, standWait)
	defer cancel()
	return patiently(ctx, j, func() (map[lanePart]*jetstream.ConsumerInfo, error) { return j.asked(ctx, allWait) })
}

// asked asks once for the consumers of all lanes, a cluster for as long as wait. With
// *silentError it gives those that it was told of.
func (j *Journal) asked(ctx context.Context, wait time.Duration) (map[lanePart]*jetstream.ConsumerInfo, error) {
	all := map[lanePart]*jetstream.ConsumerInfo{}
	if j.o.Cluster == nil {
		list := j.events.ListConsumers(ctx)
		for info := range list.Info() {
			if p, ok := partOfDurable(info.Name); ok {
				all[p] = info
			}
		}
		return all, list.Err()
	}
	// A cluster's list leaves out, without a word, whom a server that is gone had, and the
	// client asks for the rest for ever. The names are complete.
	soon, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	parts, err := j.named(soon)
	if err != nil {
		return nil, err
	}
	var (
		group  errgroup.Group
		mu     sync.Mutex
		silent []string
	)
	group.SetLimit(askAtOnce)
	for name, p := range parts {
		group.Go(func() error {
			c, err := j.events.Consumer(soon, name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, jetstream.ErrConsumerNotFound): // it has just gone
			case err != nil && !isForming(ctx, err):
				return fmt.Errorf("ask for consumer %s: %w", name, err)
			case err != nil, j.replicas() > 1 && (c.CachedInfo().Cluster == nil || c.CachedInfo().Cluster.Leader == ""):
				silent = append(silent, name) // a follower makes up the state of a new one
			default:
				all[p] = c.CachedInfo()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if len(silent) > 0 {
		slices.Sort(silent)
		return all, &silentError{silent}
	}
	return all, nil
}

// named gives the names of all lanes' consumers.
func (j *Journal) named(ctx context.Context) (map[string]lanePart, error) {
	names, parts := j.events.ConsumerNames(ctx), map[string]lanePart{}
	for name := range names.Name() {
		if p, ok := partOfDurable(name); ok {
			parts[name] = p
		}
	}
	return parts, names.Err()
}
