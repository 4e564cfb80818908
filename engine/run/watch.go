package run

import (
	"context"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// saveWait is how long nothing must happen to files before they are looked at: a save
	// is often several changes. saveWaitMax bounds that where something always happens.
	saveWait    = 150 * time.Millisecond
	saveWaitMax = time.Second
	// lookEvery is how often files are looked at in any case: not every file system
	// tells of changes, and none of those behind a link to another folder.
	lookEvery = 5 * time.Second
)

// reloadOnChange reloads whenever a file of the configuration has another content
// than when it was read last, until ctx ends. Folders are watched and not files, for
// editors replace files and Kubernetes replaces links.
func (r *running) reloadOnChange(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		r.log.Warn("files cannot be watched; they are looked at now and then", "every", lookEvery, "error", err)
		w = &fsnotify.Watcher{}
	} else {
		defer func() { _ = w.Close() }()
	}
	var watched []string
	watch := func() {
		if err == nil {
			watched = r.watchFolders(w, watched)
		}
	}
	watch()
	r.reloadIfChanged(ctx)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	var since time.Time // the first change that was not looked at, zero if there is none
	for {
		select {
		case <-ctx.Done():
			return
		case ev, ok := <-w.Events:
			if !ok {
				return
			}
			if ev.Op == fsnotify.Chmod {
				continue
			}
			now := time.Now()
			if since.IsZero() {
				since = now
			}
			quiet.Reset(max(0, min(saveWait, since.Add(saveWaitMax).Sub(now))))
			continue
		case err, ok := <-w.Errors:
			if !ok {
				return
			}
			r.log.Warn("changes of files may have been missed; they are looked at now", "error", err)
		case <-quiet.C:
		case <-look.C:
		}
		since = time.Time{}
		r.reloadIfChanged(ctx)
		watch()
	}
}

// reloadIfChanged reloads if any file has another content than when it was read last.
// One that was refused is not tried again before something of it changes.
func (r *running) reloadIfChanged(ctx context.Context) {
	s := &r.reloads
	if !s.begin() {
		return
	}
	defer s.end()
	if r.engine().Changed(s.inputs) {
		_, _ = r.reloadNow(ctx, causeFile, "") // it is noted
	}
}

// watchFolders watches the folders of what was read last and no others, and gives
// those that are watched.
func (r *running) watchFolders(w *fsnotify.Watcher, before []string) []string {
	s := &r.reloads
	if !s.begin() {
		return before
	}
	want := r.engine().Watched(s.inputs)
	s.end()
	var now []string
	for _, dir := range want {
		if slices.Contains(before, dir) {
			now = append(now, dir)
			continue
		}
		if err := w.Add(dir); err == nil { // else it is looked at now and then, or comes later
			now = append(now, dir)
		} else {
			r.log.Debug("a folder cannot be watched", "folder", dir, "error", err)
		}
	}
	for _, dir := range before {
		if !slices.Contains(want, dir) {
			_ = w.Remove(dir) // it may be gone
		}
	}
	return now
}
