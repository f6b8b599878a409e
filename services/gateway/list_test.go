package gateway_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
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

const listID = "0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f6"

// listCatalog answers lists, searches and pages of one plugin at the revision
// that current gives, and counts the questions.
func listCatalog(current func() int64, asked *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		revision := current()
		item := fmt.Sprintf(`{"id":%q,"slug":"found","revision":%d}`, listID, revision)
		answer := "[" + item + "]\n"
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/plugins/slug/"), strings.HasSuffix(r.URL.Path, listID):
			w.Header().Set(api.HeaderRevision, strconv.FormatInt(revision, 10))
			w.Header().Set(api.HeaderPages, cache.IDKey(listID)+" "+cache.SlugKey("found"))
			answer = item + "\n"
		case strings.HasPrefix(r.URL.Path, "/api/search"):
			answer = `{"plugins":[` + item + "]}\n"
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Total-Count", "1")
		w.Header().Set("ETag", api.ETag([]byte(answer)))
		half := len(answer) / 2
		_, _ = fmt.Fprint(w, answer[:half])
		w.(http.Flusher).Flush() // as a proxy does
		_, _ = fmt.Fprint(w, answer[half:])
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, current func() int64) (*fixture, *atomic.Int64) {
		x, asked := newFixture(t), new(atomic.Int64)
		x.catalog = listCatalog(current, asked)
		return x, asked
	}
	t.Run("a second question is answered from what was kept, 304 and HEAD too", func(t *testing.T) {
		t.Parallel()
		x, asked := setup(t, at(3))
		for _, path := range []string{"/api/plugins/?limit=5", "/api/plugins/count", "/api/plugins/categories", "/api/plugins/facets", "/api/search/?q=x", "/api/search/suggest?q=x"} {
			asked.Store(0)
			first := x.get(t, path)
			want := body(t, first)
			if first.Header.Get("X-Cache") != "miss" {
				t.Errorf("%s: X-Cache %s", path, first.Header.Get("X-Cache"))
			}
			again := x.get(t, path)
			if got := body(t, again); got != want || again.Header.Get("X-Cache") != "hit" || again.Header.Get("X-Total-Count") != "1" ||
				again.Header.Get("ETag") != first.Header.Get("ETag") || again.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %q, %v", path, got, again.Header)
			}
			if res := x.get(t, path, "If-None-Match", first.Header.Get("ETag")); res.StatusCode != http.StatusNotModified {
				t.Errorf("%s: %d to a client that has it", path, res.StatusCode)
			}
			if res := x.do(t, http.MethodHead, path, nil); res.StatusCode != 200 || res.Header.Get("Content-Length") != strconv.Itoa(len(want)) {
				t.Errorf("HEAD %s: %d, %v", path, res.StatusCode, res.Header)
			}
			if n := asked.Load(); n != 1 {
				t.Errorf("%s: the catalog was asked %d times", path, n)
			}
		}
	})
	t.Run("other questions and people who are signed in are the catalog's", func(t *testing.T) {
		t.Parallel()
		x, asked := setup(t, at(3))
		_ = x.get(t, "/api/plugins/?limit=5")
		for i, res := range []*http.Response{
			x.get(t, "/api/plugins/?limit=6"), x.get(t, "/api/plugins/?limit=5", "Authorization", "Bearer x"), x.get(t, "/api/plugins/?limit=5", "Cookie", session(t, ann).String()),
			x.do(t, http.MethodPost, "/api/plugins/?limit=5", nil), x.get(t, "/api/marketplaces/"), x.get(t, "/api/marketplaces/"),
		} {
			if res.Header.Get("X-Cache") == "hit" || asked.Load() < int64(i+2) {
				t.Errorf("%d: %v", i, res.Header)
			}
		}
	})
	t.Run("a change moves them on", func(t *testing.T) {
		t.Parallel()
		var revision atomic.Int64
		revision.Store(3)
		x, _ := setup(t, revision.Load)
		_ = x.get(t, "/api/plugins/count")
		revision.Store(4)
		if res := x.get(t, "/api/plugins/count"); res.Header.Get("X-Cache") != "hit" {
			t.Error("it is not kept")
		}
		if err := x.pages.(*local.Cache).Move(t.Context()); err != nil {
			t.Fatal(err)
		}
		if res := x.get(t, "/api/plugins/count"); !strings.Contains(body(t, res), `"revision":4`) {
			t.Error("an old answer was given after the move")
		}
	})
	t.Run("a page older than what a list showed is not given, nor a list older than a page", func(t *testing.T) {
		t.Parallel()
		var revision atomic.Int64
		revision.Store(3)
		x, _ := setup(t, revision.Load)
		for _, key := range []string{cache.IDKey(listID), cache.SlugKey("found")} {
			if err := x.pages.Put(t.Context(), key, cached(2)); err != nil {
				t.Fatal(err)
			}
		}
		_ = x.get(t, "/api/plugins/")
		if res := x.get(t, "/api/plugins/slug/found"); !strings.Contains(body(t, res), `"revision":3`) {
			t.Error("the page is older than the list")
		}
		if res := x.get(t, "/api/plugins/"); res.Header.Get("X-Cache") != "hit" {
			t.Error("the list is not kept")
		}
		revision.Store(4)
		if err := x.pages.Raise(t.Context(), cache.IDKey(listID), 4); err != nil { // another gateway's reader
			t.Fatal(err)
		}
		if res := x.get(t, "/api/plugins/"); !strings.Contains(body(t, res), `"revision":4`) {
			t.Error("the list is older than a page that was seen")
		}
	})
	t.Run("what is wrong is not kept", func(t *testing.T) {
		t.Parallel()
		x := newFixture(t)
		x.catalog = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }
		for range 2 {
			if res := x.get(t, "/api/plugins/"); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body(t, res), "no") {
				t.Errorf("%d", res.StatusCode)
			}
		}
	})
	t.Run("an answer too large to hold back passes", func(t *testing.T) {
		t.Parallel()
		x := newFixture(t)
		large := strings.Repeat("x", 5<<20)
		x.catalog = func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, large) }
		if got := body(t, x.get(t, "/api/plugins/")); got != large {
			t.Errorf("%d bytes came, want %d", len(got), len(large))
		}
	})
	t.Run("without a cache every question is the catalog's", func(t *testing.T) {
		t.Parallel()
		x, asked := setup(t, at(3))
		x.pages = failing{}
		for range 3 {
			if res := x.get(t, "/api/plugins/"); res.StatusCode != 200 || !strings.Contains(body(t, res), listID) {
				t.Errorf("%d", res.StatusCode)
			}
		}
		if asked.Load() != 3 {
			t.Errorf("the catalog was asked %d times", asked.Load())
		}
	})
}

