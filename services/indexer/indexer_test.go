package indexer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/local"
	"github.com/plugpack/plugpack/libs/local/nats"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/indexer"
)

// world is one test's servers and what the test does to them.
type world struct {
	*testing.T
	nats    *nats.Server
	bus     *bus.Bus
	redis   *testkit.RedisServer
	pages   indexer.Pages
	meili   *testkit.MeilisearchServer
	catalog *committed
}

func setup(t *testing.T) *world {
	w := &world{T: t, nats: testkit.NATS(t), redis: testkit.Redis(t), meili: testkit.Meilisearch(t)}
	w.bus = testkit.BusOn(t, w.nats)
	w.pages = w.redis.Pages(t)
	w.catalog = answering(t, w.bus)
	return w
}

// start runs an indexer with a connection of its own until stop is called.
func (w *world) start(change ...func(*indexer.Deps)) (stop func()) {
	_, stop = w.startOne(change...)
	return stop
}

func (w *world) startOne(change ...func(*indexer.Deps)) (x *indexer.Indexer, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	d := indexer.Deps{
		Bus: testkit.BusOn(w, w.nats), Pages: w.pages, MeilisearchURL: w.meili.URL, MeilisearchKey: w.meili.Key, Log: testkit.Log(w),
	}
	for _, f := range change {
		f(&d)
	}
	x = indexer.New(indexer.Options{CheckInterval: time.Hour}, d)
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("indexer: %v", err)
		}
	})
	w.Cleanup(stop)
	return x, stop
}

func withoutSearch(d *indexer.Deps) { d.MeilisearchURL = "" }

func plugin(name string, revision int64) plugpack.Plugin {
	return plugpack.Plugin{
		ID:   uuid.NewSHA1(uuid.Nil, []byte(name)).String(),
		Name: name, Slug: "acme-tools-" + name, Revision: revision,
		Marketplace: plugpack.MarketplaceRef{ID: uuid.Nil.String(), Key: "github.com/acme/tools", Name: "acme", Repository: "acme/tools"},
		Facts:       plugpack.Facts{Description: fmt.Sprintf("revision %d of %s", revision, name), State: plugpack.StateRead},
		UpdatedAt:   time.Unix(1_800_000_000+revision, 0),
	}
}

func removed(p plugpack.Plugin) plugpack.Plugin { p.Removed = true; return p }

// publish commits plugins and announces them as the catalog does.
func (w *world) publish(plugins ...plugpack.Plugin) {
	w.Helper()
	for _, p := range plugins {
		w.catalog.publishing(p, func() { w.announce(p) })
	}
}

// announce announces plugins, whatever the catalog has.
func (w *world) announce(plugins ...plugpack.Plugin) {
	w.Helper()
	for _, p := range plugins {
		m, err := events.NewPluginChanged(uuid.NewString(), p)
		if err == nil {
			err = w.bus.Publish(w.Context(), m)
		}
		if err != nil {
			w.Fatalf("publish: %v", err)
		}
	}
}

// drained waits until the consumers have nothing left to do and no index is
// being built.
func (w *world) drained() {
	w.Helper()
	testkit.Eventually(w, "the indexes, built", func(context.Context) bool {
		return slices.Equal(w.meili.Indexes(w), []string{searchdoc.IndexPacks, searchdoc.IndexPlugins})
	})
	for _, durable := range []string{indexer.DurableCache, indexer.DurableSearch} {
		w.drainedOf(durable)
	}
}

func (w *world) drainedOf(durable string) {
	w.Helper()
	testkit.Eventually(w, "every message handled by "+durable, func(ctx context.Context) bool {
		drained, err := w.bus.Drained(ctx, events.StreamCatalog, durable)
		return err == nil && drained
	})
}

func (w *world) page(key string) cache.Page {
	w.Helper()
	p, found, err := w.pages.Get(w.Context(), key)
	if err != nil || !found {
		w.Fatalf("page %s: found %v, %v", key, found, err)
	}
	return p
}

func (w *world) revision(p plugpack.Plugin) any {
	return w.meili.Documents(w, searchdoc.IndexPlugins)[p.ID]["revision"]
}

