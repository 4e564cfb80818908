package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Sinks is asked how records go to connections, and to let them go or not.
type Sinks interface {
	// Degraded gives what keeps records from going although webhooks are taken, in
	// words for people: a connection is paused, a backlog nears the retention.
	Degraded(ctx context.Context) []string
	// Resume ends what keeps records from going to a connection, and has the sink
	// tried at once; Pause has none go until Resume, also after a restart.
	Resume(ctx context.Context, r SinkRequest) (Sending, error)
	Pause(ctx context.Context, r SinkRequest) (Sending, error)
}

// SinkRequest names a connection, and who asks.
type SinkRequest struct {
	Connection string `json:"connection"`
	By         string `json:"by,omitempty"`
}

// Sending is how records go to a connection, over all lanes that end there.
type Sending struct {
	// State is open, or why nothing goes: limited (the sink limits its callers),
	// broken (it fails for every order), paused (it refuses the credentials), stopped
	// (an operator said so).
	State string `json:"state"`
	// By is the person who stopped it.
	By string `json:"by,omitempty"`
	// Since is when that began, and Until when the sink is tried again.
	Since *time.Time `json:"since,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	// AtSink is how many records are there.
	AtSink int `json:"at_sink"`
	// Reason is the failure that did it.
	Reason *event.Reason `json:"reason,omitempty"`
}

// ClusterEngine is an engine of a cluster.
type ClusterEngine struct {
	Name string `json:"name"`
	// Self tells that it is the one that is asked.
	Self bool `json:"self,omitempty"`
	// Partitions is how many partitions of lanes it reads.
	Partitions int `json:"partitions"`
	// Refused are the connections that it sends nothing to, for the far system refuses
	// the credentials.
	Refused []Refusal `json:"refused,omitempty"`
}

// Refusal is that a far system refuses the credentials of a connection.
type Refusal struct {
	Connection string    `json:"connection"`
	Code       string    `json:"code,omitempty"`
	Message    string    `json:"message,omitempty"`
	Since      time.Time `json:"since"`
}

func (a *api) resume(w http.ResponseWriter, r *http.Request) { answer(a, w, r, a.engine.Resume) }

func (a *api) pause(w http.ResponseWriter, r *http.Request) { answer(a, w, r, a.engine.Pause) }
