package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/novaposhta/novaposhtatest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// say answers everything by a status and a body.
func say(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// refusal is an answer of the API that says no.
func refusal(errors, codes string) http.HandlerFunc {
	return say(200, `{"success":false,"data":[],"errors":`+errors+`,"errorCodes":`+codes+`,"info":[]}`)
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name string
		far  http.HandlerFunc
		want string
	}{
		{"429", say(429, "<html>", "Retry-After", "7"), "RATE_LIMITED rate_limited: Nova Poshta asks to be asked less often: HTTP 429 Too Many Requests"},
		{"503", say(503, "<html>"), "RATE_LIMITED rate_limited: "},
		{"To many requests", refusal(`["To many requests"]`, `[]`), "RATE_LIMITED rate_limited: Nova Poshta asks to be asked less often: To many requests"},
		{"code of the key", refusal(`["Щось не так"]`, `["20000200068"]`), "AUTH wrong_key: Nova Poshta refuses the API key: Щось не так: code 20000200068"},
		{"empty key", refusal(`[]`, `[20000200069]`), "AUTH wrong_key"},
		{"text of the key", refusal(`["API key expired"]`, `[]`), "AUTH wrong_key"},
		{"401", say(401, ``), "AUTH wrong_key: Nova Poshta refuses the API key: HTTP 401 Unauthorized"},
		{"403", say(403, `{}`), "AUTH wrong_key"},
		{"refused", refusal(`["CityRef is invalid"]`, `["20000300001"]`), "INVALID refused: Nova Poshta does not take the question: CityRef is invalid: code 20000300001"},
		{"errors as an object", refusal(`{"0":"CityRef is invalid"}`, `{}`), "INVALID refused: Nova Poshta does not take the question: CityRef is invalid"},
		{"400", say(400, `{"success":false,"errors":["Bad"]}`), "INVALID refused: Nova Poshta does not take the question: HTTP 400 Bad Request: Bad"},
		{"unknown error", refusal(`["An unknown error occurred. Try again later."]`, `[]`), "TRANSIENT server_error"},
		{"its code", refusal(`["?"]`, `["20000100016"]`), "TRANSIENT server_error"},
		{"no reason", refusal(`[]`, `[]`), "TRANSIENT server_error: Nova Poshta failed: it does not say why"},
		{"500", say(500, "<html>"), "TRANSIENT server_error: Nova Poshta failed: HTTP 500 Internal Server Error"},
		{"404", say(404, "404"), "TRANSIENT wrong_url"},
		{"redirect", say(302, "", "Location", "https://elsewhere.example/"), "TRANSIENT wrong_url"},
		{"HTML", say(200, "<html>"), "TRANSIENT unreadable_answer"},
		{"another API", say(200, `{"ok":true}`), `TRANSIENT unreadable_answer: Nova Poshta's answer is not its API's: it has no "success"`},
		{"no rows", say(200, `{"success":true,"data":{"a":1}}`), "TRANSIENT unreadable_answer"},
		{"nothing", say(200, ``), "TRANSIENT unreadable_answer"},
		{"broken off", say(200, `{"success":tr`, "Content-Length", "100"), "TRANSIENT answer_lost"},
		{"never ending pages", say(200, `{"success":true,"data":[{"TotalCount":"100000","Addresses":[{"Ref":"a"}]}],"info":{"totalCount":"100000"}}`), "INVALID too_vague"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := connect(t, serve(t, tt.far), nil)
			for _, q := range []struct {
				lookup string
				args   map[string]any
			}{{lookupCity, map[string]any{"name": "Київ"}}, {lookupBranch, map[string]any{"city": kyivCity, "number": 1}}} {
				got := conn.find(q.lookup, q.args)
				if got.Failure == nil || !strings.HasPrefix(got.Failure.Error(), tt.want) {
					t.Errorf("%s: got %v, want %s", q.lookup, got.Failure, tt.want)
				}
				if tt.name == "429" && got.Failure.RetryAfter != 7*time.Second {
					t.Errorf("%s: retry after %s", q.lookup, got.Failure.RetryAfter)
				}
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	conn := connect(t, "http://127.0.0.1:1/v2.0/json/", nil)
	if got := conn.city(map[string]any{"name": "Київ"}); !strings.HasPrefix(got, "TRANSIENT unreachable: Nova Poshta cannot be reached: dial tcp 127.0.0.1:1") {
		t.Error(got)
	}
	slow := novaposhtatest.New(novaposhtatest.Options{Faults: faults.Faults{Latency: time.Hour}})
	conn = connect(t, serve(t, slow), config{"request_timeout": "20ms"})
	if got := conn.city(map[string]any{"name": "Київ"}); got != "TRANSIENT unreachable: Nova Poshta cannot be reached: no answer in time" {
		t.Error(got)
	}
}

func TestCheck(t *testing.T) {
	api, conn := fake(t, nil)
	if err := conn.handler.Check(t.Context()); err != nil {
		t.Error(err)
	}
	wrong := connect(t, serve(t, api), config{"api_key": "x"})
	if f := wire.AsFailure(wrong.handler.Check(t.Context())); f == nil || f.Class != wire.Auth {
		t.Errorf("a wrong key: %v", f)
	}
	api.SetFaults(faults.Faults{Down: faults.DownDrop})
	if f := wire.AsFailure(conn.handler.Check(t.Context())); f == nil || f.Class != wire.Transient {
		t.Errorf("down: %v", f)
	}
}

// TestTheKeyNeverShows: whatever the far side does, and in whatever form it repeats
// the key.
func TestTheKeyNeverShows(t *testing.T) {
	const planted = `п/лант+ed "key"&42%`
	quoted, err := json.Marshal(planted)
	if err != nil {
		t.Fatal(err)
	}
	inside := strings.Trim(string(quoted), `"`)
	forms := []string{planted, url.QueryEscape(planted), url.PathEscape(planted), inside, "лант"}
	echo := `["Key ` + inside + ` and ` + url.QueryEscape(planted) + ` is wrong"]`
	for name, far := range map[string]http.HandlerFunc{
		"invalid":  refusal(echo, `[]`),
		"key":      refusal(echo, `["20000200068"]`),
		"as code":  refusal(`[]`, echo),
		"404":      say(404, echo),
		"redirect": say(302, "", "Location", "https://elsewhere.example/?"+url.QueryEscape(planted)),
		"HTML":     say(200, planted),
		"data":     say(200, `{"success":true,"data":`+string(quoted)+`}`),
		"drop":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, serve(t, far), config{"api_key": planted, "cache_dir": t.TempDir()})
			texts := []string{
				fmt.Sprint(conn.find(lookupCity, map[string]any{"name": "Київ"}).Failure),
				fmt.Sprint(conn.find(lookupBranch, map[string]any{"city": kyivCity, "number": 1}).Failure),
				fmt.Sprint(conn.handler.Check(t.Context())), conn.logged.String(),
			}
			for _, s := range texts {
				for _, f := range forms {
					if strings.Contains(s, f) {
						t.Errorf("the key shows in %q", s)
					}
				}
			}
			if texts[0] == "<nil>" || !strings.Contains(texts[3], "asked Nova Poshta") && name != "drop" {
				t.Errorf("nothing failed: %q", texts)
			}
		})
	}
	t.Run("it is sent", func(t *testing.T) {
		var got struct{ APIKey string }
		conn := connect(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
				t.Error(err)
			}
			_, _ = fmt.Fprint(w, `{"success":true,"data":[]}`)
		})), config{"api_key": planted})
		if err := conn.handler.Check(t.Context()); err != nil || got.APIKey != planted {
			t.Errorf("the far side got %q, %v", got.APIKey, err)
		}
	})
	t.Run("wrong configuration", func(t *testing.T) {
		got := fmt.Sprint(sdktest.Diagnostics(t, spec(), `{"api_key":`+string(quoted)+`,"url":"https://h.example/?`+url.QueryEscape(planted)+`","request_timeout":"2h","nope":1}`))
		for _, f := range forms {
			if strings.Contains(got, f) {
				t.Errorf("the key shows in %s", got)
			}
		}
	})
}

func TestConfiguration(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{`{}`, ": missing: api_key: "},
		{`{"api_key":""}`, "api_key: is empty: "},
		{`{"api_key":"k","url":"ftp://h"}`, "url: does not have the form ^https?://: "},
		{`{"api_key":"k","url":"https://h/?a=b"}`, "url: must not hold a name, a query or a fragment: the key belongs into api_key: write it like " + defaultURL},
		{`{"api_key":"k","request_timeout":"1h"}`, "request_timeout: is no duration from 1ms to 10m: write it like 15s"},
		{`{"api_key":"k","concurrency":0}`, "concurrency: is less than 1: "},
		{`{"api_key":"k","key":"k"}`, ": unknown: key: "},
	} {
		if got := sdktest.Diagnostics(t, spec(), tt.config); len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s\n got %q\nwant %q", tt.config, got, tt.want)
		}
	}
	if got := sdktest.Diagnostics(t, spec(), `{"api_key":"k","concurrency":8.0}`); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