func TestIndexer(t *testing.T) {
	w := setup(t)
	stop := w.start()
	p := plugin("deploy", 3)

	t.Run("a change reaches the pages and search", func(t *testing.T) {
		w.publish(p)
		w.drained()
		want, err := api.Marshal(api.NewPluginPage(p))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{cache.IDKey(p.ID), cache.SlugKey(p.Slug)} {
			if got := w.page(key); got.Status != 200 || got.Revision != 3 || string(got.Body) != string(want) {
				t.Errorf("page %s = %d, revision %d, %s", key, got.Status, got.Revision, got.Body)
			}
		}
		if got := w.revision(p); got != 3.0 {
			t.Errorf("search has revision %v, want 3", got)
		}
	})
	t.Run("an older revision after a newer one changes nothing", func(t *testing.T) {
		w.announce(plugin("deploy", 2))
		w.drained()
		if got := w.page(cache.SlugKey(p.Slug)).Revision; got != 3 {
			t.Errorf("page has revision %d, want 3", got)
		}
		if got := w.revision(p); got != 3.0 {
			t.Errorf("search has revision %v, want 3", got)
		}
	})
	t.Run("a rename leaves a redirect", func(t *testing.T) {
		p.Revision, p.Slug, p.Aliases = 4, "acme-tools-ship", []string{"acme-tools-deploy"}
		w.publish(p)
		w.drained()
		if got := w.page(cache.SlugKey("acme-tools-deploy")); got.Status != 301 || got.Location != "/api/plugins/slug/acme-tools-ship" {
			t.Errorf("old page = %d %s", got.Status, got.Location)
		}
		if got := w.page(cache.SlugKey("acme-tools-ship")); got.Status != 200 {
			t.Errorf("new page = %d", got.Status)
		}
	})
	t.Run("a removal is a 404 and leaves search", func(t *testing.T) {
		p.Revision = 5
		w.publish(removed(p))
		w.drained()
		for _, key := range []string{cache.IDKey(p.ID), cache.SlugKey(p.Slug), cache.SlugKey("acme-tools-deploy")} {
			if got := w.page(key); got.Status != 404 {
				t.Errorf("page %s = %d, want 404", key, got.Status)
			}
		}
		if got := w.revision(p); got != nil {
			t.Errorf("search still has revision %v", got)
		}
	})
	t.Run("a state from before the removal does not bring it back", func(t *testing.T) {
		old := p
		old.Revision = 4
		w.announce(old)
		w.drained()
		if got := w.revision(p); got != nil {
			t.Errorf("search has revision %v again", got)
		}
		if got := w.page(cache.IDKey(p.ID)); got.Status != 404 {
			t.Errorf("page = %d, want 404", got.Status)
		}
	})
	t.Run("a plugin that comes back is found again", func(t *testing.T) {
		p.Revision = 6
		w.publish(p)
		w.drained()
		if got := w.revision(p); got != 6.0 {
			t.Errorf("search has revision %v, want 6", got)
		}
	})
	t.Run("a bad message is buried alone", func(t *testing.T) {
		other := plugin("neighbour", 1)
		w.garbage("not json")
		w.garbage(`{"specversion":"1.0","id":"1","source":"x","type":"catalog.changed.plugin","datacontenttype":"application/json","data":{"id":"../x","revision":1}}`)
		w.publish(other)
		w.drained()
		if got := w.revision(other); got != 1.0 {
			t.Errorf("the neighbour is at revision %v, want 1", got)
		}
		if n := w.dead(); n != 4 { // of each store's consumer
			t.Errorf("%d dead letters, want 4", n)
		}
	})
	t.Run("what changed while no indexer ran is caught up", func(t *testing.T) {
		stop()
		p.Revision = 7
		w.publish(p)
		w.start()
		w.drained()
		if got := w.page(cache.IDKey(p.ID)).Revision; got != 7 {
			t.Errorf("page has revision %d, want 7", got)
		}
		if got := w.revision(p); got != 7.0 {
			t.Errorf("search has revision %v, want 7", got)
		}
	})
}

