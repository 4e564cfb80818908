package pluginhost

import (
	"os"
	"os/exec"
	"syscall"
)

// isolate keeps the console's signals from a process.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// awaitExit cannot wait without reaping here.
func awaitExit(int) bool { return false }

// killGroup ends a process.
func killGroup(p *os.Process) { _ = p.Kill() }

// terminate does nothing: the end of standard input is the sign to end.
func terminate(*os.Process) {}
