// Package route is the gateway's table: what each address is answered by.
package route

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/gateway/internal/pagecache"
)

// Patterns of what has a page in the cache. Anything else is the catalog's to
// judge.
const (
	slug = `{slug:[a-z0-9-]{1,512}}`
	id   = `{id:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}}`
)

// New makes the table.
func New(catalog http.Handler, pages *pagecache.Cache, middlewares ...func(http.Handler) http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(middlewares...)

	r.Handle("/health", catalog)
	r.Handle("/api", catalog)
	r.Handle("/api/*", catalog)
	r.Handle("/api/plugins/slug/"+slug, pages.Page(func(r *http.Request) string { return cache.SlugKey(chi.URLParam(r, "slug")) }))
	r.Handle("/api/plugins/"+id, pages.Page(func(r *http.Request) string { return cache.IDKey(chi.URLParam(r, "id")) }))

	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		api.WriteProblem(w, errs.New(errs.NotFound, "there is nothing here: the API is below /api/"))
	})
	return r
}

// Catalog hides the table's own state from the catalog's router: in one
// process that would take itself for a part of this one.
func Catalog(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, (*chi.Context)(nil))))
	})
}
