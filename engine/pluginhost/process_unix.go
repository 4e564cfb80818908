//go:build unix

package pluginhost

import (
	"os"
	"syscall"
)

// killGroup ends a process and its group at once, stopped ones too.
func killGroup(p *os.Process) {
	// What has ended already cannot be signalled, and need not be.
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	_ = p.Kill()
}

// terminate asks a process to end.
func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) }