func (w *world) garbage(data string) {
	w.Helper()
	id := uuid.NewString()
	if err := w.bus.Publish(w.Context(), events.Message{Subject: events.SubjectPluginChanged(id), ID: id, Data: []byte(data)}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) dead() uint64 {
	w.Helper()
	s, err := w.bus.JetStream().Stream(w.Context(), events.StreamDead)
	if err != nil {
		w.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

func TestIndexerWithoutSearch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start(withoutSearch)
	p := plugin("deploy", 1)
	w.publish(p)
	w.drainedOf(indexer.DurableCache)
	if got := w.page(cache.IDKey(p.ID)); got.Status != 200 {
		t.Errorf("page = %d", got.Status)
	}
}

func TestIndexerSurvivesItsStores(t *testing.T) {
	t.Parallel()
	p := plugin("deploy", 1)
	t.Run("a failed task is tried again", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.meili.FailNext(1, "settingsUpdate", "no_space_left_on_device")
		w.meili.FailNext(2, "documentAdditionOrUpdate", "no_space_left_on_device")
		w.start()
		w.publish(p)
		w.drained()
		if got := w.revision(p); got != 1.0 {
			t.Errorf("search has revision %v, want 1", got)
		}
	})
	t.Run("pages are written while the search engine is away", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.meili.SetDown(true)
		w.start()
		w.publish(p)
		testkit.Eventually(w, "the page", func(ctx context.Context) bool {
			_, found, err := w.pages.Get(ctx, cache.IDKey(p.ID))
			return err == nil && found
		})
		w.meili.SetDown(false)
		w.drained()
		if got := w.revision(p); got != 1.0 {
			t.Errorf("search has revision %v, want 1", got)
		}
	})
	t.Run("a cache that is away gets its pages later", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.redis.Server.SetError("LOADING Redis is loading the dataset in memory")
		w.start()
		w.publish(p)
		testkit.Eventually(w, "the document", func(context.Context) bool { return w.revision(p) == 1.0 })
		w.redis.Server.SetError("")
		w.drained()
		if got := w.page(cache.IDKey(p.ID)); got.Status != 200 {
			t.Errorf("page = %d", got.Status)
		}
	})
	t.Run("a lost index is filled again from the stream", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.start()
		q := plugin("other", 4)
		w.publish(p, q)
		w.drained()
		w.meili.DropIndex(searchdoc.IndexPlugins)
		w.publish(plugin("third", 1)) // its failure tells the indexer
		testkit.Eventually(w, "all three documents", func(context.Context) bool {
			return len(w.meili.Documents(w, searchdoc.IndexPlugins)) == 3
		})
		w.drained()
	})
	t.Run("one document at fault does not hold its neighbours", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		all := make([]plugpack.Plugin, 20)
		for i := range all {
			all[i] = plugin(fmt.Sprintf("p%d", i), 1)
		}
		w.publish(all...)
		w.start(func(d *indexer.Deps) {
			d.WrapSearch = func(s indexer.Search) indexer.Search { return &picky{Search: s, refuse: all[7].ID} }
		})
		w.drained()
		if n := len(w.meili.Documents(w, searchdoc.IndexPlugins)); n != 19 {
			t.Errorf("%d documents, want 19", n)
		}
		if n := w.dead(); n != 1 {
			t.Errorf("%d dead letters, want 1", n)
		}
	})
}

// picky refuses whatever holds one document.
type picky struct {
	indexer.Search
	refuse string
}

func (s *picky) Write(ctx context.Context, uid string, docs []any, deletes []string) error {
	for _, d := range docs {
		if d, ok := d.(searchdoc.Document); ok && d.ID == s.refuse {
			d.ID = "not an id"
			return s.Search.Write(ctx, uid, append(docs, d), deletes)
		}
	}
	return s.Search.Write(ctx, uid, docs, deletes)
}

