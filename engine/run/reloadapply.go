package run

import (
	"context"
	"slices"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// apply puts what was made ready in the place of what runs. What may fail comes first;
// then nothing does.
//
// Events that have begun end under what they began with, calls to plugins that are
// under way end in the processes where they began, and each goes on from one to the
// next as it is free: nothing is dropped, and nothing that goes on waits for anything
// that ends (D7).
func (r *running) apply(next *change) error {
	now := r.engine()
	if err := r.server.Update(next.waysIn()); err != nil {
		return err
	}
	replaced := map[string]*use{}
	for name, conn := range next.fresh {
		if before := next.links[name].replace(conn); before != nil {
			replaced[name] = before
		}
	}
	next.fresh = nil
	for _, c := range next.Config.Connections {
		if err := next.gates[c.Name].Set(next.gateOptions(c)); err != nil {
			r.log.Error("the limits stay as they were", "connection", c.Name, "error", err) // the configuration was checked
		}
	}
	r.put(next.engine)
	for _, l := range next.lanes {
		if now.lane(l.Lane) == nil {
			continue
		}
		if err := l.swap(next.engine); err != nil {
			r.log.Error("the mappings of the lane stay as they were", "source", l.Source, "sink", l.Sink, "error", err) // they were checked
		}
		if slices.Contains(next.again, l.Lane) {
			l.mu.Lock()
			l.reopenLocked()
			l.mu.Unlock()
		}
	}
	for _, l := range next.opened {
		r.startLane(l.lane, l.run)
	}
	next.opened = nil
	ending := r.endLanes(now, next.engine)
	for name, use := range replaced {
		r.retire(name, use)
	}
	for name, l := range now.links {
		if next.links[name] == nil {
			r.end(l, ending)
		}
	}
	next.applyTracing()
	if r.options.LogLevel == "" {
		_ = r.level.UnmarshalText([]byte(next.Config.Log.Level)) // the configuration was checked
	}
	return nil
}

// endLanes ends the lanes that next does not have. What has no outcome in them stays
// in the journal.
func (r *running) endLanes(now, next *engine) (ending []<-chan struct{}) {
	for _, l := range now.lanes {
		if next.lane(l.Lane) != nil {
			continue
		}
		r.reloads.leave(l.Lane, l.ended)
		ending = append(ending, l.ended)
		l.stop()
	}
	return ending
}

// leave notes that a lane is on its way out.
func (r *reloads) leave(id event.Lane, ended <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leaving == nil {
		r.leaving = map[event.Lane]<-chan struct{}{}
	}
	r.leaving[id] = ended
}

// lanesEnded waits until an earlier run of a lane, which was taken away, has ended.
func (r *reloads) lanesEnded(ctx context.Context, id event.Lane) error {
	r.mu.Lock()
	ended := r.leaving[id]
	delete(r.leaving, id)
	r.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retire ends a process, once the calls at hand are done.
func (r *running) retire(connection string, u *use) {
	r.background.Go(func() {
		if err := u.retire(r.deliver); err != nil {
			r.log.Warn("the process that was replaced did not stop in order", "connection", connection, "error", err)
		}
	})
}

// end ends a connection that is gone, once what goes to it has ended.
func (r *running) end(l *link, after []<-chan struct{}) {
	r.background.Go(func() {
		for _, ended := range after {
			<-ended
		}
		if before := l.retired(); before != nil {
			if err := before.retire(r.deliver); err != nil {
				r.log.Warn("the connection did not stop in order", "connection", l.name, "error", err)
			}
		}
	})
}
