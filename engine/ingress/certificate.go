package ingress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

const (
	// certificateEvery is how often, at most, the files are looked at for a change.
	certificateEvery = 10 * time.Second
	// certificateSoon is how long before its end a certificate is warned of.
	certificateSoon = 14 * 24 * time.Hour
)

// Certificate is what ingress shows to those who connect with TLS, kept in two PEM
// files. When they change, new connections see the new one; one that cannot be
// used never replaces one that can.
type Certificate struct {
	file, key string
	log       *slog.Logger

	mu      sync.Mutex
	now     *tls.Certificate
	stamp   [2]time.Time
	looked  time.Time
	refused string
}

// LoadCertificate reads a certificate, followed by those that lead to the root, and
// its private key. Its errors name the file. A nil logger drops warnings.
func LoadCertificate(file, key string, log *slog.Logger) (*Certificate, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Certificate{file: file, key: key, log: log}
	stamp, err := c.stamps()
	if err != nil {
		return nil, fmt.Errorf("TLS for webhooks: %w", err)
	}
	now, err := c.load()
	if err != nil {
		return nil, fmt.Errorf("TLS for webhooks: %w", err)
	}
	c.now, c.stamp, c.looked = now, stamp, time.Now()
	return c, nil
}

// config is for a listener: TLS 1.2 or newer and HTTP/1.1, which every sender of
// webhooks has, and whose limits are the listener's.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(time.Now()), nil },
	}
}

// current gives the certificate, read again if its files have changed.
func (c *Certificate) current(at time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Sub(c.looked) < certificateEvery {
		return c.now
	}
	c.looked = at
	stamp, err := c.stamps()
	if err == nil && stamp == c.stamp {
		return c.now
	}
	var fresh *tls.Certificate
	if err == nil {
		fresh, err = c.load()
	}
	if err != nil {
		// A file may be in the middle of being replaced: it is looked at again.
		if text := err.Error(); text != c.refused {
			c.refused = text
			c.log.Error("the new TLS certificate cannot be used; the old one stays", "error", text)
		}
		return c.now
	}
	c.now, c.stamp, c.refused = fresh, stamp, ""
	c.log.Info("the TLS certificate is replaced", "file", c.file, "until", fresh.Leaf.NotAfter)
	return c.now
}

func (c *Certificate) stamps() (stamp [2]time.Time, err error) {
	for i, name := range []string{c.file, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return stamp, fmt.Errorf("look at the file: %w", err)
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}

// load reads both files. An error tells nothing of what is in them.
func (c *Certificate) load() (*tls.Certificate, error) {
	chain, err := os.ReadFile(c.file)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	key, err := os.ReadFile(c.key)
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with private key %s: %w", c.file, c.key, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, fmt.Errorf("certificate %s: %w", c.file, err)
		}
	}
	left := time.Until(pair.Leaf.NotAfter)
	if left <= 0 {
		return nil, fmt.Errorf("certificate %s: %w", c.file, errors.New("it ended on "+pair.Leaf.NotAfter.Format(time.DateOnly)+": get a new one"))
	}
	if left < certificateSoon {
		c.log.Warn("the TLS certificate ends soon", "file", c.file, "until", pair.Leaf.NotAfter)
	}
	return &pair, nil
}
