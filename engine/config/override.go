package config

import "errors"

// SetListen puts addr in the place of the key ingress.listen, under the same
// rules.
func (c *Config) SetListen(addr string) error {
	return address(&c.Ingress.Listen)(addr).err()
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