func TestOneIndexerWorks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var writes [2]atomic.Int64
	count := func(n int) func(*indexer.Deps) {
		return func(d *indexer.Deps) {
			d.WrapSearch = func(s indexer.Search) indexer.Search { return &counting{s, &writes[n]} }
		}
	}
	stop := w.start(count(0))
	w.publish(plugin("a", 1))
	w.drained()
	w.start(count(1))
	w.publish(plugin("b", 1))
	w.drained()
	if n := writes[1].Load(); n != 0 {
		t.Errorf("the spare wrote %d times", n)
	}
	stop()
	w.publish(plugin("c", 1))
	testkit.Eventually(w, "the spare takes over", func(context.Context) bool { return writes[1].Load() > 0 })
	w.drained()
	if got := w.revision(plugin("c", 1)); got != 1.0 {
		t.Errorf("search has revision %v, want 1", got)
	}
}

// counting counts writes.
type counting struct {
	indexer.Search
	n *atomic.Int64
}

func (c *counting) Write(ctx context.Context, uid string, docs []any, deletes []string) error {
	c.n.Add(1)
	return c.Search.Write(ctx, uid, docs, deletes)
}

// Redelivery after a crash: the messages come again although their effects are
// there already.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	w := setup(t)
	pages := local.NewCache()
	t.Cleanup(pages.Close)
	w.pages = pages
	stop := w.start()
	for i := range 50 {
		w.publish(plugin(fmt.Sprintf("p%d", i%10), int64(1+i/10)))
	}
	w.drained()
	stop()
	for _, durable := range []string{indexer.DurableCache, indexer.DurableSearch} {
		if err := w.bus.JetStream().DeleteConsumer(t.Context(), events.StreamCatalog, durable); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			t.Fatal(err)
		}
	}
	w.start()
	w.drained()
	docs := w.meili.Documents(w, searchdoc.IndexPlugins)
	if len(docs) != 10 {
		t.Errorf("%d documents, want 10", len(docs))
	}
	for i := range 10 {
		p := plugin(fmt.Sprintf("p%d", i), 5)
		if docs[p.ID]["revision"] != 5.0 || w.page(cache.IDKey(p.ID)).Revision != 5 {
			t.Errorf("%s is at revision %v in search", p.Name, docs[p.ID]["revision"])
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	ok := []string{"NATS_URL=nats://h:4222", "REDIS_URL=redis://h:6379"}
	for _, tt := range []struct {
		name    string
		environ []string
		want    string // in the error; "" for none
	}{
		{"without a search engine", ok, ""},
		{"with one", append(ok, "MEILISEARCH_URL=http://h:7700", "MEILISEARCH_API_KEY=k"), ""},
		{"without its key", append(ok, "MEILISEARCH_URL=http://h:7700"), "MEILISEARCH_API_KEY"},
		{"without NATS", ok[1:], "NATS_URL"},
		{"without Redis", ok[:1], "REDIS_URL"},
		{"with a bad address", append(ok, "MEILISEARCH_URL=meili", "MEILISEARCH_API_KEY=k"), "MEILISEARCH_URL: want"},
		{"with a bad port", append(ok, "PORT=99999"), "PORT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var cfg indexer.Config
			err := config.LoadFrom(&cfg, tt.environ)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("error %v, want one line with %s", err, tt.want)
			}
		})
	}
}

func TestPacks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start()
	pack := plugpack.Pack{
		ID: uuid.NewString(), Slug: "release-day", Revision: 2, Published: true, PackText: plugpack.PackText{Name: "Release day", Tags: []string{"release"}},
		Plugins: []plugpack.PackPlugin{{Name: "deploy"}}, UpdatedAt: time.Unix(1_800_000_000, 0),
	}
	announce := func(p plugpack.Pack) any {
		t.Helper()
		m, err := events.NewPackChanged(uuid.NewString(), p)
		if err == nil {
			err = w.bus.Publish(t.Context(), m)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.drained()
		return w.meili.Documents(t, searchdoc.IndexPacks)[p.ID]["revision"]
	}
	if got := announce(pack); got != 2.0 {
		t.Errorf("search has revision %v, want 2", got)
	}
	pack.Revision, pack.Published = 3, false
	if got := announce(pack); got != nil {
		t.Errorf("a pack that is not published is found, at revision %v", got)
	}
	if n := w.dead(); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}
