package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
)

const (
	defaultURL         = "https://api.novaposhta.ua/v2.0/json/"
	defaultTimeout     = 15 * time.Second
	maxTimeout         = 10 * time.Minute
	defaultConcurrency = 4
)

// configuration is a connection's configuration as it is written.
type configuration struct {
	APIKey         string  `json:"api_key"`
	URL            string  `json:"url"`
	CacheDir       string  `json:"cache_dir"`
	RequestTimeout string  `json:"request_timeout"`
	Concurrency    float64 `json:"concurrency"` // whole, though it may be written as 8.0
}

// settings are what a connection works with.
type settings struct {
	key         string
	url         string
	cacheDir    string // "" keeps no copies on disk
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
	u, err := readURL(cmp.Or(in.URL, defaultURL))
	if err != nil {
		wrong = append(wrong, sdk.Diagnostic{Path: "url", Message: err.Error(), Hint: "write it like " + defaultURL})
	}
	timeout, err := time.ParseDuration(cmp.Or(in.RequestTimeout, defaultTimeout.String()))
	if err != nil || timeout < time.Millisecond || timeout > maxTimeout {
		wrong = append(wrong, sdk.Diagnostic{
			Path: "request_timeout", Message: "is no duration from 1ms to 10m", Hint: "write it like 15s",
		})
	}
	if len(wrong) > 0 {
		return settings{}, &sdk.ConfigError{Diagnostics: wrong}
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		c.Log.Warn("the key is sent unencrypted: url is http, not https", "host", u.Host)
	}
	return settings{
		key: in.APIKey, url: u.String(), cacheDir: in.CacheDir, timeout: timeout,
		concurrency: cmp.Or(int(in.Concurrency), defaultConcurrency),
	}, nil
}

// readURL takes the API's address. Its errors do not repeat it, since people put
// keys into addresses.
func readURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("is no http or https address")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must not hold a name, a query or a fragment: the key belongs into api_key")
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