// A reader and a writer race on one plugin, over two gateways on one Redis: as
// page by slug, in a list and in a search. The writer commits, an indexer
// that is late and out of order writes pages and moves the generation. Nobody
// gets an older revision after anybody got a newer one.
func TestNoOldRevisionAfterANewerOne(t *testing.T) {
	t.Parallel()
	const races = 10_000
	r := testkit.Redis(t)
	var committed, newest atomic.Int64
	committed.Store(1)
	asked := new(atomic.Int64)
	var gateways []*fixture
	for range 2 {
		x := newFixture(t)
		x.options.RateLimit = 0
		x.pages = r.Pages(t)
		x.catalog = listCatalog(committed.Load, asked)
		gateways = append(gateways, x)
		_ = x.get(t, "/health")
	}
	store := r.Pages(t)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() { // the writer and its indexer
		for {
			select {
			case <-done:
				return
			default:
			}
			revision := committed.Add(1)
			late := max(1, revision-rand.Int64N(4))
			_ = store.Raise(t.Context(), cache.SlugKey("found"), late)
			for _, key := range []string{cache.IDKey(listID), cache.SlugKey("found")} {
				body := fmt.Appendf(nil, `{"id":%q,"slug":"found","revision":%d}`, listID, late)
				if err := store.Put(t.Context(), key, cache.Page{Revision: late, Status: 200, Body: body}); err != nil {
					t.Error(err)
				}
			}
			if revision%3 == 0 {
				_ = store.Move(t.Context())
			}
		}
	})
	var left atomic.Int64
	left.Store(races)
	var readers sync.WaitGroup
	for n := range 4 {
		readers.Go(func() {
			for left.Add(-1) >= 0 {
				path := []string{"/api/plugins/slug/found", "/api/plugins/" + listID, "/api/plugins/?limit=1", "/api/search/?q=found"}[rand.IntN(4)]
				before := newest.Load()
				got := revisionIn(t, body(t, gateways[n%2].get(t, path)))
				if got < before {
					t.Errorf("%s: revision %d after revision %d", path, got, before)
				}
				for now := newest.Load(); got > now && !newest.CompareAndSwap(now, got); now = newest.Load() {
				}
			}
		})
	}
	readers.Wait()
	close(done)
	wg.Wait()
	t.Logf("%d races over %d commits, the catalog was asked %d times", races, committed.Load(), asked.Load())
	if asked.Load() >= races {
		t.Error("nothing was answered from the cache")
	}
}

func revisionIn(t *testing.T, text string) int64 {
	_, after, found := strings.Cut(text, `"revision":`)
	var n json.Number
	if !found || json.NewDecoder(strings.NewReader(strings.TrimRight(strings.TrimSpace(after), "}]"))).Decode(&n) != nil {
		t.Errorf("no revision in %q", text)
	}
	revision, _ := n.Int64()
	return revision
}
