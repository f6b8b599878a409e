package service

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

// withHealth answers /livez, /readyz and, where h has no answer of its own,
// /health, before h. /metrics comes with them where nobody but an operator can
// ask (see ExposeMetrics).
func (p *Process) withHealth(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", Health)
	mux.HandleFunc("GET /readyz", p.readyz)
	if h == nil || p.metrics {
		mux.Handle("GET /metrics", p.metricsHandler())
	}
	if h == nil {
		mux.HandleFunc("GET /health", Health)
		return mux
	}
	mux.Handle("/", h)
	return mux
}

// Health answers that the process lives, with its version.
func Health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "healthy", "version": BuildVersion()})
}

// readyz asks every dependency, at most 2 s each, side by side. What is merely
// degraded is told with its reason and keeps nobody away.
func (p *Process) readyz(w http.ResponseWriter, r *http.Request) {
	status, report := http.StatusOK, map[string]string{"status": "ready"}
	for name, reason := range p.askDegraded(r.Context()) {
		report["status"], report[name] = "degraded", reason
	}
	select {
	case <-p.stopping:
		status, report["status"] = http.StatusServiceUnavailable, "stopping"
	default:
	}
	for name, err := range p.ask(r.Context()) {
		if err == nil {
			report[name] = "ok"
			continue
		}
		status, report["status"] = http.StatusServiceUnavailable, "not ready"
		report[name] = errs.KindOf(err).String()
		p.Log.Warn("dependency is not ready", "dependency", name, "err", err)
	}
	writeJSON(w, status, report)
}

// askDegraded gives the reasons by name.
func (p *Process) askDegraded(ctx context.Context) map[string]string {
	p.mu.Lock()
	asks := maps.Clone(p.degraded)
	p.mu.Unlock()
	reasons := map[string]string{}
	for name, ask := range asks {
		if reason := ask(ctx); reason != "" {
			reasons[name] = reason
		}
	}
	return reasons
}

func (p *Process) ask(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	p.mu.Lock()
	checks := p.checks
	p.mu.Unlock()
	var (
		mu      sync.Mutex
		wg      sync.WaitGroup
		answers = make(map[string]error, len(checks))
	)
	for _, c := range checks {
		wg.Go(func() {
			err := c.ask(ctx)
			mu.Lock()
			defer mu.Unlock()
			answers[c.name] = err
		})
	}
	wg.Wait()
	return answers
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
