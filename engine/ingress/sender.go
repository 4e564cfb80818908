package ingress

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/time/rate"
)

// sender is a connection as webhooks come to it.
type sender struct {
	Connection
	token      [sha256.Size]byte
	limiter    *rate.Limiter // nil: no bound
	signature  *verifier     // nil: none
	stats      senderCounters
	complaints *complaints
}

// senders are the connections by name.
type senders struct {
	byName map[string]*sender
	// nobody is compared with where there is no such connection, so that the
	// answer takes as long.
	nobody *sender
}

func newSenders(connections iter.Seq[Connection]) (senders, error) {
	s := senders{byName: map[string]*sender{}, nobody: &sender{}}
	_, _ = rand.Read(s.nobody.token[:]) // never fails (crypto/rand)
	for c := range connections {
		if c.Token == "" {
			continue
		}
		if c.Name == "" || s.byName[c.Name] != nil {
			return senders{}, fmt.Errorf("connection %q is unnamed or stands twice", c.Name)
		}
		if c.Decoder == nil {
			return senders{}, fmt.Errorf("connection %s has no decoder", c.Name)
		}
		one := &sender{Connection: c, token: sha256.Sum256([]byte(c.Token)), complaints: newComplaints()}
		if c.RatePerSecond > 0 {
			one.limiter = rate.NewLimiter(rate.Limit(c.RatePerSecond), max(1, c.Burst))
		}
		if c.Signature != nil {
			v, err := newVerifier(*c.Signature)
			if err != nil {
				return senders{}, fmt.Errorf("signature of connection %s: %w", c.Name, err)
			}
			one.signature = v
		}
		s.byName[c.Name] = one
	}
	return s, nil
}

// find gives the connection that a path addresses and what follows its token, or
// nil. The work is the same whether the connection is unknown or the token wrong:
// hashes are compared, in constant time.
func (s *senders) find(u *url.URL) (_ *sender, rest string) {
	name, token, rest := split(u.EscapedPath())
	one, known := s.byName[name]
	if !known {
		one = s.nobody
	}
	given := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(given[:], one.token[:]) != 1 || !known {
		return nil, ""
	}
	return one, rest
}

// stranger says for the log, and never for the sender, why find gave nothing. What
// stands in the address is not repeated: it may be a token in the wrong place.
func (s *senders) stranger(u *url.URL) string {
	name, _, _ := split(u.EscapedPath())
	switch {
	case name == "":
		return "the address is not of the form /in/{connection}/{token}"
	case s.byName[name] != nil:
		return "the token is not that of connection " + name
	case len(s.byName) == 0:
		return "no connection has a token, so that none takes webhooks"
	}
	return "no connection of this name takes webhooks; those that do are " + strings.Join(slices.Sorted(maps.Keys(s.byName)), ", ")
}

// split takes /in/{connection}/{token}/rest apart; the token is "" where the path
// is none of that form.
func split(path string) (name, token, rest string) {
	path, ok := strings.CutPrefix(path, "/in/")
	if !ok {
		return "", "", ""
	}
	name, path, _ = strings.Cut(path, "/")
	token, rest, more := strings.Cut(path, "/")
	if more {
		rest = "/" + rest
	}
	for _, part := range []*string{&name, &token, &rest} {
		plain, err := url.PathUnescape(*part)
		if err != nil {
			return "", "", ""
		}
		*part = plain
	}
	return name, token, rest
}
