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
	"sync/atomic"

	"golang.org/x/time/rate"
)

// sender is a connection as webhooks come to it.
type sender struct {
	Connection
	token      [sha256.Size]byte
	limiter    *rate.Limiter // nil: no bound
	signature  *verifier     // nil: none
	stats      *senderCounters
	complaints *complaints
}

// senders are the connections as they are now. A request keeps the sender that it
// found.
type senders struct{ now atomic.Pointer[senderSet] }

// all gives the connections by name; the map is not to be changed.
func (s *senders) all() map[string]*sender { return s.now.Load().byName }

func (s *senders) find(u *url.URL) (_ *sender, rest string) { return s.now.Load().find(u) }

func (s *senders) stranger(u *url.URL) string { return s.now.Load().stranger(u) }

// senderSet is the connections by name. It never changes.
type senderSet struct {
	byName map[string]*sender
	// nobody is compared with where there is no such connection, so that the
	// answer takes as long.
	nobody *sender
}

// newSenders makes a set. A connection that was in old goes on counting there, and
// keeps what is left of its rate unless that changes.
func newSenders(connections iter.Seq[Connection], old *senderSet) (*senderSet, error) {
	s := &senderSet{byName: map[string]*sender{}, nobody: &sender{}}
	_, _ = rand.Read(s.nobody.token[:]) // never fails (crypto/rand)
	for c := range connections {
		if c.Token == "" {
			continue
		}
		if c.Name == "" || s.byName[c.Name] != nil {
			return nil, fmt.Errorf("connection %q is unnamed or stands twice", c.Name)
		}
		if c.Decoder == nil {
			return nil, fmt.Errorf("connection %s has no decoder", c.Name)
		}
		one := &sender{Connection: c, token: sha256.Sum256([]byte(c.Token)), stats: &senderCounters{}, complaints: newComplaints()}
		was := old.get(c.Name)
		if was != nil {
			one.stats, one.complaints = was.stats, was.complaints
		}
		if was != nil && was.RatePerSecond == c.RatePerSecond && was.Burst == c.Burst {
			one.limiter = was.limiter
		} else if c.RatePerSecond > 0 {
			one.limiter = rate.NewLimiter(rate.Limit(c.RatePerSecond), max(1, c.Burst))
		}
		if c.Signature != nil {
			v, err := newVerifier(*c.Signature)
			if err != nil {
				return nil, fmt.Errorf("signature of connection %s: %w", c.Name, err)
			}
			one.signature = v
		}
		s.byName[c.Name] = one
	}
	return s, nil
}

func (s *senderSet) get(name string) *sender {
	if s == nil {
		return nil
	}
	return s.byName[name]
}

// find gives the connection that a path addresses and what follows its token, or
// nil. The work is the same whether the connection is unknown or the token wrong:
// hashes are compared, in constant time.
func (s *senderSet) find(u *url.URL) (_ *sender, rest string) {
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
func (s *senderSet) stranger(u *url.URL) string {
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
