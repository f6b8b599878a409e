package service

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	public := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, c := range []struct {
		name    string
		handler http.Handler
		expose  bool
		status  int
	}{
		{"a process with nothing but its health tells them", nil, false, http.StatusOK},
		{"one with a handler keeps them to itself", public, false, http.StatusTeapot},
		{"one with a handler on a private port tells them", public, true, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := New("tester", io.Discard)
			promauto.With(p.Metrics).NewCounter(prometheus.CounterOpts{Name: "plugpack_things_total", Help: "Things."}).Add(3)
			if c.expose {
				p.ExposeMetrics()
			}
			w := httptest.NewRecorder()
			p.withHealth(c.handler).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			body := w.Body.String()
			for _, name := range []string{"\nplugpack_things_total 3\n", "\ngo_goroutines "} {
				if got := strings.Contains(body, name); got != (c.status == http.StatusOK) {
					t.Errorf("tells %q: %t", name, got)
				}
			}
		})
	}
	t.Run("two processes of one program share nothing", func(t *testing.T) {
		t.Parallel()
		a, b := New("a", io.Discard), New("b", io.Discard)
		for _, p := range []*Process{a, b} {
			promauto.With(p.Metrics).NewCounter(prometheus.CounterOpts{Name: "plugpack_things_total", Help: "Things."})
		}
	})
}
