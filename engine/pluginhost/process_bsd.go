//go:build unix && !linux

package pluginhost

import (
	"os/exec"
	"syscall"
)

// isolate puts a process into a group of its own, so that it can be ended with
// its children and does not get the terminal's signals.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// awaitExit cannot wait without reaping here.
func awaitExit(int) bool { return false }
