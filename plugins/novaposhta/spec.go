package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
)

// version is the connector's own; the build sets it.
var version = "dev"

// The lookups.
const (
	lookupCity   = "city"
	lookupBranch = "branch"
)

// How long the vendor's directories may be kept: it asks for a copy of settlements
// that is renewed monthly, and of branches that is renewed daily.
const (
	settlementsFor = 30 * 24 * time.Hour
	branchesFor    = 24 * time.Hour
)

// The JSON Schemas of a connection's configuration and of both lookups.
var (
	//go:embed schema/config.json
	configSchema []byte
	//go:embed schema/city.args.json
	cityArgs []byte
	//go:embed schema/city.answer.json
	cityAnswer []byte
	//go:embed schema/branch.args.json
	branchArgs []byte
	//go:embed schema/branch.answer.json
	branchAnswer []byte
)

// spec is what the connector says of itself.
func spec() sdk.Spec {
	return sdk.Spec{
		Name:    "novaposhta",
		Version: version,
		Title:   "Нова Пошта",
		Config:  configSchema,
		Contract: sdk.Contract{Lookups: []sdk.LookupSpec{
			{
				Name: lookupCity, Title: "Населений пункт",
				Description: "The settlement of this name, with the ref of its delivery city. A name that several settlements bear is ambiguous.",
				ArgsSchema:  cityArgs, AnswerSchema: cityAnswer, CacheFor: settlementsFor,
			},
			{
				Name: lookupBranch, Title: "Відділення або поштомат",
				Description: "The branch or parcel locker with this number in a city; the number may stand in a text as shops write it.",
				ArgsSchema:  branchArgs, AnswerSchema: branchAnswer, CacheFor: branchesFor,
			},
		}},
		Open: open,
	}
}

// open makes a connection. It asks Nova Poshta nothing.
func open(_ context.Context, c sdk.Config) (*sdk.Connection, error) {
	s, err := readSettings(c)
	if err != nil {
		return nil, err
	}
	d, err := openCopies(s.cacheDir, c.Log)
	if err != nil {
		return nil, &sdk.ConfigError{Diagnostics: []sdk.Diagnostic{{
			Path: "cache_dir", Message: err.Error(), Hint: "name a folder that the engine may write to",
		}}}
	}
	l := &lookups{client: newClient(s, c.Log), copies: d, gazetteer: newGazetteer()}
	return &sdk.Connection{Lookup: l, Check: l.client.check, Concurrency: s.concurrency}, nil
}

// lookups answers both questions.
type lookups struct {
	client    *client
	copies    *copies
	gazetteer gazetteer
}

// Find answers one question.
func (l *lookups) Find(ctx context.Context, q sdk.Question) (json.RawMessage, error) {
	switch q.Lookup {
	case lookupCity:
		return answer[cityQuestion](ctx, q.Args, l.city)
	case lookupBranch:
		return answer[branchQuestion](ctx, q.Args, l.branch)
	}
	return nil, fmt.Errorf("no lookup %q", q.Lookup)
}

// answer reads a question's arguments, and writes what find gives for them.
func answer[Q, A any](ctx context.Context, args json.RawMessage, find func(context.Context, Q) (A, error)) (json.RawMessage, error) {
	var q Q
	if err := json.Unmarshal(args, &q); err != nil {
		return nil, sdk.Invalid("", "bad_arguments", "the arguments do not fit the lookup: %s", err)
	}
	a, err := find(ctx, q)
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}
