package wire

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pluginv1 "github.com/crosswalk-etl/crosswalk/proto/crosswalk/plugin/v1"
)

// Spec is what a plugin says of itself.
type Spec struct {
	// Name is the plugin's name: its folder's and its binary's.
	Name string
	// Version is the plugin's own, as text.
	Version string
	// Title is the far system's name as people write it.
	Title string
	// Features are the optional parts of the protocol that it serves.
	Features []string
	// ConfigSchema is the JSON Schema (2020-12) of a connection's configuration;
	// secrets are marked writeOnly.
	ConfigSchema json.RawMessage
	// Events, Operations and Lookups are what it offers; any may be empty.
	Events     []EventSpec
	Operations []OperationSpec
	Lookups    []LookupSpec
}

// EventSpec describes one kind of event of a source.
type EventSpec struct {
	Name, Title, Description string
	// Schema is the JSON Schema of the event's record; x-crosswalk-key names the
	// path of the natural key.
	Schema json.RawMessage
}

// Repeat says what happens when a record is written twice.
type Repeat int

// The ways an operation takes a repetition.
const (
	// RepeatUnsafe means that writing again may do it twice.
	RepeatUnsafe Repeat = iota
	// RepeatSafe means that writing again changes nothing more.
	RepeatSafe
	// RepeatFindFirst means that the operation finds before it creates.
	RepeatFindFirst
)

// String gives the word of the plugin protocol: unsafe, safe, find_first.
func (r Repeat) String() string {
	switch r {
	case RepeatSafe:
		return "safe"
	case RepeatFindFirst:
		return "find_first"
	case RepeatUnsafe:
	}
	return "unsafe"
}

// OperationSpec describes one thing that a sink can do.
type OperationSpec struct {
	Name, Title, Description string
	// Schema is the JSON Schema of the operation's record.
	Schema json.RawMessage
	Repeat Repeat
	// Settle is how long a request whose answer was lost may still be committed
	// by the far system.
	Settle time.Duration
}

// LookupSpec describes one question.
type LookupSpec struct {
	Name, Title, Description string
	// ArgsSchema and AnswerSchema are JSON Schemas of objects.
	ArgsSchema, AnswerSchema json.RawMessage
	// CacheFor is how long an answer may be kept; 0: not at all.
	CacheFor time.Duration
}

func specToProto(s Spec) *pluginv1.Spec {
	out := &pluginv1.Spec{
		Name: s.Name, Version: s.Version, Title: s.Title,
		Features: s.Features, ConfigSchema: s.ConfigSchema,
	}
	for _, e := range s.Events {
		out.Events = append(out.Events, &pluginv1.EventSpec{
			Name: e.Name, Title: e.Title, Description: e.Description, Schema: e.Schema,
		})
	}
	for _, o := range s.Operations {
		out.Operations = append(out.Operations, &pluginv1.OperationSpec{
			Name: o.Name, Title: o.Title, Description: o.Description, Schema: o.Schema,
			Repeat: repeatToProto(o.Repeat), Settle: durationToProto(o.Settle),
		})
	}
	for _, l := range s.Lookups {
		out.Lookups = append(out.Lookups, &pluginv1.LookupSpec{
			Name: l.Name, Title: l.Title, Description: l.Description,
			ArgsSchema: l.ArgsSchema, AnswerSchema: l.AnswerSchema, CacheFor: durationToProto(l.CacheFor),
		})
	}
	return out
}

func specFromProto(s *pluginv1.Spec) Spec {
	out := Spec{
		Name: s.GetName(), Version: s.GetVersion(), Title: s.GetTitle(),
		Features: s.GetFeatures(), ConfigSchema: s.GetConfigSchema(),
	}
	for _, e := range s.GetEvents() {
		out.Events = append(out.Events, EventSpec{
			Name: e.GetName(), Title: e.GetTitle(), Description: e.GetDescription(), Schema: e.GetSchema(),
		})
	}
	for _, o := range s.GetOperations() {
		out.Operations = append(out.Operations, OperationSpec{
			Name: o.GetName(), Title: o.GetTitle(), Description: o.GetDescription(), Schema: o.GetSchema(),
			Repeat: repeatFromProto(o.GetRepeat()), Settle: durationFromProto(o.GetSettle()),
		})
	}
	for _, l := range s.GetLookups() {
		out.Lookups = append(out.Lookups, LookupSpec{
			Name: l.GetName(), Title: l.GetTitle(), Description: l.GetDescription(),
			ArgsSchema: l.GetArgsSchema(), AnswerSchema: l.GetAnswerSchema(), CacheFor: durationFromProto(l.GetCacheFor()),
		})
	}
	return out
}

func repeatToProto(r Repeat) pluginv1.Repeat {
	switch r {
	case RepeatSafe:
		return pluginv1.Repeat_REPEAT_SAFE
	case RepeatFindFirst:
		return pluginv1.Repeat_REPEAT_FIND_FIRST
	case RepeatUnsafe:
	}
	return pluginv1.Repeat_REPEAT_UNSAFE
}

func repeatFromProto(r pluginv1.Repeat) Repeat {
	switch r {
	case pluginv1.Repeat_REPEAT_SAFE:
		return RepeatSafe
	case pluginv1.Repeat_REPEAT_FIND_FIRST:
		return RepeatFindFirst
	case pluginv1.Repeat_REPEAT_UNSAFE, pluginv1.Repeat_REPEAT_UNSPECIFIED:
	}
	return RepeatUnsafe
}

func durationToProto(d time.Duration) *durationpb.Duration {
	if d <= 0 {
		return nil
	}
	return durationpb.New(d)
}

func durationFromProto(d *durationpb.Duration) time.Duration {
	if d == nil || d.CheckValid() != nil {
		return 0
	}
	return max(0, d.AsDuration())
}
