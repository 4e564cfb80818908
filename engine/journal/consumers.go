package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// standWait is how long it may take on a cluster, where servers may just be choosing
// who leads, until it is known how all lanes stand.
const standWait = 20 * time.Second

// consumers gives how the consumers of all lanes stand: of all of them, or an error.
// Whoever purges must not miss one.
func (j *Journal) consumers(ctx context.Context) (map[lanePart]*jetstream.ConsumerInfo, error) {
	if j.o.Cluster == nil {
		return j.listed(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, standWait)
	defer cancel()
	return formed(ctx, func() (map[lanePart]*jetstream.ConsumerInfo, error) {
		all, err := j.listed(ctx)
		if err != nil {
			return nil, err
		}
		return all, j.unlisted(ctx, all)
	})
}

// listed is what the server lists. On a cluster it leaves out, without a word, whom it
// got no answer from within 4 s.
func (j *Journal) listed(ctx context.Context) (map[lanePart]*jetstream.ConsumerInfo, error) {
	all := map[lanePart]*jetstream.ConsumerInfo{}
	list := j.events.ListConsumers(ctx)
	for info := range list.Info() {
		// One without a leader stands in for a consumer that nobody has asked.
		if p, ok := partOfDurable(info.Name); ok && (info.Cluster == nil || info.Cluster.Leader != "") {
			all[p] = info
		}
	}
	return all, list.Err()
}

// unlisted adds those that have a name and were not listed.
func (j *Journal) unlisted(ctx context.Context, all map[lanePart]*jetstream.ConsumerInfo) error {
	names := j.events.ConsumerNames(ctx)
	var missing []string
	for name := range names.Name() {
		if p, ok := partOfDurable(name); ok && all[p] == nil {
			missing = append(missing, name)
		}
	}
	if err := names.Err(); err != nil {
		return err
	}
	for _, name := range missing {
		c, err := j.events.Consumer(ctx, name)
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			continue // it has just gone
		case err != nil:
			return fmt.Errorf("ask for consumer %s: %w", name, err)
		}
		p, _ := partOfDurable(name)
		all[p] = c.CachedInfo()
	}
	return nil
}
