package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
)

// scrapeTimeout bounds what a scrape waits for the journal.
const scrapeTimeout = 5 * time.Second

// collector reads an engine's state at each scrape.
type collector struct{ source Source }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("crosswalk_"+name, help, labels, nil)
}

// What is read from the engine's state.
var (
	descUp    = desc("state_readable", "1 if the engine's state could be read for this scrape, 0 if the journal did not answer.")
	descReady = desc("ready", "1 if webhooks are accepted and every connection works, as /readyz says.")

	descWebhooks     = desc("webhooks_total", "Webhooks that came with a connection's token.", "connection")
	descRefused      = desc("webhooks_refused_total", "Webhooks that were refused, by reason; without a connection where the address named none.", "connection", "reason")
	descAccepted     = desc("events_accepted_total", "Events accepted since the engine started.", "connection")
	descDuplicates   = desc("events_duplicate_total", "Events recognised as repeats since the engine started.", "connection")
	descLastAccepted = desc("last_event_timestamp_seconds", "When an event was accepted last; absent if none was.", "connection")

	descKept       = desc("webhooks_kept_total", "Webhooks that were kept as they came, because the plugin could not decode them at once.", "connection")
	descUndecoded  = desc("undecoded_webhooks", "Webhooks that wait for their plugin.", "connection")
	descUndecBytes = desc("undecoded_bytes", "What the webhooks that wait for their plugin take in the journal.", "connection")
	descUndecSince = desc("undecoded_oldest_webhook_timestamp_seconds", "When the oldest webhook came that waits for its plugin; absent if there is none.", "connection")
	descUndecBad   = desc("undecoded_refused_webhooks", "Webhooks that were refused when they were decoded, which nobody has resolved.", "connection")

	descBacklog  = desc("lane_backlog_events", "Accepted events without all of their outcomes.", "source", "sink")
	descOldest   = desc("lane_oldest_event_timestamp_seconds", "When the oldest event of the backlog was accepted; absent if there is none.", "source", "sink")
	descAtHand   = desc("lane_events", "Events at hand, by what they wait for.", "source", "sink", "state")
	descCalls    = desc("sink_calls_total", "Calls to the sink.", "source", "sink")
	descFailures = desc("sink_failures_total", "Records that the sink did not take.", "source", "sink")
	descRetries  = desc("retries_total", "Attempts that were put off to a later time.", "source", "sink")
	descAsked    = desc("lookup_calls_total", "Calls to lookups.", "source", "sink")
	descUnasked  = desc("lookup_failures_total", "Questions that a lookup could not answer.", "source", "sink")

	descPaused      = desc("paused_mapping_backlog_events", "Accepted events that wait for a mapping which the configuration has no more, until it is put back, renamed or dropped.", "source", "sink", "mapping")
	descPausedSince = desc("paused_mapping_oldest_event_timestamp_seconds", "When the oldest of them was accepted; absent if there is none.", "source", "sink", "mapping")

	descPlugin   = desc("plugin_up", "1 if the connection's process runs.", "connection", "plugin")
	descRestarts = desc("plugin_restarts_total", "Times that the connection's process came up again.", "connection", "plugin")

	descGate   = desc("sink_state", "1 for the state of the way to the sink, 0 for the others: open, limited (a rate limit), broken (the circuit breaker), paused (AUTH), stopped (by a person).", "connection", "state")
	descSince  = desc("sink_shut_timestamp_seconds", "Since when the way to the sink is not open; absent while it is.", "connection")
	descAtSink = desc("sink_records", "Records that are at the sink now.", "connection")

	descAlarms = desc("journal_alarms", "Things of the journal that somebody has to look at, as /readyz lists them under degraded.")

	descValid   = desc("config_valid", "1 if the configuration on disk was taken when it was read last, 0 if it was refused and the one before runs on.")
	descApplied = desc("config_last_reload_success_timestamp_seconds", "When the configuration that runs was put in place.")
	descReloads = desc("reloads_total", "Times that the configuration was read again, by what became of it: applied, unchanged, refused.", "result")

	descTraces = desc("trace_spans_total", "Spans of traces, by what became of them: exported, dropped (the queue was full), refused (the collector did not take them in time).", "result")

	descDead = desc("dead_letters", "Dead letters that nobody has resolved.")
)

