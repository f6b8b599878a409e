package gateway_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/local"
	"github.com/plugpack/plugpack/services/gateway"
)

// BenchmarkHit measures a cached page of 12 KB through the whole chain.
func BenchmarkHit(b *testing.B) {
	pages := local.NewCache()
	b.Cleanup(pages.Close)
	page := cache.Page{Revision: 1, Status: 200, Body: bytes.Repeat([]byte("plugin page "), 1000)}
	if err := pages.Put(b.Context(), cache.SlugKey("a"), page); err != nil {
		b.Fatal(err)
	}
	options := newFixture(b).options
	options.RateLimit = 0
	g, err := gateway.New(options, gateway.Deps{
		Catalog: http.NotFoundHandler(), Pages: pages, Limiter: local.NewLimiter(nil), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/api/plugins/slug/a", nil)
	for b.Loop() {
		w := httptest.NewRecorder()
		if g.Handler().ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
