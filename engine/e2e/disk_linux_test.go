package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// diskEnv makes the test binary run as the one that puts a program onto a disk: its
// value is what to be asked about, syncs or all.
const diskEnv = "CROSSWALK_E2E_DISK"

// disk stands between a program and its file system. The kernel asks it about each
// fsync of the program, and lets that happen when it says so (seccomp's user
// notifications): so the program that is tested is the one that is shipped, and it
// waits in its own system calls. It needs no privilege.
type disk struct {
	// all has it asked about writes and free space too, which costs time.
	all bool
	// dir is the directory whose writes can fail.
	dir string

	mu     sync.Mutex
	delay  func() time.Duration // of each fsync; nil: none
	full   bool
	torn   bool   // the next write that fails is cut off in its middle
	free   uint64 // what is said to be free; 0: the truth
	counts diskCounts
}

// diskCounts is what a disk did.
type diskCounts struct {
	syncs, refused, torn int
	longest, total       time.Duration
}

// set changes how the disk behaves from now on.
func (d *disk) set(change func(*disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *disk) counted() diskCounts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts
}

// mount makes cmd, which is not started yet, run on the disk. Once it is started,
// attach must be called.
func (d *disk) mount(t testing.TB, cmd *exec.Cmd) (attach func()) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := pair[0], os.NewFile(uintptr(pair[1]), "disk")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	what := "syncs"
	if d.all {
		what = "all"
	}
	cmd.Args = append([]string{self, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = self
	cmd.Env = append(cmd.Env, diskEnv+"="+what)
	cmd.ExtraFiles = []*os.File{theirs}
	return func() {
		_ = theirs.Close()
		go func() {
			defer func() { _ = unix.Close(ours) }()
			if listener, err := receive(ours); err == nil {
				d.serve(listener)
			} // else it has ended before, which whoever waits for it will see
		}()
	}
}

// receive takes a descriptor that came over a socket.
func receive(socket int) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, err
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(msgs) != 1 {
		return 0, fmt.Errorf("no descriptor came: %w", err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return 0, fmt.Errorf("no descriptor came: %w", err)
	}
	return fds[0], nil
}

// The kernel's struct seccomp_notif and struct seccomp_notif_resp (seccomp(2)).
type (
	notification struct {
		ID    uint64
		PID   uint32
		Flags uint32
		Nr    int32
		Arch  uint32
		IP    uint64
		Args  [6]uint64
	}
	response struct {
		ID    uint64
		Val   int64
		Error int32
		Flags uint32
	}
)

// serve answers until every process on the disk has ended.
func (d *disk) serve(listener int) {
	var asked sync.WaitGroup
	defer func() {
		asked.Wait()
		_ = unix.Close(listener)
	}()
	for {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			if fds[0].Revents != 0 {
				return
			}
			continue
		}
		var n notification
		if ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)) != nil {
			continue // it has been killed meanwhile
		}
		asked.Go(func() {
			r := d.answer(listener, &n)
			_ = ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
		})
	}
}

