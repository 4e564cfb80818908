package config

import (
	"net"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// UnixPrefix begins an admin address that is a socket's path.
const UnixPrefix = "unix:"

// maxSocketPath bounds a socket's path in bytes: the smallest that systems allow.
const maxSocketPath = 103

// Admin says where the running engine answers the operator's commands.
type Admin struct {
	// Listen is host:port, or unix:PATH for a socket that only the engine's user may
	// use, its path made absolute or relative to the working folder; key listen,
	// default 127.0.0.1:9090; "off" for none gives "". An address that other machines
	// reach needs Token.
	Listen string
	// Token is what every request must bring as a bearer token: 16 to 128 letters,
	// digits and . _ ~ -; key token, "" for none. Until Resolve it is "" where it is a
	// reference.
	Token string
}

// adminKeys tell where admin.listen has its value, nil if it is left out, and
// whether there is an admin.token, known or not.
type adminKeys struct {
	listen *yaml.Node
	token  bool
}

// Local tells whether the address is out of other machines' reach.
func (a Admin) Local() bool {
	if a.Listen == "" || strings.HasPrefix(a.Listen, UnixPrefix) {
		return true
	}
	host, _, err := net.SplitHostPort(a.Listen)
	return err == nil && isLoopback(host)
}

const (
	openAdmin     = "the admin address can be reached from other machines, and there is no admin.token to keep them out"
	openAdminHint = `set admin.token, as "${env:CROSSWALK_ADMIN_TOKEN}", or listen on 127.0.0.1 and reach it through a tunnel (ssh -L)`
)

func (r *reader) admin(c *Config, n *yaml.Node) {
	there := r.object(n, "admin",
		field{"listen", func(n *yaml.Node) {
			c.admin.listen = n
			r.text(c.adminAddress(&c.Admin.Listen))(n)
		}},
		field{"token", r.secret(func(s string) *problem {
			if p := badAdminToken(s); p != nil {
				return p
			}
			c.Admin.Token = s
			return nil
		})},
	)
	c.admin.token = there["token"]
}

// adminAddress reads host:port, unix:PATH or off.
func (c *Config) adminAddress(into *string) func(string) *problem {
	return func(s string) *problem {
		path, socket := strings.CutPrefix(s, UnixPrefix)
		switch {
		case s == "off":
			*into = ""
			return nil
		case !socket:
			return address(into)(s)
		case strings.TrimSpace(path) == "" || strings.ContainsRune(path, 0):
			return &problem{"this names no socket", "write unix:PATH, as unix:/run/crosswalk/admin.sock"}
		}
		path = c.under(path)
		if len(path) > maxSocketPath {
			return &problem{"the path of the socket is longer than the system allows", "choose a shorter one, as unix:/run/crosswalk/admin.sock"}
		}
		*into = UnixPrefix + filepath.ToSlash(path)
		return nil
	}
}

// badAdminToken says what keeps s from being a token, without showing it.
func badAdminToken(s string) *problem {
	if p := badTokenOf(s, 16); !tokenForm.MatchString(s) || len(s) < 16 {
		return p
	}
	return nil
}

// finishAdmin refuses an address that is open to others.
func (c *Config) finishAdmin(list *diag.List) {
	if c.admin.listen != nil && !c.admin.token && !c.Admin.Local() {
		*list = append(*list, c.src.at(c.admin.listen, RuleValue, openAdminHint, openAdmin))
	}
}

// SetAdmin puts addr in the place of the key admin.listen, under the same rules;
// a socket's path is relative to the working folder.
func (c *Config) SetAdmin(addr string) error {
	a := Admin{Token: c.Admin.Token}
	here := Config{Dir: "."}
	if err := here.adminAddress(&a.Listen)(addr).err(); err != nil {
		return err
	}
	if !c.admin.token && !a.Local() {
		return (&problem{openAdmin, openAdminHint}).err()
	}
	c.Admin, c.admin.listen = a, nil
	return nil
}
