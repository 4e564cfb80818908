package config

import "errors"

// SetListen puts addr in the place of the key ingress.listen, under the same
// rules.
func (c *Config) SetListen(addr string) error {
	return address(&c.Ingress.Listen, false)(addr).err()
}

// SetAdmin puts addr in the place of the key admin.listen, under the same rules:
// a loopback address, or off.
func (c *Config) SetAdmin(addr string) error {
	return address(&c.Admin.Listen, true)(addr).err()
}

// err gives the problem with what to do about it as an error.
func (p *problem) err() error {
	switch {
	case p == nil:
		return nil
	case p.hint == "":
		return errors.New(p.message)
	}
	return errors.New(p.message + "; " + p.hint)
}
