//go:build !linux

package e2e

import (
	"errors"
	"os/exec"
	"testing"
	"time"
)

const diskEnv = "CROSSWALK_E2E_DISK"

// disk is Linux's: see disk_linux_test.go.
type disk struct {
	all, full, torn bool
	delay           func() time.Duration
	free            uint64
}

type diskCounts struct {
	syncs, refused, torn int
	longest, total       time.Duration
}

func newDisk(testing.TB, string) (*disk, error) {
	return nil, errors.New("only Linux can have a program wait in its system calls")
}

func (d *disk) set(change func(*disk)) { change(d) }

func (d *disk) counted() diskCounts { return diskCounts{} }

func (d *disk) mount(testing.TB, *exec.Cmd) (attach func()) { return func() {} }

func becomeOnDisk(string) error { return errors.New("there is no disk on this system") }