// Describe names what Collect gives.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descUp, descReady, descWebhooks, descRefused, descAccepted, descDuplicates, descLastAccepted, descBacklog,
		descKept, descUndecoded, descUndecBytes, descUndecSince, descUndecBad,
		descOldest, descAtHand, descGate, descSince, descAtSink, descPaused, descPausedSince, descAlarms, descCalls, descFailures, descRetries, descAsked, descUnasked,
		descPlugin, descRestarts, descValid, descApplied, descReloads, descTraces, descDead,
	} {
		ch <- d
	}
}

// Collect reads the state.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	s, err := c.source.State(ctx)
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if err != nil {
		gauge(descUp, 0)
		return
	}
	gauge(descUp, 1)
	gauge(descReady, one(s.Ready))
	gauge(descDead, float64(s.DeadLetters))
	gauge(descAlarms, float64(s.Alarms))
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge(descValid, one(s.Configuration.Valid))
	gauge(descApplied, seconds(s.Configuration.AppliedAt))
	count(descReloads, s.Configuration.Applied, "applied")
	count(descReloads, s.Configuration.Unchanged, "unchanged")
	count(descReloads, s.Configuration.Refused, "refused")
	count(descTraces, s.Traces.Exported, "exported")
	count(descTraces, s.Traces.Dropped, "dropped")
	count(descTraces, s.Traces.Refused, "refused")
	for _, in := range s.Ingress.Connections {
		count(descWebhooks, in.Requests, in.Name)
		count(descAccepted, in.Accepted, in.Name)
		count(descDuplicates, in.Duplicates, in.Name)
		count(descKept, in.Kept, in.Name)
		for reason, n := range in.Refused {
			count(descRefused, n, in.Name, reason)
		}
		if _, is := in.Refused[ingress.CodeJournal]; !is { // an alert is on its increase, from 0 on
			count(descRefused, 0, in.Name, ingress.CodeJournal)
		}
		if in.LastAccepted != nil {
			gauge(descLastAccepted, seconds(*in.LastAccepted), in.Name)
		}
	}
	for reason, n := range s.Ingress.Strangers {
		count(descRefused, n, "", reason)
	}
	for _, u := range s.Undecoded {
		gauge(descUndecoded, float64(u.Waiting), u.Connection)
		gauge(descUndecBytes, float64(u.Bytes), u.Connection)
		gauge(descUndecBad, float64(u.Refused), u.Connection)
		if !u.OldestAt.IsZero() {
			gauge(descUndecSince, seconds(u.OldestAt), u.Connection)
		}
	}
	for _, con := range s.Connections {
		gauge(descPlugin, one(con.Up), con.Name, con.Plugin)
		count(descRestarts, con.Restarts, con.Name, con.Plugin)
		if con.Gate == "" {
			continue
		}
		for _, state := range gateStates() {
			gauge(descGate, one(con.Gate == string(state)), con.Name, string(state))
		}
		if !con.Since.IsZero() {
			gauge(descSince, seconds(con.Since), con.Name)
		}
		gauge(descAtSink, float64(con.AtSink), con.Name)
	}
	for i := range s.Paused {
		m := &s.Paused[i]
		gauge(descPaused, float64(m.Backlog), m.Source, m.Sink, m.Mapping)
		if !m.OldestAt.IsZero() {
			gauge(descPausedSince, seconds(m.OldestAt), m.Source, m.Sink, m.Mapping)
		}
	}
	for i := range s.Lanes {
		l := &s.Lanes[i]
		if !l.Uncounted {
			gauge(descBacklog, float64(l.Backlog), l.Source, l.Sink)
		}
		if !l.Uncounted && !l.OldestAt.IsZero() {
			gauge(descOldest, seconds(l.OldestAt), l.Source, l.Sink)
		}
		d := l.Delivery
		if d == nil {
			continue
		}
		for state, n := range map[string]int{
			"mapping": d.Mapping, "asking": d.Asking, "ready": d.Ready, "sending": d.Sending, "committing": d.Committing,
			"retrying": d.Retrying, "waiting": d.Waiting, "runnable": d.Runnable,
		} {
			gauge(descAtHand, float64(n), l.Source, l.Sink, state)
		}
		count(descCalls, d.Calls, l.Source, l.Sink)
		count(descFailures, d.Failures, l.Source, l.Sink)
		count(descRetries, d.Retries, l.Source, l.Sink)
		count(descAsked, d.LookupCalls, l.Source, l.Sink)
		count(descUnasked, d.LookupFailures, l.Source, l.Sink)
	}
}

func gateStates() []delivery.GateState {
	return []delivery.GateState{delivery.GateOpen, delivery.GateLimited, delivery.GateBroken, delivery.GatePaused, delivery.GateStopped}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
