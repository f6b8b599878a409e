package indexer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
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
	nats  *nats.Server
	bus   *bus.Bus
	redis *testkit.RedisServer
	pages cache.Pages
	meili *testkit.MeilisearchServer
}

func setup(t *testing.T) *world {
	w := &world{T: t, nats: testkit.NATS(t), redis: testkit.Redis(t), meili: testkit.Meilisearch(t)}
	w.bus = testkit.BusOn(t, w.nats)
	w.pages = cache.NewRedis(w.redis.Client)
	return w
}

func (w *world) search() indexer.Search {
	return indexer.NewSearch(indexer.Config{MeilisearchURL: config.URL(w.meili.URL), MeilisearchAPIKey: config.Secret(w.meili.Key)})
}

// start runs an indexer with a connection of its own until stop is called.
func (w *world) start(search indexer.Search) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	x := indexer.New(indexer.Deps{Bus: testkit.BusOn(w, w.nats), Pages: w.pages, Search: search, Log: testkit.Log(w)})
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("indexer: %v", err)
		}
	})
	w.Cleanup(stop)
	return stop
}

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

// publish announces plugins as the catalog does.
func (w *world) publish(plugins ...plugpack.Plugin) {
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

// drained waits until the consumer has nothing left to do.
func (w *world) drained() {
	w.Helper()
	testkit.Eventually(w, "every message handled", func(ctx context.Context) bool {
		drained, err := w.bus.Drained(ctx, events.StreamCatalog, indexer.Durable)
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
	stop := w.start(w.search())
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
		w.publish(plugin("deploy", 2))
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
		w.publish(old)
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
		if n := w.dead(); n != 2 {
			t.Errorf("%d dead letters, want 2", n)
		}
	})
	t.Run("what changed while no indexer ran is caught up", func(t *testing.T) {
		stop()
		p.Revision = 7
		w.publish(p)
		w.start(w.search())
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
	w.start(nil)
	p := plugin("deploy", 1)
	w.publish(p)
	w.drained()
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
		w.start(w.search())
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
		w.start(w.search())
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
		w.start(w.search())
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
		w.start(w.search())
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
		w.start(&picky{Search: w.search(), refuse: all[7].ID})
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

func (s *picky) Write(ctx context.Context, docs []searchdoc.Document, deletes []string) error {
	for _, d := range docs {
		if d.ID == s.refuse {
			d.ID = "not an id"
			return s.Search.Write(ctx, append(docs, d), deletes)
		}
	}
	return s.Search.Write(ctx, docs, deletes)
}

func TestOneIndexerWorks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var active [2]counting
	stop := w.start(&active[0])
	w.publish(plugin("a", 1))
	w.drained()
	w.start(&active[1])
	w.publish(plugin("b", 1))
	w.drained()
	if n := active[1].writes(); n != 0 {
		t.Errorf("the spare wrote %d times", n)
	}
	stop()
	w.publish(plugin("c", 1))
	testkit.Eventually(w, "the spare takes over", func(context.Context) bool { return active[1].writes() > 0 })
	w.drained()
	if n := active[0].writes() + active[1].writes(); n != 3 {
		t.Errorf("%d writes, want 3", n)
	}
}

// counting is a search engine that only counts.
type counting struct {
	mu sync.Mutex
	n  int
}

func (c *counting) Ensure(context.Context, func(context.Context) error) error     { return nil }
func (c *counting) Revisions(context.Context, []string) (map[string]int64, error) { return nil, nil }
func (c *counting) Ping(context.Context) error                                    { return nil }
func (c *counting) Write(_ context.Context, docs []searchdoc.Document, _ []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += len(docs)
	return nil
}

func (c *counting) writes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// Redelivery after a crash: the messages come again although their effects are
// there already.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.pages = local.NewCache()
	stop := w.start(w.search())
	for i := range 50 {
		w.publish(plugin(fmt.Sprintf("p%d", i%10), int64(1+i/10)))
	}
	w.drained()
	stop()
	if err := w.bus.JetStream().DeleteConsumer(t.Context(), events.StreamCatalog, indexer.Durable); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Fatal(err)
	}
	w.start(w.search())
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
