package pluginhost

import "runtime"

// launcher starts processes on a thread of its own that lives as long as the
// host. The kernel's parent-death signal follows the thread that started a
// process: on a thread of the Go scheduler's it would kill plugins whenever that
// thread ends.
type launcher struct {
	work chan func()
	quit chan struct{}
	done chan struct{}
}

func newLauncher() *launcher {
	l := &launcher{work: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		defer close(l.done)
		for {
			select {
			case f := <-l.work:
				f()
			case <-l.quit:
				return
			}
		}
	}()
	return l
}

// do calls f on the launcher's thread.
func (l *launcher) do(f func() error) error {
	result := make(chan error, 1)
	select {
	case l.work <- func() { result <- f() }:
		return <-result
	case <-l.quit:
		return ErrClosed
	}
}

// close ends the thread, and with it whatever process it started. It is called
// once.
func (l *launcher) close() {
	close(l.quit)
	<-l.done
}
