package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const (
	// maxHandshake bounds the handshake line; with its certificate it has less
	// than 1 KiB.
	maxHandshake = 16 << 10
	// maxNoise bounds what may be printed before it.
	maxNoise = 1 << 20
)

// handshakeForm is go-plugin's line: version of the handshake, version of the
// protocol, network, address, way of calling, certificate, and more in later
// versions. It may follow something printed without a line end.
var handshakeForm = regexp.MustCompile(`(?:^|\D)(\d{1,4})\|(\d{1,9})\|(unix|tcp)\|([^|\s]+)(?:\|(\w+))?(?:\|([A-Za-z0-9+/=]*))?(?:\|[^\s]*)?$`)

// handshakeFinder looks for the handshake line in what a process prints.
type handshakeFinder struct {
	line  []byte
	noise int
	// other is called with what is no handshake.
	other func([]byte)
}

// next takes what was printed. It gives the handshake line once it is there, and
// what was printed behind it.
func (f *handshakeFinder) next(p []byte) (line string, rest []byte, err error) {
	for len(p) > 0 {
		head, tail, end := bytes.Cut(p, []byte{'\n'})
		f.line = append(f.line, head...)
		if over := len(f.line) - maxHandshake; over > 0 {
			f.skip(f.line[:over])
			f.line = append(f.line[:0], f.line[over:]...)
		}
		p = tail
		if end {
			text := strings.TrimRight(string(f.line), "\r ")
			if at := handshakeForm.FindStringSubmatchIndex(text); at != nil {
				if at[2] > 0 {
					f.skip([]byte(text[:at[2]] + "\n"))
				}
				return text[at[2]:], tail, nil
			}
			f.skip(append(f.line, '\n'))
			f.line = f.line[:0]
		}
		if f.noise > maxNoise {
			return "", nil, errors.New("it printed over 1 MiB to standard output before its handshake: what a plugin prints belongs on standard error")
		}
	}
	return "", nil, nil
}

func (f *handshakeFinder) skip(p []byte) {
	f.noise += len(p)
	f.other(p)
}

// vet says why a handshake line is not acceptable.
func vet(line string) error {
	m := handshakeForm.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("its handshake line is malformed: %q", line)
	}
	core, err := strconv.Atoi(m[1])
	if err != nil {
		return fmt.Errorf("its handshake line is malformed: %w", err)
	}
	if core != goplugin.CoreProtocolVersion {
		return fmt.Errorf("it speaks version %d of go-plugin's handshake and this engine version %d: build it with a go-plugin library of that version", core, goplugin.CoreProtocolVersion)
	}
	version, err := strconv.Atoi(m[2])
	if err != nil {
		return fmt.Errorf("its handshake line is malformed: %w", err)
	}
	if version != wire.ProtocolVersion {
		return &VersionError{Plugin: version, Engine: wire.ProtocolVersion}
	}
	if m[3] == "tcp" {
		host, _, err := net.SplitHostPort(m[4])
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("it listens on %s: only a UNIX socket or the loopback interface will do", m[4])
		}
	}
	if m[5] != string(goplugin.ProtocolGRPC) {
		return fmt.Errorf("it does not serve gRPC: the fifth part of its handshake line has to be grpc, not %q", m[5])
	}
	if len(m[6]) <= 50 {
		return errors.New("it serves without TLS: its handshake line has no certificate, as AutoMTLS wants (PLUGIN_CLIENT_CERT)")
	}
	return nil
}
