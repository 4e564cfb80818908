//go:build unix

package outbound

import (
	"errors"
	"net"
	"syscall"
)

// staleness gives what tells whether a connection on which nothing is awaited has
// something to read: its end, or what nobody asked for. It takes one system call.
func staleness(c net.Conn) func() bool {
	from, ok := c.(syscall.Conn)
	if !ok {
		return func() bool { return false }
	}
	raw, err := from.SyscallConn()
	if err != nil {
		return func() bool { return true }
	}
	var alive bool
	var one [1]byte
	look := func(fd uintptr) bool {
		_, err := syscall.Read(int(fd), one[:])
		alive = errors.Is(err, syscall.EAGAIN)
		return true // do not wait for more
	}
	return func() bool {
		alive = false
		return raw.Read(look) != nil || !alive
	}
}
