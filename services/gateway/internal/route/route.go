// Package route is the gateway's table: what each address is answered by.
package route

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/gateway/internal/auth"
	"github.com/plugpack/plugpack/services/gateway/internal/pagecache"
)

// Patterns of what has a page in the cache. Anything else is the catalog's to
// judge. A page has to be known by every address that the catalog knows it by,
// or its revision could go back from one to the other.
const (
	slug = `{slug:[a-z0-9-]{1,512}}`
	hex  = `[0-9A-Fa-f]`
	id   = `{id:` + hex + `{8}-` + hex + `{4}-` + hex + `{4}-` + hex + `{4}-` + hex + `{12}}`
)

// lists are the questions about many plugins or packs whose answers are kept
// until one of them changes. One pack is such a question too: it shows its
// plugins whole, which its announcement does not hold, so the indexer could not
// write its page. Not among them are marketplaces, since what changes of one
// alone (its scans, their failures) is not announced and nothing would end the
// list's time; and a pack's or plugin's marketplace.json, which does not say at
// which revisions it pins its plugins, so that an older one could come after a
// newer. With a digest it never changes, and is one look by key in the catalog.
var lists = []string{
	"/api/plugins", "/api/plugins/count", "/api/plugins/categories", "/api/plugins/facets", "/api/search", "/api/search/suggest",
	"/api/plugins/" + id + "/related", "/api/plugins/" + id + "/listings",
	"/api/packs", "/api/packs/count", "/api/packs/slug/" + slug, "/api/packs/" + id,
}

// New makes the table.
func New(catalog http.Handler, people *auth.Auth, pages *pagecache.Cache, responses cache.Responses, middlewares ...func(http.Handler) http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(middlewares...)
	r.Use(plain)

	people.Register(r)
	r.Handle("/health", catalog)
	r.Handle("/api", catalog)
	r.Handle("/api/*", catalog)
	r.Handle("/badges/*", catalog)
	bySlug := pages.Page(func(r *http.Request) string { return cache.SlugKey(chi.URLParam(r, "slug")) })
	byID := pages.Page(func(r *http.Request) string { return cache.IDKey(strings.ToLower(chi.URLParam(r, "id"))) })
	list := pages.List(responses)
	for _, end := range []string{"", "/"} {
		for _, path := range lists {
			r.Handle(path+end, list)
		}
		r.Handle("/api/plugins/slug/"+slug+end, bySlug)
		r.Handle("/api/plugins/"+id+end, byID)
	}

	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		api.WriteStatus(w, http.StatusMethodNotAllowed, r.Method+" is not possible here")
	})
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		api.WriteProblem(w, errs.New(errs.NotFound, "there is nothing here: the API is below /api/"))
	})
	return r
}

// plain takes the escapes off a path that needs none, so that one address has
// one spelling.
func plain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawPath != "" {
			u := *r.URL
			u.RawPath = ""
			r = r.WithContext(r.Context())
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}

// Catalog hides from the catalog what is the gateway's own: cookies, so that no
// answer can hang on them, and the table's state, as in one process the
// catalog's router would take itself for a part of this one.
func Catalog(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, (*chi.Context)(nil))))
	})
}
