package admin

import (
	"context"
	"net/http"
	"time"
)

// Reloads is asked to read the configuration again.
type Reloads interface {
	// Reload reads the configuration with its mappings and tables again, and puts it in
	// the place of the one that runs, wholly or not at all. It returns when that is
	// done, or refused.
	Reload(ctx context.Context, r ReloadRequest) (Reload, error)
}

// ReloadRequest says who asks.
type ReloadRequest struct {
	By string `json:"by,omitempty"`
}

// Configuration is what became of the configurations that the engine was given.
type Configuration struct {
	// Valid tells that the files, when they were read last, were not refused.
	Valid bool `json:"valid"`
	// AppliedAt is when the configuration that runs was put in place.
	AppliedAt time.Time `json:"applied_at"`
	// Last is what became of it when it was read last.
	Last Reload `json:"last"`
}

// What becomes of a configuration that is read again, as Reload.Result.
const (
	ReloadApplied   = "applied"
	ReloadUnchanged = "unchanged"
	ReloadRefused   = "refused"
)

// Reload is what became of a configuration that was read again.
type Reload struct {
	// Result is ReloadApplied, ReloadUnchanged, or ReloadRefused: then the one before runs on.
	Result string `json:"result"`
	// Cause is start, file (one has changed), signal (SIGHUP) or request.
	Cause string    `json:"cause"`
	By    string    `json:"by,omitempty"`
	At    time.Time `json:"at"`
	// Changes say in words what is other than before.
	Changes []string `json:"changes,omitempty"`
	// Problem is what went wrong beside the diagnostics.
	Problem string `json:"problem,omitempty"`
	// Diagnostics are what is wrong with the files, warnings too.
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
}

// Diagnostic is a problem with a file. Lines and columns count from 1; 0 where they
// are not known.
type Diagnostic struct {
	// Severity is error or warning.
	Severity string `json:"severity"`
	Rule     string `json:"rule,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	// EndColumn is just behind the text that it is about.
	EndColumn int    `json:"end_column,omitempty"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	// Source is the line; never one of the configuration itself, where secrets may be.
	Source string `json:"source,omitempty"`
}

func (a *api) reload(w http.ResponseWriter, r *http.Request) { answer(a, w, r, a.engine.Reload) }
