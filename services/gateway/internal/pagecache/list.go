package pagecache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/services/gateway/internal/request"
)

// maxBuffer bounds how much of an answer is held back until what it shows is
// marked; lists are far smaller.
const maxBuffer = 4 << 20

// kept are the headers that go with a kept response.
var kept = []string{"Content-Type", "Link", "X-Total-Count", "ETag", api.HeaderRevision}

// List answers questions about many plugins (lists, counts, facets, searches,
// packs) from what is kept of the catalog's answers, and keeps what is not there
// yet. What an answer shows is marked like a page that was given out, whoever
// gets it: so nobody finds a page, or another list, that is older than it.
func (c *Cache) List(responses cache.Responses) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = &marker{ResponseWriter: w, cache: c, r: r}
		if r.Method != http.MethodGet && r.Method != http.MethodHead || !anonymous(r) {
			c.ask(w, r, responses, "", "")
			return
		}
		key := listKey(r)
		found, generation, ok := c.lookup(r.Context(), responses, key)
		if ok {
			w.Header().Set(request.HeaderCache, "hit")
			answer(w, r, found)
			return
		}
		w.Header().Set(request.HeaderCache, "miss")
		c.ask(w, r, responses, key, generation)
	})
}

// listKey is short whatever was asked for.
func listKey(r *http.Request) string {
	sum := sha256.Sum256([]byte(strings.TrimSuffix(r.URL.Path, "/") + "?" + r.URL.RawQuery))
	return hex.EncodeToString(sum[:16])
}

func (c *Cache) lookup(ctx context.Context, responses cache.Responses, key string) (cache.Response, string, bool) {
	if responses == nil || c.away.Resting() {
		return cache.Response{}, "", false
	}
	lookupCtx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found, generation, ok, err := responses.Lookup(lookupCtx, key)
	c.report(ctx, err)
	return found, generation, ok && err == nil && c.admit(found.Shows)
}

// admit notes what is about to be given out, and says whether nothing newer of
// it was.
func (c *Cache) admit(shows []cache.Shown) bool {
	good := true
	for _, s := range shows {
		for _, key := range s.Keys() {
			good = c.given.admit(key, s.Revision) && good
		}
	}
	return good
}

// ask lets the catalog answer, and marks the answer before it leaves and, in a
// generation, keeps it.
func (c *Cache) ask(w http.ResponseWriter, r *http.Request, responses cache.Responses, key, generation string) {
	whole := r.Clone(r.Context())
	if r.Method == http.MethodHead {
		whole.Method = http.MethodGet // a HEAD's answer could not be kept
	}
	whole.Header.Del("If-None-Match")
	whole.Header.Del("Accept-Encoding") // it has to be read here
	b := &buffer{ResponseWriter: w, status: http.StatusOK}
	c.catalog.ServeHTTP(b, whole)
	if b.passed {
		return
	}
	if b.status != http.StatusOK {
		b.pass()
		return
	}
	res := cache.Response{Header: map[string]string{}, Body: b.body.Bytes(), Shows: shows(b.body.Bytes())}
	for _, name := range kept {
		if v := w.Header().Get(name); v != "" {
			res.Header[name] = v
		}
	}
	if cc := w.Header().Get("Cache-Control"); strings.Contains(cc, "no-store") || strings.Contains(cc, "private") || w.Header().Get("Set-Cookie") != "" {
		generation = ""
	}
	c.admit(res.Shows)
	if responses != nil && (generation != "" || len(res.Shows) > 0) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
		c.report(r.Context(), responses.Keep(ctx, key, generation, res))
		cancel()
	}
	answer(w, r, res)
}

// answer writes a response, or that the client has it already.
func answer(w http.ResponseWriter, r *http.Request, res cache.Response) {
	h := w.Header()
	for name, v := range res.Header {
		h.Set(name, v)
	}
	if tag := h.Get("ETag"); tag != "" && api.Matches(r, tag) {
		h.Del("Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(res.Body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(res.Body)
	}
}

// shows reads which plugins and packs an answer shows, and at which revisions.
func shows(body []byte) (all []cache.Shown) {
	type item struct {
		ID       string `json:"id"`
		Slug     string `json:"slug"`
		Revision int64  `json:"revision"`
		Edition  int64  `json:"edition"` // of a pack alone
		Plugin   *item  `json:"plugin"`  // at its place in a pack
	}
	var (
		items []item
		whole struct {
			Pack    item   `json:"pack"`
			Packs   []item `json:"packs"`
			Plugins []item `json:"plugins"`
		}
	)
	if json.Unmarshal(body, &items) != nil {
		items = nil
		if json.Unmarshal(body, &whole) == nil {
			items = slices.Concat(whole.Plugins, whole.Packs, []item{whole.Pack})
		}
	}
	for _, i := range items {
		if i.Plugin != nil {
			i = *i.Plugin
		}
		if i.Edition > 0 {
			i.Slug = ""
		}
		if i.ID != "" && i.Revision > 0 {
			all = append(all, cache.Shown{ID: i.ID, Slug: i.Slug, Revision: i.Revision})
		}
	}
	return all
}

// buffer holds an answer back. One that is too large for that passes.
type buffer struct {
	http.ResponseWriter
	status int
	wrote  bool
	passed bool
	body   bytes.Buffer
}

// WriteHeader notes the status.
func (b *buffer) WriteHeader(status int) {
	switch {
	case b.passed || status < 200:
		b.ResponseWriter.WriteHeader(status)
	case !b.wrote:
		b.status, b.wrote = status, true
	}
}

// Write takes a part of the body.
func (b *buffer) Write(p []byte) (int, error) {
	b.wrote = true
	if !b.passed && b.body.Len()+len(p) <= maxBuffer {
		return b.body.Write(p)
	}
	b.pass()
	return b.ResponseWriter.Write(p)
}

// Flush sends nothing while the answer is held back: a proxy flushes after
// each piece of an answer whose length it does not know.
func (b *buffer) Flush() {
	if b.passed {
		_ = http.NewResponseController(b.ResponseWriter).Flush()
	}
}

func (b *buffer) pass() {
	if b.passed {
		return
	}
	b.passed = true
	b.ResponseWriter.WriteHeader(b.status)
	_, _ = b.ResponseWriter.Write(b.body.Bytes())
}
