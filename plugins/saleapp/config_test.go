package main

import (
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
)

func TestConfigurations(t *testing.T) {
	const base = "https://saleapp.example/server/api"
	without := func(c config, names ...string) config {
		for _, n := range names {
			delete(c, n)
		}
		return c
	}
	with := func(c config, name string, v any) config {
		c[name] = v
		return c
	}
	for name, c := range map[string]struct {
		config config
		path   string // of the diagnostic; "-" for none
		says   string
	}{
		"organization":               {organization(base, nil), "-", ""},
		"counterparty":               {counterparty(base), "-", ""},
		"default url":                {without(counterparty(""), "url"), "-", ""},
		"everything":                 {organization(base, config{"request_timeout": "1m30s", "settle": "0s", "concurrency": 3.0}), "-", ""},
		"no secret":                  {without(counterparty(base), "secret_key"), "", "secret_key"},
		"empty secret":               {with(counterparty(base), "secret_key", ""), "secret_key", "is empty"},
		"no kind":                    {without(counterparty(base), "key"), "", "key"},
		"unknown kind":               {with(counterparty(base), "key", "personal"), "key", ""},
		"organization, no warehouse": {without(organization(base, nil), "warehouse_id"), "", "warehouse_id"},
		"counterparty with a client": {with(counterparty(base), "client_id", "5"), "client_id", "must not be given"},
		"url without a scheme":       {counterparty("apps.conwix.com/server/api"), "url", ""},
		"url with a key":             {counterparty(base + "?secret_key=hush"), "url", "secret_key"},
		"url with a name":            {counterparty("https://hush:hush@saleapp.example"), "url", "secret_key"},
		"timeout in words":           {with(counterparty(base), "request_timeout", "soon"), "request_timeout", ""},
		"timeout of nothing":         {with(counterparty(base), "request_timeout", "0s"), "request_timeout", "at least"},
		"timeout of days":            {with(counterparty(base), "request_timeout", "48h"), "request_timeout", "at most 1h"},
		"settle of days":             {with(counterparty(base), "settle", "48h"), "settle", "at most 1h"},
		"no concurrency":             {with(counterparty(base), "concurrency", 0), "concurrency", "is less than 1"},
		"misspelt":                   {with(counterparty(base), "timeout", "3s"), "", "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			_, ds := configure(t, c.config)
			if c.path == "-" {
				if len(ds) > 0 {
					t.Fatalf("%+v", ds)
				}
				return
			}
			found := false
			for _, d := range ds {
				if strings.Contains(d.Message, "hush") {
					t.Errorf("a secret is repeated: %+v", d)
				}
				found = found || d.Path == c.path && strings.Contains(d.Message, c.says)
			}
			if !found {
				t.Fatalf("%+v, want one at %q that says %q", ds, c.path, c.says)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	s, err := readSettings(sdk.Config{JSON: toJSON(t, organization("http://127.0.0.1:1/api/Orders/", config{"request_timeout": "2s", "concurrency": 3}))})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.base.String(); got != "http://127.0.0.1:1/api" {
		t.Errorf("base %s", got)
	}
	if s.timeout != 2*time.Second || s.concurrency != 3 || s.defaults["curency_id"] != "6" {
		t.Errorf("%+v", s)
	}
}

func TestUnencryptedKeyIsWarnedOf(t *testing.T) {
	conn := connect(t, counterparty("http://saleapp.example/api"))
	if !strings.Contains(conn.logged.String(), "unencrypted") {
		t.Error("no warning")
	}
	conn = connect(t, counterparty("http://127.0.0.1:1/api"))
	if strings.Contains(conn.logged.String(), "unencrypted") {
		t.Error("loopback is warned of")
	}
}
