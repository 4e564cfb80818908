package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/config"
	"github.com/crosswalk-etl/crosswalk/engine/project"
)

// A signal ends a command that computes and looks at no context.
func TestSignalEndsComputing(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			released := make(chan struct{})
			codes := make(chan int, 1)
			a := &app{stdout: io.Discard, stderr: io.Discard, pluginsDir: t.TempDir(), exit: func(code int) {
				codes <- code
				close(released)
			}}
			err := a.withProject(t.Context(), &config.Config{}, func(context.Context, *project.Project) error {
				self, err := os.FindProcess(os.Getpid())
				if err != nil {
					return err
				}
				if err := self.Signal(sig); err != nil {
					return err
				}
				select { // as computing does, without a look at ctx
				case <-released:
					return nil
				case <-time.After(time.Minute):
					return errors.New("the command went on")
				}
			})
			if !errors.Is(err, errInterrupted) {
				t.Errorf("error %v, want %v", err, errInterrupted)
			}
			select {
			case code := <-codes:
				if code != exitInterrupted {
					t.Errorf("exit code %d, want %d", code, exitInterrupted)
				}
			default:
				t.Error("the command did not end")
			}
		})
	}
}
