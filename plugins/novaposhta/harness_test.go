package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/novaposhta/novaposhtatest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestMain(m *testing.M) { sdktest.Main(m, spec()) }

// refs of the fake that are real.
const (
	kyivCity       = "8d5a980d-391c-11dd-90d9-001a92567626"
	kyivSettlement = "e718a680-4b33-11e4-ab6d-005056801329"
)

// connection is a connector as the engine sees it, less the process.
type connection struct {
	t       *testing.T
	handler wire.Handler
	logged  *sdktest.Log
}

type config map[string]any

// connect opens a connection to url with further configuration.
func connect(t *testing.T, url string, more config) *connection {
	t.Helper()
	c := config{"url": url, "api_key": novaposhtatest.DefaultKey}
	for k, v := range more {
		c[k] = v
	}
	logged := &sdktest.Log{}
	h, err := sdk.NewHandler(spec(), logged.Logger())
	if err != nil {
		t.Fatal(err)
	}
	ds, err := h.Configure(t.Context(), "np", toJSON(t, c))
	if err != nil || len(ds) > 0 {
		t.Fatalf("configure: %v %+v", err, ds)
	}
	return &connection{t: t, handler: h, logged: logged}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL + novaposhtatest.APIPath
}

// fake starts a Nova Poshta and connects to it.
func fake(t *testing.T, more config) (*novaposhtatest.Server, *connection) {
	t.Helper()
	api := novaposhtatest.New(novaposhtatest.Options{})
	return api, connect(t, serve(t, api), more)
}

// find asks one question.
func (c *connection) find(lookup string, args any) wire.Answer {
	c.t.Helper()
	var out []wire.Answer
	err := c.handler.Find(c.t.Context(), lookup, []wire.Question{{Args: toJSON(c.t, args)}}, func(a wire.Answer) { out = append(out, a) })
	if err != nil || len(out) != 1 {
		c.t.Fatalf("%s %v: %d answers, error %v", lookup, args, len(out), err)
	}
	return out[0]
}

// city asks for a city and gives "type name (area, region)", or the failure.
func (c *connection) city(args map[string]any) string {
	c.t.Helper()
	a := c.find(lookupCity, args)
	if a.Failure != nil {
		return a.Failure.Error()
	}
	sdktest.Valid(c.t, cityAnswer, a.Found)
	var found cityAnswerRow
	if err := json.Unmarshal(a.Found, &found); err != nil {
		c.t.Fatal(err)
	}
	return settlement{Name: found.Name, Area: found.Area, Region: found.Region, Type: found.Type}.String()
}

// branchIn asks for a branch and gives "type number", or the failure.
func (c *connection) branchIn(args map[string]any) string {
	c.t.Helper()
	a := c.find(lookupBranch, args)
	if a.Failure != nil {
		return a.Failure.Error()
	}
	sdktest.Valid(c.t, branchAnswer, a.Found)
	var found branch
	if err := json.Unmarshal(a.Found, &found); err != nil {
		c.t.Fatal(err)
	}
	return found.Type + " " + found.Number
}

// cityRef is the ref of a city that has to be there.
func (c *connection) cityRef(name string) string {
	c.t.Helper()
	a := c.find(lookupCity, map[string]any{"name": name})
	var found cityAnswerRow
	if err := json.Unmarshal(a.Found, &found); err != nil {
		c.t.Fatalf("%s: %v", name, a.Failure)
	}
	return found.Ref
}

func toJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
