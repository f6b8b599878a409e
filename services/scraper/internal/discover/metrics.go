package discover

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Metrics tell how complete the last search by each method was.
type Metrics struct {
	found, total, finished *prometheus.GaugeVec
}

// NewMetrics registers the metrics; reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	gauge := func(name, help string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"method"})
	}
	return &Metrics{
		found:    gauge("plugpack_discovery_found", "Results that the last search gave."),
		total:    gauge("plugpack_discovery_total", "Results that the host itself counts for it."),
		finished: gauge("plugpack_discovery_finished_timestamp", "When it ended, in seconds since 1970."),
	}
}

func (m *Metrics) ended(d plugpack.Discovery) {
	m.found.WithLabelValues(d.Method).Set(float64(d.Found))
	m.total.WithLabelValues(d.Method).Set(float64(d.Total))
	m.finished.WithLabelValues(d.Method).Set(float64(d.FinishedAt.Unix()))
}
