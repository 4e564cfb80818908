//go:build !unix

package outbound

import "net"

// staleness knows no way here to look at a connection without waiting: one that the
// far side has closed shows itself by a lost answer.
func staleness(net.Conn) func() bool { return func() bool { return false } }
