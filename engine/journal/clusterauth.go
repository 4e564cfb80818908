package journal

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
)

// maxCredentials bounds what is read of a file with credentials, in bytes.
const maxCredentials = 64 << 10

// auth is who the engine is, and how servers prove who they are.
func (c *Cluster) auth() ([]nats.Option, error) {
	var o []nats.Option
	switch {
	case c.Credentials != "":
		own, err := credentials(c.Credentials)
		if err != nil {
			return nil, err
		}
		o = append(o, own)
	case c.Token != "":
		o = append(o, nats.Token(c.Token))
	case c.User != "":
		o = append(o, nats.UserInfo(c.User, c.Password))
	}
	t, err := c.tls()
	if t != nil && err == nil {
		o = append(o, nats.Secure(t))
	}
	return o, err
}

// credentials reads what kind of file it is: the client reads it again whenever it
// connects, so that it may be replaced.
func credentials(file string) (nats.Option, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it in the configuration
	if err != nil {
		return nil, clusterError("credentials", err, "the credentials cannot be read")
	}
	defer clear(text)
	if len(text) <= maxCredentials && bytes.Contains(text, []byte("-----BEGIN NATS USER JWT-----")) {
		return nats.UserCredentials(file), nil
	}
	key, err := nats.NkeyOptionFromSeed(file)
	if err != nil { // what is in it stays unsaid
		return nil, clusterError("credentials", nil, "%s is neither a file with a user's JWT and seed (nsc generate creds) nor one with the seed of an NKey of a user", file)
	}
	return key, nil
}

// tls is how the cluster and the engine prove who they are, nil where nothing of it
// is configured.
func (c *Cluster) tls() (*tls.Config, error) {
	if c.CA == "" && c.Certificate == "" {
		return nil, nil //nolint:nilnil // nothing is configured, and nothing is wrong
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, clusterError("tls", err, "the roots cannot be read")
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, clusterError("tls", nil, "%s holds no certificate in PEM", c.CA)
		}
	}
	if c.Certificate != "" {
		own, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, clusterError("tls", err, "the engine's certificate %s and its key %s cannot be used", c.Certificate, c.Key)
		}
		t.Certificates = []tls.Certificate{own}
	}
	return t, nil
}

// refused says in words why there is no connection. The client names no server,
// and never a password.
func (c *Cluster) refused(err error) error {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired):
		setting := "url"
		for _, s := range []struct{ name, value string }{{"user", c.User}, {"token", c.Token}, {"credentials", c.Credentials}} {
			if s.value != "" {
				setting = s.name
			}
		}
		return clusterError(setting, err, "the NATS cluster does not let the engine in: check credentials, user and password, or token")
	case errors.As(err, &cert):
		return clusterError("tls", err, "the certificate of the NATS cluster is not trusted: name the file of its roots in storage.nats.tls.ca")
	case errors.Is(err, nats.ErrTLS), errors.As(err, &op) && op.Op == "remote error": // it hung up, with a word or without
		return clusterError("tls", err, "the NATS cluster refuses the engine's certificate, or wants one: name it in storage.nats.tls.certificate and key, signed by the roots that the servers trust")
	case errors.Is(err, nats.ErrSecureConnWanted):
		return clusterError("tls", err, "the NATS cluster offers no TLS: configure tls in its servers, or take storage.nats.tls and tls:// out")
	case errors.Is(err, nats.ErrSecureConnRequired):
		return clusterError("tls", err, "there is no TLS connection to the NATS cluster")
	case errors.As(err, &dns):
		return clusterError("url", err, "the NATS cluster's name is not known")
	}
	return clusterError("url", err, "no server of the NATS cluster at %s can be reached", strings.Join(withoutUsers(c.URLs), ", "))
}

// withoutUsers takes what may be a password out of addresses.
func withoutUsers(urls []string) []string {
	out := make([]string, len(urls))
	for i, u := range urls {
		scheme, rest, ok := strings.Cut(u, "://")
		if !ok {
			scheme, rest = "nats", u
		}
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			rest = rest[at+1:]
		}
		out[i] = scheme + "://" + rest
	}
	return out
}
