// Package pagecache serves plugins' pages from the cache when they are there.
// It never fills the cache: the indexer is its only writer of pages.
//
// Nobody who has seen a revision may be given an older one afterwards. The
// catalog is always at least as new as the cache. So before an answer of the
// catalog's goes out, its revision is marked in the cache, and an older page
// that is there, or that a slow indexer still brings, is not given any more.
// The process also remembers the revisions it gave itself, for the case that
// the cache loses its marks.
package pagecache

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/services/gateway/internal/outage"
	"github.com/plugpack/plugpack/services/gateway/internal/request"
)

// patience is how long one step waits for the cache; the catalog answers in
// less.
const patience = 250 * time.Millisecond

// Cache serves pages.
type Cache struct {
	pages   cache.Pages
	catalog http.Handler
	given   *given
	away    *outage.Log
}

// New makes a cache of pages in front of the catalog.
func New(pages cache.Pages, catalog http.Handler, log *slog.Logger) *Cache {
	return &Cache{
		pages: pages, catalog: catalog, given: newGiven(),
		away: outage.New("page cache", "pages come from the catalog", log),
	}
}

// Page serves the page whose key in the cache key tells.
func (c *Cache) Page(key func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k := key(r)
		if cacheable(r) {
			if page, ok := c.get(r.Context(), k); ok {
				serve(w, r, page)
				return
			}
			w.Header().Set(request.HeaderCache, "miss")
		}
		c.catalog.ServeHTTP(&marker{ResponseWriter: w, cache: c, r: r, key: k}, r)
	})
}

// cacheable says whether the page is the same for everyone who asks so.
func cacheable(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.RawQuery == "" && anonymous(r)
}

// anonymous says whether nobody's name is on the request. The answer to a user
// may differ, and he has to see his own change at once. Of cookies the catalog
// learns no more than the gateway says in the identity.
func anonymous(r *http.Request) bool {
	return r.Header.Get("Authorization") == "" && r.Header.Get(identity.Header) == ""
}

func (c *Cache) get(ctx context.Context, key string) (cache.Page, bool) {
	if c.away.Resting() {
		return cache.Page{}, false
	}
	getCtx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	page, found, err := c.pages.Get(getCtx, key)
	c.report(ctx, err)
	if err != nil || !found || !c.given.admit(key, page.Revision) {
		return cache.Page{}, false
	}
	return page, true
}

// raise marks that the catalog's answer at revision is about to go out. It is
// tried even while the cache rests: other gateways rely on the mark.
func (c *Cache) raise(ctx context.Context, keys []string, revision int64) {
	raiseCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	slices.Sort(keys)
	var failed error
	for _, key := range slices.Compact(keys) {
		c.given.admit(key, revision)
		if failed == nil {
			failed = c.pages.Raise(raiseCtx, key, revision)
		}
	}
	c.report(ctx, failed)
}

func (c *Cache) report(ctx context.Context, err error) {
	if ctx.Err() == nil { // a client that left says nothing about the cache
		c.away.Report(ctx, err)
	}
}

// serve answers with a page as the catalog would.
func serve(w http.ResponseWriter, r *http.Request, page cache.Page) {
	h := w.Header()
	h.Set(request.HeaderCache, "hit")
	h.Set(api.HeaderRevision, strconv.FormatInt(page.Revision, 10))
	switch page.Status {
	case http.StatusOK:
		tag := api.ETag(page.Body)
		h.Set("ETag", tag)
		if api.Matches(r, tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(page.Body)))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(page.Body)
	case http.StatusMovedPermanently:
		h.Set("Location", page.Location)
		w.WriteHeader(http.StatusMovedPermanently)
	default:
		detail := "this plugin was removed from its marketplace"
		if len(page.Body) > 0 {
			detail = string(page.Body)
		}
		api.WriteProblem(w, errs.New(errs.NotFound, "%s", detail))
	}
}

// marker marks the revision that the catalog's answer names before its first
// byte leaves.
type marker struct {
	http.ResponseWriter
	cache  *Cache
	r      *http.Request
	key    string // of the page that was asked for, if it was one
	marked bool
}

// WriteHeader sends the header.
func (m *marker) WriteHeader(status int) {
	if status >= 200 {
		m.mark()
	}
	m.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (m *marker) Write(b []byte) (int, error) {
	m.mark()
	return m.ResponseWriter.Write(b)
}

// Flush sends what is buffered.
func (m *marker) Flush() {
	m.mark()
	_ = http.NewResponseController(m.ResponseWriter).Flush()
}

// Unwrap gives the writer below.
func (m *marker) Unwrap() http.ResponseWriter { return m.ResponseWriter }

func (m *marker) mark() {
	if m.marked {
		return
	}
	m.marked = true
	// One plugin has several addresses. Who saw it at one of them may not find
	// an older state of it at another.
	keys := strings.Fields(m.Header().Get(api.HeaderPages))
	if m.key != "" {
		keys = append(keys, m.key)
	}
	m.Header().Del(api.HeaderPages)
	if revision, err := strconv.ParseInt(m.Header().Get(api.HeaderRevision), 10, 64); err == nil {
		m.cache.raise(m.r.Context(), keys, revision)
	}
}
