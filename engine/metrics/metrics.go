// Package metrics tells Prometheus how a running engine is: what came in, what
// waits, what became of it and how long that took.
//
// Counters and histograms of single acts are fed by observers that the engine
// wires in (Lane, Webhook); everything that the engine knows anyway is read from
// its State at each scrape, so that no number is kept twice. No metric holds an
// event's key, its id or a value of a record: labels are names from the
// configuration, the connectors' words for failures and the rules of the checker.
package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are an engine's. They have a registry of their own; nothing is kept in
// the process.
type Metrics struct {
	registry *prometheus.Registry

	webhook  *prometheus.HistogramVec
	delivery *prometheus.HistogramVec
	outcomes *prometheus.CounterVec
	attempts *prometheus.CounterVec
	dead     *prometheus.CounterVec
	mapping  *prometheus.CounterVec
}

// New makes the metrics of an engine of the given version. State is asked at each
// scrape; it may be nil.
func New(version string, state Source) *Metrics {
	// From a webhook that is delivered at once to one that waits for a day.
	waits := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		webhook: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "crosswalk_webhook_seconds", Help: "Time from a webhook's header to its answer, by the answer's status class.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"connection", "status"}),
		delivery: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "crosswalk_delivery_seconds", Help: "Time from the acceptance of an event to its delivery.", Buckets: waits,
		}, []string{"source", "sink"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "crosswalk_outcomes_total", Help: "Outcomes stored, by what became of the event: delivered, skipped, superseded or dead.",
		}, []string{"source", "sink", "mapping", "outcome"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "crosswalk_attempts_total", Help: "Times that records with an outcome were sent to the sink.",
		}, []string{"source", "sink", "mapping"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "crosswalk_dead_letters_total", Help: "Dead letters, by the class of their reason: INVALID, MAPPING or IN_DOUBT.",
		}, []string{"source", "sink", "mapping", "class"}),
		mapping: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "crosswalk_mapping_errors_total", Help: "Events that could not be mapped, by the rule id of the diagnostic.",
		}, []string{"mapping", "rule"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "crosswalk_build_info", Help: "Always 1; the labels tell what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.webhook, m.delivery, m.outcomes, m.attempts, m.dead, m.mapping,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if state != nil {
		m.registry.MustRegister(&collector{source: state})
	}
	return m
}

// Handler answers a scrape, in the text format or OpenMetrics as asked for.
func (m *Metrics) Handler() http.Handler {
	return promhttp.InstrumentMetricHandler(m.registry, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, Timeout: 10 * time.Second, ErrorHandling: promhttp.ContinueOnError,
	}))
}

// Webhook notes a webhook that was answered; connection is "" where it named none
// that there is.
func (m *Metrics) Webhook(connection string, status int, took time.Duration) {
	m.webhook.WithLabelValues(connection, class(status)).Observe(took.Seconds())
}

// class gives an HTTP status as 2xx, 4xx, 5xx.
func class(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return string(rune('0'+status/100)) + "xx"
}
