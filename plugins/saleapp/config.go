package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
)

const (
	defaultURL         = "https://apps.conwix.com/server/api"
	defaultTimeout     = 30 * time.Second
	maxDuration        = time.Hour
	defaultConcurrency = 8
)

// keyKind is whose key a connection has: it decides which fields are sent and by
// what products are found.
type keyKind string

const (
	organizationKey keyKind = "organization"
	counterpartyKey keyKind = "counterparty"
	// anyKey stands where the kind is not known yet: every field of both.
	anyKey keyKind = ""
)

// configuration is a connection's configuration as it is written.
type configuration struct {
	URL            string  `json:"url"`
	SecretKey      string  `json:"secret_key"`
	Key            string  `json:"key"`
	ClientID       idText  `json:"client_id"`
	CurencyID      idText  `json:"curency_id"`
	WarehouseID    idText  `json:"warehouse_id"`
	RequestTimeout string  `json:"request_timeout"`
	Settle         string  `json:"settle"`
	Concurrency    float64 `json:"concurrency"` // whole, though it may be written as 8.0
}

// idText is an id written as a string or as a number.
type idText string

// UnmarshalJSON keeps a number's digits.
func (t *idText) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*t = idText(s)
		return nil
	}
	*t = idText(raw)
	return nil
}

// settings are what a connection works with.
type settings struct {
	base   *url.URL // without a query
	secret string
	kind   keyKind
	// defaults are the form fields that an organization's key needs, where a record
	// does not name its own: client_id, curency_id, warehouse_id.
	defaults    map[string]string
	timeout     time.Duration
	concurrency int
}

// readSettings reads a configuration that has passed its schema.
func readSettings(c sdk.Config) (settings, error) {
	var in configuration
	if err := c.Decode(&in); err != nil {
		return settings{}, fmt.Errorf("read the configuration: %w", err)
	}
	var wrong []sdk.Diagnostic
	bad := func(path, hint, format string, args ...any) {
		wrong = append(wrong, sdk.Diagnostic{Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	base, err := readURL(cmp.Or(in.URL, defaultURL))
	if err != nil {
		bad("url", "write it like "+defaultURL, "%s", err)
	}
	timeout, err := in.timeout()
	if err != nil {
		bad("request_timeout", "write it like 30s", "%s", err)
	} else if timeout < time.Millisecond {
		bad("request_timeout", "write it like 30s", "must be at least 1ms")
	}
	if in.Settle != "" {
		if _, err := in.settle(); err != nil {
			bad("settle", "write it like 30s", "%s", err)
		}
	}
	if len(wrong) > 0 {
		return settings{}, &sdk.ConfigError{Diagnostics: wrong}
	}
	s := settings{
		base: base, secret: in.SecretKey, kind: keyKind(in.Key), timeout: timeout,
		concurrency: cmp.Or(int(in.Concurrency), defaultConcurrency),
	}
	if s.kind == organizationKey {
		s.defaults = map[string]string{
			"client_id": string(in.ClientID), "curency_id": string(in.CurencyID), "warehouse_id": string(in.WarehouseID),
		}
	}
	if base.Scheme == "http" && !isLoopback(base.Hostname()) {
		c.Log.Warn("the key is sent unencrypted: url is http, not https", "host", base.Host)
	}
	return s, nil
}

// timeout is how long one request may take.
func (c *configuration) timeout() (time.Duration, error) {
	return readDuration(cmp.Or(c.RequestTimeout, defaultTimeout.String()))
}

// settle is how long a request whose answer was lost may still be carried out.
func (c *configuration) settle() (time.Duration, error) {
	if c.Settle == "" {
		return c.timeout()
	}
	return readDuration(c.Settle)
}

func readDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no duration", text)
	case d < 0 || d > maxDuration:
		return 0, fmt.Errorf("%s is out of range: at most 1h", text)
	}
	return d, nil
}

// readURL takes the API's address. Its errors do not repeat it, since people put
// keys into addresses.
func readURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("is no http or https address")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must not hold a name, a query or a fragment: the key belongs into secret_key")
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/Orders")
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
