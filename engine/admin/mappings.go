package admin

import (
	"context"
	"net/http"
	"time"
)

// Mappings is asked how mappings stand, and what they were.
type Mappings interface {
	// MappingLives gives how each mapping stands that runs, is paused or has ended, and
	// whose texts are kept.
	MappingLives(ctx context.Context) (MappingList, error)
	// MappingText gives the text with a digest, or with the only one that begins so; a
	// *NotFoundError if none is kept.
	MappingText(ctx context.Context, digest string) (MappingText, error)
	// DropMapping gives a paused mapping up, and skips the next events that wait for it:
	// ask again until none is left.
	DropMapping(ctx context.Context, r MappingRequest) (MappingDropped, error)
	// RenameMapping has a mapping that runs take over the state of a paused one.
	RenameMapping(ctx context.Context, r RenameRequest) (MappingRenamed, error)
}

// MappingList is how mappings stand.
type MappingList struct {
	Mappings []MappingLife `json:"mappings"`
	// Texts are those that are kept, the oldest first.
	Texts []KeptText `json:"texts"`
}

// MappingLife is how a mapping stands in one lane.
type MappingLife struct {
	Mapping string `json:"mapping"`
	Source  string `json:"source"`
	Sink    string `json:"sink"`
	// State is running, paused (the configuration has it no more, and its events are
	// kept), dropping, dropped or renamed.
	State string `json:"state"`
	// Since is when that began.
	Since time.Time `json:"since"`
	// SHA256 is the digest of its text, and Events are the types that it wants.
	SHA256 string   `json:"sha256"`
	Events []string `json:"events"`
	// From is the first event that it is for, by its sequence.
	From uint64 `json:"from"`
	// Backlog is how many events wait for it, and Oldest when the first of them was
	// accepted, while it is paused or being dropped.
	Backlog uint64     `json:"backlog,omitempty"`
	Oldest  *time.Time `json:"oldest,omitempty"`
	// Was are the names that it had before.
	Was []string `json:"was,omitempty"`
	// By says who dropped or renamed it and Reason why; To is its new name, and Affected
	// how many events were skipped, or went over to that.
	By       string `json:"by,omitempty"`
	Reason   string `json:"reason,omitempty"`
	To       string `json:"to,omitempty"`
	Affected uint64 `json:"affected,omitempty"`
}

// KeptText is a text that is kept.
type KeptText struct {
	SHA256  string `json:"sha256"`
	Mapping string `json:"mapping"`
	// At is when it was kept first.
	At time.Time `json:"at"`
}

// MappingText is a mapping as it was written.
type MappingText struct {
	KeptText
	// File is where it stood, and Source its text.
	File   string `json:"file"`
	Source string `json:"source"`
	// Tables are the files of its tables.
	Tables []TableText `json:"tables"`
}

// TableText is the file of a table.
type TableText struct {
	// Path is how the mapping names it, and File where it stood.
	Path string `json:"path"`
	File string `json:"file"`
	Text string `json:"text"`
}

// MappingRequest names a mapping of a lane that is to be dropped.
type MappingRequest struct {
	Mapping string `json:"mapping"`
	Source  string `json:"source"`
	Sink    string `json:"sink"`
	By
}

// MappingDropped is what was done of a drop.
type MappingDropped struct {
	// Skipped is how many events were skipped by this request, and Left how many wait
	// still.
	Skipped uint64 `json:"skipped"`
	Left    uint64 `json:"left"`
}

// RenameRequest names a mapping of a lane, and the one that is to take it over.
type RenameRequest struct {
	MappingRequest
	To string `json:"to"`
	// Plan has nothing be done: it tells what would be.
	Plan bool `json:"plan,omitempty"`
}

// MappingRenamed is what a rename carried over.
type MappingRenamed struct {
	// Events is how many events wait that neither mapping has an outcome of.
	Events uint64 `json:"events"`
}

func (a *api) mappings(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.query(w, r); !ok {
		return
	}
	respond(a, w, r, a.engine.MappingLives)
}

func (l *MappingList) tidy() { l.Mappings, l.Texts = listed(l.Mappings), listed(l.Texts) }

func (a *api) mappingText(w http.ResponseWriter, r *http.Request) {
	if _, ok := a.query(w, r); !ok {
		return
	}
	respond(a, w, r, func(ctx context.Context) (MappingText, error) {
		return a.engine.MappingText(ctx, r.PathValue("digest"))
	})
}

func (t *MappingText) tidy() { t.Tables = listed(t.Tables) }

func (a *api) dropMapping(w http.ResponseWriter, r *http.Request) {
	answer(a, w, r, a.engine.DropMapping)
}

func (a *api) renameMapping(w http.ResponseWriter, r *http.Request) {
	answer(a, w, r, a.engine.RenameMapping)
}
