package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/local"
	"github.com/plugpack/plugpack/libs/testkit"
)

const uuidPath = "/api/plugins/0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f6"

// revisionCatalog answers every page at the revision that current gives.
func revisionCatalog(current func() int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		revision := strconv.FormatInt(current(), 10)
		w.Header().Set(api.HeaderRevision, revision)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"revision":%s}`+"\n", revision)
	}
}

func at(revision int64) func() int64 { return func() int64 { return revision } }

func cached(revision int64) cache.Page {
	return cache.Page{Revision: revision, Status: 200, Body: fmt.Appendf(nil, `{"revision":%d}`+"\n", revision)}
}

func TestCachedPage(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, pages map[string]cache.Page) *fixture {
		x := newFixture(t)
		x.catalog = revisionCatalog(at(9))
		for key, p := range pages {
			if err := x.pages.Put(t.Context(), key, p); err != nil {
				t.Fatal(err)
			}
		}
		return x
	}
	all := map[string]cache.Page{
		cache.SlugKey("found"):                              cached(4),
		cache.SlugKey("moved"):                              {Revision: 4, Status: 301, Location: "/api/plugins/slug/found"},
		cache.SlugKey("removed"):                            {Revision: 5, Status: 404},
		cache.IDKey("0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f6"): cached(4),
	}
	t.Run("a page that is there is answered without the catalog", func(t *testing.T) {
		t.Parallel()
		x := setup(t, all)
		x.catalog = func(http.ResponseWriter, *http.Request) { t.Error("the catalog was asked") }
		for _, path := range []string{"/api/plugins/slug/found", uuidPath} {
			res := x.get(t, path)
			want := string(cached(4).Body)
			if got := body(t, res); res.StatusCode != 200 || got != want || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s = %d %s %q", path, res.StatusCode, res.Header.Get("Content-Type"), got)
			}
			if h := res.Header; h.Get("X-Cache") != "hit" || h.Get(api.HeaderRevision) != "4" || h.Get("ETag") != api.ETag([]byte(want)) {
				t.Errorf("%s headers = %v", path, h)
			}
			head := x.do(t, http.MethodHead, path, nil)
			if head.StatusCode != 200 || head.Header.Get("Content-Length") != strconv.Itoa(len(want)) {
				t.Errorf("HEAD %s = %d %v", path, head.StatusCode, head.Header)
			}
			for _, tag := range []string{head.Header.Get("ETag"), `"other", ` + head.Header.Get("ETag"), "W/" + head.Header.Get("ETag"), "*"} {
				if res := x.get(t, path, "If-None-Match", tag); res.StatusCode != 304 || res.Header.Get("ETag") == "" {
					t.Errorf("If-None-Match %s = %d", tag, res.StatusCode)
				}
			}
			if res := x.get(t, path, "If-None-Match", `"other"`); res.StatusCode != 200 {
				t.Errorf("another tag = %d", res.StatusCode)
			}
		}
		if res := x.get(t, "/api/plugins/slug/moved"); res.StatusCode != 301 || res.Header.Get("Location") != "/api/plugins/slug/found" {
			t.Errorf("moved = %d %s", res.StatusCode, res.Header.Get("Location"))
		}
		res := x.get(t, "/api/plugins/slug/removed")
		if res.Header.Get(api.HeaderRevision) != "5" {
			t.Errorf("removed headers = %v", res.Header)
		}
		wantProblem(t, res, 404)
	})
	t.Run("a page that is not there comes from the catalog and is not filled in", func(t *testing.T) {
		t.Parallel()
		x := setup(t, nil)
		for range 2 {
			res := x.get(t, "/api/plugins/slug/found")
			if res.StatusCode != 200 || res.Header.Get("X-Cache") != "miss" || res.Header.Get(api.HeaderRevision) != "9" {
				t.Errorf("answer %d %v", res.StatusCode, res.Header)
			}
		}
	})
	t.Run("who saw a plugin at one address gets nothing older at another", func(t *testing.T) {
		t.Parallel()
		x := setup(t, all)
		id, slug := cache.IDKey("0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f6"), cache.SlugKey("moved")
		x.catalog = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(api.HeaderPages, id+" "+slug)
			revisionCatalog(at(9))(w, r)
		}
		if res := x.get(t, "/api/plugins/slug/new"); res.Header.Get(api.HeaderPages) != "" {
			t.Errorf("the keys of pages went out: %v", res.Header)
		}
		for _, path := range []string{uuidPath, "/api/plugins/slug/moved"} {
			if res := x.get(t, path); res.Header.Get(api.HeaderRevision) != "9" {
				t.Errorf("%s = revision %s after 9", path, res.Header.Get(api.HeaderRevision))
			}
		}
		if res := x.get(t, "/api/plugins/slug/found"); res.Header.Get("X-Cache") != "hit" {
			t.Error("another plugin's page is not given any more")
		}
	})
	t.Run("whoever may get an answer of his own is not served from the cache", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]func(*http.Request){
			"query":         func(r *http.Request) { r.URL.RawQuery = "x=1" },
			"Authorization": func(r *http.Request) { r.Header.Set("Authorization", "Bearer t") },
			"session":       func(r *http.Request) { r.AddCookie(session(t, ann)) },
			"POST":          func(r *http.Request) { r.Method = http.MethodPost },
		} {
			x := setup(t, all)
			res := x.do(t, http.MethodGet, "/api/plugins/slug/found", change)
			if got := body(t, res); got != "{\"revision\":9}\n" || res.Header.Get("X-Cache") != "" {
				t.Errorf("%s: %q, X-Cache %q", name, got, res.Header.Get("X-Cache"))
			}
			// And what he saw, everyone sees from then on.
			if after := x.get(t, "/api/plugins/slug/found"); after.Header.Get(api.HeaderRevision) != "9" {
				t.Errorf("%s: revision %s after 9", name, after.Header.Get(api.HeaderRevision))
			}
		}
	})
	t.Run("a page under another spelling of its address is the same page", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct{ other, path string }{
			{"/api/plugins/slug/found/", "/api/plugins/slug/found"},
			{"/api/plugins/slug/f%6Fund", "/api/plugins/slug/found"},
			{uuidPath + "/", uuidPath},
			{"/api/plugins/" + strings.ToUpper(strings.TrimPrefix(uuidPath, "/api/plugins/")), uuidPath},
		} {
			x := setup(t, all)
			x.do(t, http.MethodGet, c.other, func(r *http.Request) { r.AddCookie(session(t, ann)) }) // sees revision 9
			if after := x.get(t, c.path); after.Header.Get(api.HeaderRevision) != "9" {
				t.Errorf("revision %s after 9 at %s", after.Header.Get(api.HeaderRevision), c.other)
			}
		}
	})
	t.Run("the catalog's revision is marked before its answer goes out", func(t *testing.T) {
		t.Parallel()
		x := setup(t, nil)
		r := testkit.Redis(t)
		pages := r.Pages(t)
		x.pages = pages
		x.get(t, "/api/plugins/slug/found")
		if got := r.Server.HGet(cache.SlugKey("found"), "rev"); got != "9" {
			t.Fatalf("mark = %q, want 9", got)
		}
		if err := pages.Put(t.Context(), cache.SlugKey("found"), cached(8)); err != nil { // a slow indexer
			t.Fatal(err)
		}
		if res := x.get(t, "/api/plugins/slug/found"); res.Header.Get("X-Cache") != "miss" {
			t.Error("the slow indexer's page was given")
		}
	})
	t.Run("a cache that lost its marks gives nothing to anyone until it is filled", func(t *testing.T) {
		t.Parallel()
		r := testkit.Redis(t)
		pages := r.Pages(t)
		one, other := setup(t, nil), setup(t, nil)
		one.pages, other.pages = pages, pages
		one.get(t, "/api/plugins/slug/found") // sees revision 9
		r.Server.FlushAll()
		if err := pages.Put(t.Context(), cache.SlugKey("found"), cached(8)); err != nil { // a slow indexer
			t.Fatal(err)
		}
		if got := other.get(t, "/api/plugins/slug/found").Header.Get(api.HeaderRevision); got != "9" {
			t.Errorf("revision %s after 9", got)
		}
		err := pages.Restore(t.Context(), func(ctx context.Context) error { return pages.Put(ctx, cache.SlugKey("found"), cached(9)) })
		if err != nil {
			t.Fatal(err)
		}
		if res := other.get(t, "/api/plugins/slug/found"); res.Header.Get("X-Cache") != "hit" {
			t.Error("a cache that is filled gives nothing")
		}
	})
	t.Run("a cache that is away costs speed only", func(t *testing.T) {
		t.Parallel()
		x := setup(t, nil)
		x.pages = failing{}
		for range 20 {
			if res := x.get(t, "/api/plugins/slug/found"); res.StatusCode != 200 || res.Header.Get(api.HeaderRevision) != "9" {
				t.Fatalf("answer %d", res.StatusCode)
			}
		}
		if n := strings.Count(x.log.String(), "dependency is away"); n != 1 {
			t.Errorf("%d lines say so, want 1", n)
		}
	})
}

type failing struct{}

var errAway = errors.New("away")

func (failing) Get(context.Context, string) (cache.Page, bool, error) {
	return cache.Page{}, false, errAway
}
func (failing) Put(context.Context, string, cache.Page) error { return errAway }
func (failing) Raise(context.Context, string, int64) error    { return errAway }
func (failing) Lookup(context.Context, string) (cache.Response, string, bool, error) {
	return cache.Response{}, "", false, errAway
}
func (failing) Keep(context.Context, string, string, cache.Response) error { return errAway }
func (failing) Move(context.Context) error                                 { return errAway }

// forgetful is a cache that loses entries and their marks at random, as one
// under memory pressure does, and fails now and then.
type forgetful struct {
	mu    sync.Mutex
	cache *local.Cache
	fresh func() *local.Cache
}

func (f *forgetful) now() *local.Cache {
	f.mu.Lock()
	defer f.mu.Unlock()
	if rand.N(8) == 0 {
		f.cache = f.fresh()
	}
	return f.cache
}

func (f *forgetful) Get(ctx context.Context, key string) (cache.Page, bool, error) {
	return f.now().Get(ctx, key)
}

func (f *forgetful) Put(ctx context.Context, key string, p cache.Page) error {
	return f.now().Put(ctx, key, p)
}

func (f *forgetful) Lookup(ctx context.Context, key string) (cache.Response, string, bool, error) {
	return f.now().Lookup(ctx, key)
}

func (f *forgetful) Keep(ctx context.Context, key, generation string, r cache.Response) error {
	return f.now().Keep(ctx, key, generation, r)
}

func (f *forgetful) Move(ctx context.Context) error { return f.now().Move(ctx) }

func (f *forgetful) Raise(ctx context.Context, key string, revision int64) error {
	return f.now().Raise(ctx, key, revision)
}

// Readers race with a catalog that moves on and an indexer that lags behind
// it, repeats itself and delivers out of order. Once a reader has got an
// answer, no answer to a request that begins later may be older, from whichever
// gateway; only of a cache that loses its marks as well, one gateway can know.
func TestNoOlderPageAfterANewerOne(t *testing.T) {
	t.Parallel()
	t.Run("with a cache that keeps its marks", func(t *testing.T) {
		t.Parallel()
		race(t, 2, func(*fixture) {})
	})
	t.Run("with a cache that loses entries", func(t *testing.T) {
		t.Parallel()
		race(t, 1, func(x *fixture) {
			fresh := func() *local.Cache { c := local.NewCache(); t.Cleanup(c.Close); return c }
			x.pages = &forgetful{cache: fresh(), fresh: fresh}
		})
	})
	t.Run("with Redis", func(t *testing.T) {
		t.Parallel()
		race(t, 2, func(x *fixture) { x.pages = testkit.Redis(t).Pages(t) })
	})
}

func race(t *testing.T, gateways int, change func(*fixture)) {
	const path, key, revisions, readers = "/api/plugins/slug/found", "page:slug:found", 600, 4
	x := newFixture(t)
	x.options.RateLimit = 0
	var committed, seen atomic.Int64 // seen: the newest revision that any reader has in hand
	committed.Store(1)
	x.catalog = revisionCatalog(committed.Load)
	change(x)
	doors := []*fixture{x}
	for len(doors) < gateways { // they share the cache and the catalog
		y := newFixture(t)
		y.options, y.catalog, y.pages = x.options, x.catalog, x.pages
		doors = append(doors, y)
	}
	for _, door := range doors {
		door.get(t, path) // builds the gateway
	}

	var hits, misses atomic.Int64
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range readers {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				before := seen.Load()
				res := doors[rand.N(len(doors))].get(t, path)
				got, err := strconv.ParseInt(res.Header.Get(api.HeaderRevision), 10, 64)
				if err != nil || res.StatusCode != 200 {
					t.Errorf("answer %d: %v", res.StatusCode, err)
					return
				}
				if got < before {
					t.Errorf("revision %d (%s) after %d was seen", got, res.Header.Get("X-Cache"), before)
					return
				}
				if res.Header.Get("X-Cache") == "hit" {
					hits.Add(1)
				} else {
					misses.Add(1)
				}
				for old := seen.Load(); old < got && !seen.CompareAndSwap(old, got); old = seen.Load() {
				}
			}
		})
	}
	for revision := int64(2); revision <= revisions && !t.Failed(); revision++ {
		committed.Store(revision)
		for hits.Load()+misses.Load() < 3*revision && !t.Failed() {
			runtime.Gosched() // let the readers see something of it
		}
		for range rand.N(3) {
			if err := x.pages.Put(t.Context(), key, cached(max(1, revision-rand.Int64N(4)))); err != nil {
				t.Errorf("put: %v", err)
			}
		}
	}
	close(done)
	wg.Wait()
	t.Logf("%d hits, %d misses", hits.Load(), misses.Load())
}
