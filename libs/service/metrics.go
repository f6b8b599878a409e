package service

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newRegistry makes a registry of the process's own, which starts with what the
// runtime tells.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// ExposeMetrics answers /metrics although the process has a handler. It is for
// one whose port is private: that of a process without a handler is, and needs
// no such word, while the gateway's port, and that of the one-process form behind
// a proxy, is the public one, where metrics would tell every visitor how busy the hub is.
func (p *Process) ExposeMetrics() { p.metrics = true }

func (p *Process) metricsHandler() http.Handler {
	return promhttp.HandlerFor(p.Metrics, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelWarn), MaxRequestsInFlight: 4,
	})
}