// answer says what becomes of a system call; it waits as long as a sync takes.
func (d *disk) answer(listener int, n *notification) response {
	goOn := response{ID: n.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	d.mu.Lock()
	full, free, draw := d.full, d.free, d.delay
	d.mu.Unlock()
	sync := n.Nr == unix.SYS_FSYNC || n.Nr == unix.SYS_FDATASYNC
	switch {
	case sync:
		began := time.Now()
		if draw != nil {
			time.Sleep(draw())
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		took := time.Since(began)
		d.counts.syncs++
		d.counts.total += took
		d.counts.longest = max(d.counts.longest, took)
	case n.Nr == unix.SYS_STATFS && free > 0:
		if d.pretend(listener, n, free) == nil {
			return response{ID: n.ID}
		}
	case full && (n.Nr == unix.SYS_WRITE || n.Nr == unix.SYS_PWRITE64) && d.holds(n):
		d.mu.Lock()
		defer d.mu.Unlock()
		d.counts.refused++
		if d.torn && n.Nr == unix.SYS_PWRITE64 && n.Args[2] > 1 {
			if half, err := d.tear(listener, n); err == nil {
				d.torn = false
				d.counts.torn++
				return response{ID: n.ID, Val: half}
			}
		}
		return response{ID: n.ID, Error: -int32(unix.ENOSPC)}
	}
	return goOn
}

// tear does the first half of a write for the process.
func (d *disk) tear(listener int, n *notification) (int64, error) {
	of := filepath.Join("/proc", strconv.Itoa(int(n.PID)))
	memory, err := os.Open(filepath.Join(of, "mem"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = memory.Close() }()
	file, err := os.OpenFile(filepath.Join(of, "fd", strconv.Itoa(int(int32(n.Args[0])))), os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	half := make([]byte, n.Args[2]/2)
	if _, err := memory.ReadAt(half, int64(n.Args[1])); err != nil {
		return 0, err
	}
	// The process may have ended, and its number be another's.
	if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.ID)); err != nil {
		return 0, err
	}
	written, err := file.WriteAt(half, int64(n.Args[3]))
	return int64(written), err
}

// holds tells whether a call is about a file in the directory.
func (d *disk) holds(n *notification) bool {
	name, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(int(n.PID)), "fd", strconv.Itoa(int(int32(n.Args[0])))))
	return err == nil && strings.HasPrefix(name, d.dir+"/")
}

// pretend does a statfs for the process, of the truth but for what is free.
func (d *disk) pretend(listener int, n *notification, free uint64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		return err
	}
	s.Bavail = free / uint64(s.Bsize)
	memory, err := os.OpenFile(filepath.Join("/proc", strconv.Itoa(int(n.PID)), "mem"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { _ = memory.Close() }()
	// The process may have ended, and its number be another's.
	if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.ID)); err != nil {
		return err
	}
	size := unsafe.Sizeof(s)
	_, err = memory.WriteAt(unsafe.Slice((*byte)(unsafe.Pointer(&s)), size), int64(n.Args[1]))
	return err
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		if e == 0 {
			return nil
		}
		if e != unix.EINTR {
			return e
		}
	}
}

// newDisk makes a disk, or tells why there can be none on this machine.
func newDisk(t testing.TB, dir string) (*disk, error) {
	t.Helper()
	if auditArch() == 0 {
		return nil, fmt.Errorf("system calls of %s are not known", runtime.GOARCH)
	}
	d := &disk{dir: dir}
	cmd := exec.Command("true")
	cmd.Env = os.Environ()
	attach := d.mount(t, cmd)
	out := &strings.Builder{}
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	attach()
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(out.String()))
	}
	return d, nil
}

func auditArch() uint32 {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64
	}
	return 0
}

// becomeOnDisk runs in the new process: it has the kernel ask about its calls,
// passes on where the answers are waited for, and becomes the program. It returns
// where that cannot be, and the reason.
func becomeOnDisk(what string) error {
	runtime.LockOSThread()
	calls := []uint32{unix.SYS_FSYNC, unix.SYS_FDATASYNC}
	if what == "all" {
		calls = append(calls, unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_STATFS)
	}
	// struct seccomp_data: the call's number, then the architecture.
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 4},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: auditArch(), Jf: uint8(len(calls) + 1)},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
	}
	for i, nr := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jt: uint8(len(calls) - i)})
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
	)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	// Signals that a Go program sends itself must not begin a call anew.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	listener, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	const socket = 3 // the first of exec.Cmd's ExtraFiles
	if err := unix.Sendmsg(socket, []byte{0}, unix.UnixRights(int(listener)), nil, 0); err != nil {
		return fmt.Errorf("pass the listener on: %w", err)
	}
	unix.CloseOnExec(socket)
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, diskEnv+"=") })
	return syscall.Exec(os.Args[1], os.Args[1:], env)
}
