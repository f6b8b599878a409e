package cachetest

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/cache"
)

func runResponses(t *testing.T, open func(t *testing.T) Store) {
	response := cache.Response{
		Header: map[string]string{"Content-Type": "application/json", "Link": "<x>; rel=\"next\""}, Body: []byte("[\"é\"]\n"),
		Shows: []cache.Shown{{ID: "a", Slug: "slug-a", Revision: 5}, {ID: "b", Slug: "slug-b", Revision: 1 << 50}, {ID: "pack", Revision: 3}},
	}
	t.Run("a response comes back as it was kept", func(t *testing.T) {
		s := open(t)
		keep(t, s, "k", begin(t, s, "k"), response)
		found(t, s, "k", response)
		begin(t, s, "other")
	})
	t.Run("one that shows nothing is kept too", func(t *testing.T) {
		s := open(t)
		count := cache.Response{Header: map[string]string{}, Body: []byte("3")}
		keep(t, s, "k", begin(t, s, "k"), count)
		found(t, s, "k", count)
	})
	t.Run("a new generation forgets all, and what comes late of the one before", func(t *testing.T) {
		s := open(t)
		generation := begin(t, s, "k")
		keep(t, s, "k", generation, response)
		if err := s.Move(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now := begin(t, s, "k"); now == generation {
			t.Error("the generation is the same")
		}
		keep(t, s, "k", generation, response)
		begin(t, s, "k")
	})
	t.Run("a response is not given after something newer of it was seen", func(t *testing.T) {
		for name, see := range map[string]func(s Store){
			"by a reader of the page": func(s Store) { raise(t, s, cache.IDKey("a"), 6) },
			"by the indexer":          func(s Store) { put(t, s, cache.IDKey("a"), page(6)) },
			"in another response": func(s Store) {
				keep(t, s, "other", "", cache.Response{Shows: []cache.Shown{{ID: "a", Slug: "slug-a", Revision: 6}}})
			},
			"of a pack": func(s Store) {
				keep(t, s, "other", "", cache.Response{Shows: []cache.Shown{{ID: "pack", Revision: 4}}})
			},
		} {
			s := open(t)
			keep(t, s, "k", begin(t, s, "k"), response)
			raise(t, s, cache.IDKey("a"), 5)
			found(t, s, "k", response)
			see(s)
			if _, _, found, err := s.Lookup(t.Context(), "k"); err != nil || found {
				t.Errorf("%s: found %v, %v", name, found, err)
			}
		}
	})
	t.Run("pages older than what a response shows are gone and cannot come back", func(t *testing.T) {
		s := open(t)
		for _, key := range []string{cache.IDKey("a"), cache.SlugKey("slug-a")} {
			put(t, s, key, page(4))
		}
		keep(t, s, "k", "", response)
		for _, key := range []string{cache.IDKey("a"), cache.SlugKey("slug-a")} {
			missing(t, s, key)
			put(t, s, key, page(4))
			missing(t, s, key)
			put(t, s, key, page(5))
			has(t, s, key, page(5))
		}
	})
	t.Run("one that is too large is not kept, but marks what it shows", func(t *testing.T) {
		s := open(t)
		put(t, s, cache.IDKey("a"), page(4))
		large := response
		large.Body = bytes.Repeat([]byte("x"), cache.MaxResponse+1)
		keep(t, s, "k", begin(t, s, "k"), large)
		begin(t, s, "k")
		missing(t, s, cache.IDKey("a"))
	})
}

// begin wants nothing to be kept at key and gives the generation.
func begin(t *testing.T, s Store, key string) string {
	t.Helper()
	_, generation, found, err := s.Lookup(t.Context(), key)
	if err != nil || found || generation == "" {
		t.Fatalf("look up %s: found %v, generation %q, %v", key, found, generation, err)
	}
	return generation
}

func keep(t *testing.T, s Store, key, generation string, r cache.Response) {
	t.Helper()
	if err := s.Keep(t.Context(), key, generation, r); err != nil {
		t.Fatalf("keep %s: %v", key, err)
	}
}

func found(t *testing.T, s Store, key string, want cache.Response) {
	t.Helper()
	got, _, found, err := s.Lookup(t.Context(), key)
	if err != nil || !found {
		t.Fatalf("look up %s: found %v, %v", key, found, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("look up %s (-want +got):\n%s", key, diff)
	}
}
