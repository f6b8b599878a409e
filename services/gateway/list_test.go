package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
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

const (
	listID = "0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f6"
	packID = "0198f2a4-5b1c-7d3e-8f90-a1b2c3d4e5f7"
)

// listCatalog answers lists, searches and pages of one plugin, and of the pack
// of the same slug that has it, at the revision that current gives, and counts
// the questions. Every seventh revision of both is withdrawn.
func listCatalog(current func() int64, asked *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		revision := current()
		plugin := fmt.Sprintf(`{"id":%q,"slug":"found","revision":%d}`, listID, revision)
		pack := fmt.Sprintf(`{"id":%q,"slug":"found","plugins":1,"edition":1,"revision":%d}`, packID, revision)
		ofPack, one := strings.HasPrefix(r.URL.Path, "/api/packs"), false
		for _, end := range []string{"/slug/found", listID, packID} {
			one = one || strings.HasSuffix(r.URL.Path, end)
		}
		var answer string
		switch {
		case one && ofPack:
			answer = `{"pack":` + pack + `,"plugins":[{"plugin":` + plugin + "}]}\n"
			w.Header().Set(api.HeaderPages, cache.IDKey(packID))
		case one:
			answer = plugin + "\n"
			w.Header().Set(api.HeaderPages, cache.IDKey(listID)+" "+cache.SlugKey("found"))
		case revision%7 == 0:
			answer = "[]\n"
		case ofPack:
			answer = "[" + pack + "]\n"
		case strings.HasPrefix(r.URL.Path, "/api/search"):
			answer = `{"plugins":[` + plugin + `],"packs":[` + pack + "]}\n"
		default:
			answer = "[" + plugin + "]\n"
		}
		if one {
			w.Header().Set(api.HeaderRevision, strconv.FormatInt(revision, 10))
			if revision%7 == 0 {
				api.WriteStatus(w, http.StatusNotFound, "withdrawn")
				return
			}
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
		for _, path := range []string{
			"/api/plugins/?limit=5", "/api/plugins/count", "/api/plugins/categories", "/api/plugins/facets", "/api/search/?q=x", "/api/search/suggest?q=x",
			"/api/plugins/" + packID + "/related", "/api/plugins/" + packID + "/listings",
			"/api/packs/?featured=true", "/api/packs/count", "/api/packs/slug/found", "/api/packs/" + packID,
		} {
			asked.Store(0)
			first := x.get(t, path)
			want := body(t, first)
			if first.Header.Get("X-Cache") != "miss" {
				t.Errorf("%s: X-Cache %s", path, first.Header.Get("X-Cache"))
			}
			again := x.get(t, path)
			if got := body(t, again); got != want || again.Header.Get("X-Cache") != "hit" || again.Header.Get("X-Total-Count") != "1" ||
				again.Header.Get("ETag") != first.Header.Get("ETag") || again.Header.Get(api.HeaderRevision) != first.Header.Get(api.HeaderRevision) || again.Header.Get("Content-Type") != "application/json" {
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
			x.get(t, "/api/packs/slug/found/marketplace.json"), x.get(t, "/api/packs/slug/found/marketplace.json"),
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
	t.Run("what a pack is at says nothing of a plugin with its slug", func(t *testing.T) {
		t.Parallel()
		x, _ := setup(t, at(3))
		if err := x.pages.Put(t.Context(), cache.SlugKey("found"), cached(2)); err != nil {
			t.Fatal(err)
		}
		_ = x.get(t, "/api/packs/")
		if res := x.get(t, "/api/plugins/slug/found"); res.Header.Get("X-Cache") != "hit" {
			t.Error("the plugin's page is not given any more")
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

// Readers and a writer race on a plugin and the pack that has it, over two
// gateways on one Redis: at each of their addresses, in lists and in searches,
// signed in or not, and as those who change them. The writer commits, an indexer
// that is late and out of order writes the plugin's pages and moves the
// generation, and now and then Redis loses everything and is filled again.
// Nobody gets an older revision of one after anybody got a newer one of it, nor
// finds what was withdrawn at a newer.
func TestNoOldRevisionAfterANewerOne(t *testing.T) {
	t.Parallel()
	for name, paths := range map[string][]string{
		"a plugin": {
			"/api/plugins/slug/found", "/api/plugins/" + listID, "/api/plugins/?limit=1", "/api/search/?q=found",
			"/api/plugins/" + packID + "/related", "/api/plugins/" + packID + "/listings/",
		},
		"a pack": {
			"/api/packs/slug/found", "/api/packs/" + packID, "/api/packs/" + strings.ToUpper(packID) + "/", "/api/packs/?limit=1", "/api/search/?q=found",
			"/api/plugins/slug/found", "/api/plugins/?limit=1",
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); raceLists(t, paths) })
	}
}

func raceLists(t *testing.T, paths []string) {
	const races = 10_000
	r := testkit.Redis(t)
	var committed atomic.Int64
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
	put := func(revision int64) error {
		page := cache.Page{Revision: revision, Status: 200, Body: fmt.Appendf(nil, `{"id":%q,"slug":"found","revision":%d}`, listID, revision)}
		if revision%7 == 0 {
			page = cache.Page{Revision: revision, Status: 404}
		}
		return errors.Join(
			store.Raise(t.Context(), cache.SlugKey("found"), revision),
			store.Put(t.Context(), cache.IDKey(listID), page), store.Put(t.Context(), cache.SlugKey("found"), page),
		)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	lost := 0
	wg.Go(func() { // the writer and its indexer
		for {
			select {
			case <-done:
				return
			default:
			}
			revision := committed.Add(1)
			late := max(1, revision-rand.Int64N(4))
			var err error
			if revision%50 == 0 {
				lost++
				r.Server.FlushAll()
				err = errors.Join(put(late), store.Restore(t.Context(), func(context.Context) error { return put(committed.Load()) }))
			}
			if err = errors.Join(err, put(late)); err != nil {
				t.Error(err)
			}
			if revision%3 == 0 {
				_ = store.Move(t.Context())
			}
		}
	})
	var newest sync.Map // id to the newest revision that any reader has in hand
	newestOf := func(id string) *atomic.Int64 {
		n, _ := newest.LoadOrStore(id, new(atomic.Int64))
		return n.(*atomic.Int64)
	}
	cookie := session(t, ann)
	var left atomic.Int64
	left.Store(races)
	var readers sync.WaitGroup
	for n := range 4 {
		readers.Go(func() {
			for left.Add(-1) >= 0 {
				path, method, change := paths[rand.IntN(len(paths))], http.MethodGet, func(*http.Request) {}
				switch rand.IntN(10) {
				case 0:
					method = http.MethodPatch
				case 1:
					change = func(r *http.Request) { r.AddCookie(cookie) }
				}
				before := map[string]int64{listID: newestOf(listID).Load(), packID: newestOf(packID).Load()}
				res := gateways[n%2].do(t, method, path, change)
				for id, got := range revisionsIn(t, path, res) {
					if got < before[id] {
						t.Errorf("%s %s (%s): %s at revision %d after %d", method, path, res.Header.Get("X-Cache"), id, got, before[id])
					}
					for newest, now := newestOf(id), newestOf(id).Load(); got > now && !newest.CompareAndSwap(now, got); now = newest.Load() {
					}
				}
			}
		})
	}
	readers.Wait()
	close(done)
	wg.Wait()
	t.Logf("%d races over %d commits, %d losses of Redis, the catalog was asked %d times", races, committed.Load(), lost, asked.Load())
	if asked.Load() >= races || lost == 0 {
		t.Error("nothing was answered from the cache, or it was never lost")
	}
}

var shownIn = regexp.MustCompile(`"id":"([^"]+)","slug":"found",[^}]*?"revision":(\d+)`)

// revisionsIn gives the revisions in an answer by id. One that says that
// something is gone names its revision in the header.
func revisionsIn(t *testing.T, path string, res *http.Response) map[string]int64 {
	all := map[string]int64{}
	number := func(id, text string) {
		revision, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		all[id] = revision
	}
	text := body(t, res)
	if res.StatusCode == http.StatusNotFound {
		id := listID
		if strings.HasPrefix(path, "/api/packs") {
			id = packID
		}
		number(id, res.Header.Get(api.HeaderRevision))
		return all
	}
	for _, m := range shownIn.FindAllStringSubmatch(text, -1) {
		number(m[1], m[2])
	}
	if len(all) == 0 && text != "[]\n" {
		t.Errorf("%s: no revision in %d %q", path, res.StatusCode, text)
	}
	return all
}
