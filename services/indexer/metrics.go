package indexer

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
)

// metrics are what /metrics tells of the indexer.
type metrics struct {
	lag             *prometheus.HistogramVec
	waiting, behind *prometheus.GaugeVec
	drift           *prometheus.GaugeVec
	dead            prometheus.Gauge
	tasks           *prometheus.HistogramVec
	rebuilds        *prometheus.HistogramVec
}

// newMetrics makes the metrics and registers them with reg, if there is one.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	gauge := func(name, help string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"store"})
	}
	return &metrics{
		lag: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plugpack_indexer_lag_seconds", Help: "Time from a change's commit to its being searchable (search) or cached (cache).",
			Buckets: []float64{.01, .025, .05, .1, .2, .3, .5, .75, 1, 1.5, 2, 5, 10, 30, 60, 300},
		}, []string{"store"}),
		waiting: gauge("plugpack_indexer_waiting", "Changes that a store has not applied yet."),
		behind:  gauge("plugpack_indexer_behind_seconds", "How long the oldest change has waited for a store."),
		drift:   gauge("plugpack_indexer_drift", "Differences from the catalog that the last comparison found; should be 0."),
		dead:    f.NewGauge(prometheus.GaugeOpts{Name: "plugpack_dead_letters", Help: "Messages that no retry can help, of all consumers."}),
		tasks: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plugpack_indexer_task_seconds", Help: "Time that the search engine took for a task, from its being accepted.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60},
		}, []string{"task", "outcome"}),
		rebuilds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plugpack_indexer_rebuild_seconds", Help: "Time that a rebuild of a search index took.", Buckets: []float64{1, 5, 15, 60, 300, 1800},
		}, []string{"kind"}),
	}
}

// applied notes how long the messages took that a store has applied. One that
// was tried before counts from its commit all the same.
func (m *metrics) applied(store string, ms []bus.Msg, failed []error, now time.Time) {
	for i, msg := range ms {
		if failed == nil || failed[i] == nil {
			m.lag.WithLabelValues(store).Observe(max(0, now.Sub(events.CommittedAt(msg.ID, msg.StoredAt)).Seconds()))
		}
	}
}

func (m *metrics) task(task string, took time.Duration, done bool) {
	outcome := "done"
	if !done {
		outcome = "failed"
	}
	m.tasks.WithLabelValues(task, outcome).Observe(took.Seconds())
}

func (m *metrics) rebuilt(k events.Kind, took time.Duration) {
	m.rebuilds.WithLabelValues(string(k)).Observe(took.Seconds())
}
