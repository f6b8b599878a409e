package gateway_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/services/gateway"
)

func TestEventsAreStreamed(t *testing.T) {
	t.Parallel()
	for name, inProcess := range map[string]bool{"in one process": true, "by the proxy": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			second := make(chan struct{})
			catalog := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/api/me" { // whose token it is, for the limit
					w.WriteHeader(http.StatusOK)
					return
				}
				if _, bounded := r.Context().Deadline(); bounded && inProcess {
					t.Error("a stream ends by itself")
				}
				if got := r.Header.Get("Authorization") + " " + r.Header.Get("Last-Event-ID") + " " + r.Header.Get("Plugpack-Identity"); got != "Bearer plp_x 41 " {
					t.Errorf("the catalog got %q", got)
				}
				w.Header().Set("Content-Type", "text/event-stream")
				for id, wait := range []<-chan struct{}{nil, second} {
					if wait != nil {
						<-wait
					}
					fmt.Fprintf(w, "id: %d\n\n", id)
					if err := http.NewResponseController(w).Flush(); err != nil {
						t.Errorf("flush: %v", err)
					}
				}
			})
			x := newFixture(t)
			x.catalog = catalog
			if !inProcess {
				server := httptest.NewServer(catalog)
				t.Cleanup(server.Close)
				x = behind(t, server.URL)
			}
			_ = x.get(t, "/nothing") // which builds the handler
			door := httptest.NewServer(x.handler)
			t.Cleanup(door.Close)

			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, door.URL+api.EventsPath, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer plp_x") // an API token is the catalog's to judge
			r.Header.Set("Last-Event-ID", "41")
			r.Header.Set("Plugpack-Identity", "forged")
			r.Header.Set("Accept-Encoding", "gzip")
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			lines := bufio.NewScanner(res.Body)
			if !lines.Scan() || lines.Text() != "id: 0" || res.Header.Get("Content-Encoding") != "" {
				t.Fatalf("the first event came as %q, %v", lines.Text(), res.Header)
			}
			close(second)                            // had the first one waited for more, it would wait for ever
			for lines.Scan() && lines.Text() == "" { // the line that ends the first
			}
			if lines.Text() != "id: 1" {
				t.Fatalf("the second event came as %q", lines.Text())
			}
		})
	}
}

// The whole catalog takes longer than any other answer, and has an end.
func TestTheExportHasTime(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]time.Duration{api.ExportPath: 10 * time.Minute, "/api/plugins/": gateway.MaxTime} {
		x := newFixture(t)
		x.catalog = func(_ http.ResponseWriter, r *http.Request) {
			end, bounded := r.Context().Deadline()
			if left := time.Until(end); !bounded || left > want || left < want-gateway.MaxTime/2 {
				t.Errorf("%s has %v, want %v", path, left, want)
			}
		}
		x.get(t, path)
	}
}
