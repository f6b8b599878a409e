package github

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics counts what the clients of a process ask, and what is left of the
// limits.
type Metrics struct {
	requests, waits         *prometheus.CounterVec
	limit, remaining, reset *prometheus.GaugeVec
}

// NewMetrics registers the metrics; reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	gauge := func(name, help string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"host", "resource"})
	}
	return &Metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "plugpack_github_requests_total", Help: "Requests to GitHub's API by the status of the answer, 0 for none.",
		}, []string{"resource", "status", "conditional"}),
		waits: f.NewCounterVec(prometheus.CounterOpts{
			Name: "plugpack_github_waits_total", Help: "Times that a question to GitHub was told to wait.",
		}, []string{"reason"}),
		limit:     gauge("plugpack_github_limit", "Requests that GitHub allows in a window."),
		remaining: gauge("plugpack_github_remaining", "Requests that are left of the window."),
		reset:     gauge("plugpack_github_reset_timestamp_seconds", "When the window ends."),
	}
}

func (m *Metrics) asked(r resource, status int, req *http.Request) {
	if r == "" {
		r = "free"
	}
	conditional := strconv.FormatBool(req.Header.Get("If-None-Match") != "")
	m.requests.WithLabelValues(string(r), strconv.Itoa(status), conditional).Inc()
}

func (m *Metrics) left(host string, r resource, s standing) {
	m.limit.WithLabelValues(host, string(r)).Set(float64(s.Limit))
	m.remaining.WithLabelValues(host, string(r)).Set(float64(s.Remaining))
	m.reset.WithLabelValues(host, string(r)).Set(float64(s.Reset))
}
