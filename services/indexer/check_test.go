package indexer_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/indexer"
)

// check compares and gives what was found of the plugins in each store.
func (w *world) check() map[string]events.StoreCheck {
	w.Helper()
	found, err := bus.Ask[events.Check](w.Context(), w.bus, events.AskCheck, events.CheckOf{Repair: true})
	if err != nil {
		w.Fatalf("check: %v", err)
	}
	byStore := map[string]events.StoreCheck{}
	for _, s := range found.Stores {
		if s.Kind == events.KindPlugin {
			byStore[s.Store] = s
		}
	}
	return byStore
}

func (w *world) want(found map[string]events.StoreCheck, store string, want events.StoreCheck) {
	w.Helper()
	want.Store, want.Kind = store, events.KindPlugin
	if diff := cmp.Diff(want, found[store]); diff != "" {
		w.Errorf("%s (-want +got):\n%s", store, diff)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	w := setup(t)
	all := many(600)
	gone := removed(plugin("gone", 2))
	w.publish(append(all, gone)...)
	w.start()
	w.drained()
	c := meilisearch.New(w.meili.URL, meilisearch.WithAPIKey(w.meili.Key))
	index := c.Index(searchdoc.IndexPlugins)
	task := func(task *meilisearch.TaskInfo, err error) {
		t.Helper()
		if err == nil {
			_, err = c.WaitForTaskWithContext(t.Context(), task.TaskUID, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("stores in step have no difference", func(t *testing.T) {
		found := w.check()
		w.want(found, events.StoreSearch, events.StoreCheck{Catalog: 600, Held: 600})
		w.want(found, events.StoreCache, events.StoreCheck{Catalog: 601, Held: 601})
	})
	t.Run("what is missing, older, newer or should not be there is found and mended", func(t *testing.T) {
		extra := uuid.NewString()
		task(index.DeleteDocumentsWithContext(t.Context(), []string{all[0].ID, all[1].ID, all[2].ID}, nil))
		task(index.UpdateDocumentsWithContext(t.Context(), []map[string]any{
			{"id": all[3].ID, "revision": 0}, {"id": all[4].ID, "revision": 9}, {"id": extra, "revision": 1, "schema": searchdoc.Schema}, {"id": "nonsense", "revision": 1, "schema": searchdoc.Schema},
		}, nil))
		w.redis.Client.Del(t.Context(), cache.IDKey(all[5].ID), cache.SlugKey(all[5].Slug), cache.IDKey(all[6].ID))
		w.redis.Client.HSet(t.Context(), cache.IDKey(all[7].ID), "rev", 0)
		w.redis.Client.HSet(t.Context(), cache.IDKey(all[8].ID), "rev", 12)
		w.redis.Client.HSet(t.Context(), cache.IDKey(extra), "rev", 1, "status", 404, "location", "", "body", "")
		found := w.check()
		w.want(found, events.StoreSearch, events.StoreCheck{Catalog: 600, Held: 599, Missing: 3, Older: 1, Newer: 1, Extra: 2, Repaired: 7})
		w.want(found, events.StoreCache, events.StoreCheck{Catalog: 601, Held: 600, Missing: 2, Older: 1, Newer: 1, Extra: 1, Repaired: 5})
		if got, want := found[events.StoreCache].Drift(), 3; got != want {
			t.Errorf("drift of the cache is %d, want %d: a missing page costs speed only", got, want)
		}
		found = w.check()
		w.want(found, events.StoreSearch, events.StoreCheck{Catalog: 600, Held: 600})
		w.want(found, events.StoreCache, events.StoreCheck{Catalog: 601, Held: 601})
		if got := w.page(cache.SlugKey(all[5].Slug)); got.Status != 200 {
			t.Errorf("page by slug = %d", got.Status)
		}
		w.same()
	})
	t.Run("an older announcement that pushed a newer one out of the stream is mended", func(t *testing.T) {
		p := all[10]
		p.Revision = 5
		w.catalog.commit(p) // announced, and lost
		old := p
		old.Revision = 4
		w.announce(old)
		w.drained()
		found := w.check()
		if found[events.StoreSearch].Older != 1 || found[events.StoreCache].Older != 1 {
			t.Errorf("found %+v", found)
		}
		w.same()
	})
	t.Run("a catalog that was set back is followed", func(t *testing.T) {
		p := all[11]
		p.Revision = 7
		w.publish(p)
		w.drained()
		p.Revision = 3
		w.catalog.setBack(p)
		w.check()
		w.same()
		if got := w.page(cache.IDKey(p.ID)).Revision; got != 3 {
			t.Errorf("page has revision %d, want 3", got)
		}
	})
	t.Run("changes on their way are no drift", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for revision := int64(10); ctx.Err() == nil; revision++ {
				for _, p := range all[20:40] {
					p.Revision, p.Removed = revision, revision%3 == 0
					w.publish(p)
				}
			}
		}()
		for range 5 {
			for _, s := range w.check() {
				if s.Drift() > 0 {
					t.Errorf("found %+v", s)
				}
			}
		}
		cancel()
		<-done
		w.drained()
		w.same()
	})
	t.Run("an operator gets a table", func(t *testing.T) {
		var out bytes.Buffer
		if err := indexer.Check(t.Context(), testkit.BusOn(t, w.nats), &out); err != nil {
			t.Fatal(err)
		}
		if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "STORE") {
			t.Errorf("it said\n%s", out.String())
		}
	})
}
