// Package cachetest is the suite that every cache.Pages has to pass.
package cachetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plugpack/plugpack/libs/cache"
)

// Store is what the indexer writes.
type Store interface {
	cache.Pages
	cache.Marks
	cache.Responses
}

// Run runs the suite. open gives an empty store, or the same one emptied.
func Run(t *testing.T, open func(t *testing.T) Store) {
	t.Run("responses", func(t *testing.T) { runResponses(t, open) })
	t.Run("marks are told of every key, with its page or without, until they are dropped", func(t *testing.T) {
		store := open(t)
		want := map[string]cache.Mark{}
		for i := range int64(2500) {
			key := cache.IDKey(fmt.Sprint(i))
			want[key] = cache.Mark{Revision: 1 + i%7, Page: i%2 == 0}
			if i%2 == 0 {
				put(t, store, key, page(want[key].Revision))
			} else {
				raise(t, store, key, want[key].Revision)
			}
		}
		put(t, store, cache.SlugKey("other"), page(1))
		got := map[string]cache.Mark{}
		if err := store.EachMark(t.Context(), cache.IDPrefix, func(key string, m cache.Mark) { got[key] = m }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("all marks (-want +got):\n%s", diff)
		}
		if err := store.Drop(t.Context(), cache.IDKey("7")); err != nil {
			t.Fatal(err)
		}
		delete(want, cache.IDKey("7"))
		keys := []string{cache.IDKey("never")}
		for i := range 2500 {
			keys = append(keys, cache.IDKey(fmt.Sprint(i)))
		}
		got, err := store.Marks(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("marks by key (-want +got):\n%s", diff)
		}
		put(t, store, cache.IDKey("7"), page(1)) // older than what was dropped
		has(t, store, cache.IDKey("7"), page(1))
	})
	t.Run("a page that was never put is not found", func(t *testing.T) {
		missing(t, open(t), "page:id:x")
	})
	t.Run("every form of page comes back as it was put", func(t *testing.T) {
		pages := open(t)
		for key, p := range map[string]cache.Page{
			"page:slug:found":   {Revision: 7, Status: 200, Body: []byte("{\"name\":\"é\\u0000\"}\n")},
			"page:slug:moved":   {Revision: 1 << 50, Status: 301, Location: "/api/plugins/slug/new"},
			"page:slug:removed": {Revision: 1, Status: 404},
		} {
			put(t, pages, key, p)
			has(t, pages, key, p)
		}
	})
	t.Run("an older revision does not replace a newer one", func(t *testing.T) {
		pages := open(t)
		put(t, pages, "k", page(5))
		put(t, pages, "k", page(4))
		has(t, pages, "k", page(5))
	})
	t.Run("the same revision may be put again", func(t *testing.T) {
		pages := open(t)
		put(t, pages, "k", page(5))
		put(t, pages, "k", page(5))
		has(t, pages, "k", page(5))
	})
	t.Run("a page below the raised revision is gone and cannot come back", func(t *testing.T) {
		pages := open(t)
		put(t, pages, "k", page(5))
		raise(t, pages, "k", 6)
		missing(t, pages, "k")
		put(t, pages, "k", page(5))
		missing(t, pages, "k")
		put(t, pages, "k", page(6))
		has(t, pages, "k", page(6))
	})
	t.Run("raising to the page's own or an older revision keeps it", func(t *testing.T) {
		pages := open(t)
		put(t, pages, "k", page(5))
		raise(t, pages, "k", 5)
		raise(t, pages, "k", 2)
		has(t, pages, "k", page(5))
	})
	t.Run("a page too large to keep still ends the older one", func(t *testing.T) {
		pages := open(t)
		put(t, pages, "k", page(5))
		put(t, pages, "k", cache.Page{Revision: 6, Status: 200, Body: bytes.Repeat([]byte("x"), cache.MaxBody+1)})
		missing(t, pages, "k")
		put(t, pages, "k", page(5))
		missing(t, pages, "k")
	})
	t.Run("no order of calls gives an older revision after a newer one", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) { order(rt, open(t)) })
	})
	t.Run("writers at the same moment leave the newest", func(t *testing.T) {
		pages := open(t)
		var wg sync.WaitGroup
		for i := range int64(40) {
			wg.Go(func() {
				if err := pages.Put(t.Context(), "k", page(1+i)); err != nil {
					t.Errorf("put: %v", err)
				}
			})
		}
		wg.Wait()
		has(t, pages, "k", page(40))
	})
}

// order plays any sequence of calls against a model: the newest revision put
// or raised, and whether its page is there.
func order(t *rapid.T, pages cache.Pages) {
	type state struct {
		seen int64
		page bool
	}
	model := map[string]state{}
	keys := rapid.SampledFrom([]string{"a", "b"})
	revisions := rapid.Int64Range(1, 6)
	for range rapid.IntRange(1, 30).Draw(t, "calls") {
		key, revision := keys.Draw(t, "key"), revisions.Draw(t, "revision")
		s := model[key]
		var err error
		if rapid.Bool().Draw(t, "put") {
			err = pages.Put(t.Context(), key, page(revision))
			if revision >= s.seen {
				s = state{revision, true}
			}
		} else {
			err = pages.Raise(t.Context(), key, revision)
			if revision > s.seen {
				s = state{revision, false}
			}
		}
		if err != nil {
			t.Fatalf("write: %v", err)
		}
		model[key] = s
		got, found, err := pages.Get(t.Context(), key)
		if err != nil || found != s.page || found && got.Revision != s.seen {
			t.Fatalf("Get(%s) = revision %d, %v, %v; want %+v", key, got.Revision, found, err, s)
		}
	}
}

func page(revision int64) cache.Page {
	return cache.Page{Revision: revision, Status: 200, Body: fmt.Appendf(nil, "{\"revision\":%d}\n", revision)}
}

func put(t *testing.T, pages cache.Pages, key string, p cache.Page) {
	t.Helper()
	if err := pages.Put(t.Context(), key, p); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func raise(t *testing.T, pages cache.Pages, key string, revision int64) {
	t.Helper()
	if err := pages.Raise(t.Context(), key, revision); err != nil {
		t.Fatalf("raise %s: %v", key, err)
	}
}

func has(t *testing.T, pages cache.Pages, key string, want cache.Page) {
	t.Helper()
	got, found, err := pages.Get(t.Context(), key)
	if err != nil || !found {
		t.Fatalf("get %s: found %v, %v; want revision %d", key, found, err, want.Revision)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("get %s (-want +got):\n%s", key, diff)
	}
}

func missing(t *testing.T, pages cache.Pages, key string) {
	t.Helper()
	if p, found, err := pages.Get(t.Context(), key); err != nil || found {
		t.Fatalf("get %s: revision %d, found %v, %v; want none", key, p.Revision, found, err)
	}
}
