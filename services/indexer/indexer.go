// Package indexer keeps the search engine and the cached pages in step with
// the catalog. It is the only writer of both.
//
// Every message of catalog.changed is a full state with its revision, so the
// indexer is a function of its input: a repeated or late message changes
// nothing. Each store has a consumer of its own and acknowledges what it has
// applied, so one that is away holds nothing up but itself. One indexer is
// active at a time and others wait as spares; the comparison of revisions in
// each store covers the moment in which two overlap. What still goes wrong, a
// regular comparison with the catalog finds and mends.
package indexer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/indexer/internal/catalog"
	"github.com/plugpack/plugpack/services/indexer/internal/meili"
	"github.com/plugpack/plugpack/services/indexer/internal/search"
	"github.com/plugpack/plugpack/services/indexer/internal/warm"
)

// The consumers of the CATALOG stream, and the right to be the active indexer.
const (
	DurableSearch = "indexer-search"
	DurableCache  = "indexer-cache"
	Lease         = "indexer"
)

// Config is what the indexer reads from the environment.
type Config struct {
	service.Config
	Options

	NATSURL           config.URL    `env:"NATS_URL,required" doc:"NATS server with JetStream." want:"an address such as nats://host:4222"`
	RedisURL          config.URL    `env:"REDIS_URL,required" doc:"Redis server for cached pages and rate limits." want:"an address such as redis://host:6379"`
	MeilisearchURL    config.URL    `env:"MEILISEARCH_URL" doc:"Meilisearch server; without it search runs on Postgres." want:"an address such as http://host:7700"`
	MeilisearchAPIKey config.Secret `env:"MEILISEARCH_API_KEY" doc:"Key for Meilisearch; required if its address is set." want:"a key that may write the indexes \"plugins\" and \"packs\""`
}

// Options are the settings of the indexer's own behaviour.
type Options struct {
	CheckInterval time.Duration `env:"CHECK_INTERVAL" envDefault:"5m" doc:"Time from one comparison of search and cache with the catalog to the next." want:"a duration from 1s to 24h, such as 5m"`
}

// Validate checks what types cannot.
func (o Options) Validate() error {
	if o.CheckInterval < time.Second || o.CheckInterval > 24*time.Hour {
		return errs.New(errs.Invalid, "CHECK_INTERVAL: want a duration from 1s to 24h, such as 5m")
	}
	return nil
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	if c.MeilisearchURL != "" && c.MeilisearchAPIKey == "" {
		return errs.New(errs.Invalid, "MEILISEARCH_API_KEY is not set: MEILISEARCH_URL needs it")
	}
	return errors.Join(c.Config.Validate(), c.Options.Validate())
}

// Search is the search engine as the indexer needs it.
type Search = search.Engine

// Pages is the page cache as the indexer needs it.
type Pages = warm.Cache

// Deps are what the indexer works with.
type Deps struct {
	Bus   *bus.Bus
	Pages Pages
	// MeilisearchURL and its key say where search is; "" for none.
	MeilisearchURL string
	MeilisearchKey string
	Log            *slog.Logger
	Metrics        prometheus.Registerer // nil: nobody reads them
	// WrapSearch, if it is set, comes between the indexer and the search engine.
	WrapSearch func(Search) Search
}

// Indexer applies catalog changes to search and cache.
type Indexer struct {
	Options
	bus     *bus.Bus
	log     *slog.Logger
	metrics *metrics
	catalog catalog.Catalog
	pages   *warm.Writer
	// responses are moved on when dirty says so.
	responses cache.Responses
	dirty     chan struct{}

	// Of the search engine; nil where there is none.
	engine    Search
	search    *search.Writer
	rebuilder *search.Rebuilder
	// kick asks for a rebuild, with the reason.
	kick chan string

	active   atomic.Bool
	filling  atomic.Bool // the cache, which is not given until it is filled
	checking sync.Mutex
	report   report
}

// New makes an indexer.
func New(o Options, d Deps) *Indexer {
	x := &Indexer{
		Options: o, bus: d.Bus, log: d.Log, metrics: newMetrics(d.Metrics), catalog: catalog.Catalog{Bus: d.Bus},
		pages: warm.New(d.Pages), responses: d.Pages, dirty: make(chan struct{}, 1), kick: make(chan string, 1),
	}
	x.report.stores = map[string]*events.StoreStatus{events.StoreCache: {Store: events.StoreCache}}
	if d.MeilisearchURL == "" {
		return x
	}
	x.report.stores[events.StoreSearch] = &events.StoreStatus{Store: events.StoreSearch}
	x.engine = meili.New(d.MeilisearchURL, d.MeilisearchKey, x.metrics.task)
	if d.WrapSearch != nil {
		x.engine = d.WrapSearch(x.engine)
	}
	x.search = search.NewWriter(x.engine, x.seen)
	x.rebuilder = &search.Rebuilder{
		Writer: x.search, Engine: x.engine, Memory: &memory{bus: d.Bus}, Source: x.catalog,
		Compare: x.compareIndex, Log: d.Log, Begun: x.rebuildBegun, Done: x.rebuildDone,
	}
	return x
}

// Run works while this process is the active indexer, until ctx ends.
func (x *Indexer) Run(ctx context.Context) error {
	return x.bus.Lead(ctx, Lease, func(ctx context.Context) error {
		x.active.Store(true)
		defer x.active.Store(false)
		return x.lead(ctx)
	})
}

// lead runs everything that only the active indexer does.
func (x *Indexer) lead(ctx context.Context) error {
	x.forgetOldConsumer(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return x.consume(ctx, DurableCache, events.StoreCache, x.pages.Apply) })
	if x.engine != nil {
		g.Go(func() error { return x.consume(ctx, DurableSearch, events.StoreSearch, x.applySearch) })
		g.Go(func() error { return x.rebuilder.Run(ctx, lookEvery, x.kick) })
	}
	g.Go(func() error { return x.moveResponses(ctx) })
	g.Go(func() error { return x.keepTrust(ctx) })
	g.Go(func() error { return x.checkNowAndThen(ctx) })
	g.Go(func() error { return x.answer(ctx) })
	g.Go(func() error { return x.tell(ctx) })
	return g.Wait()
}

// lookEvery is how often the index itself is looked at.
const lookEvery = 10 * time.Second

// forgetOldConsumer deletes the consumer that both stores shared before each
// had its own.
func (x *Indexer) forgetOldConsumer(ctx context.Context) {
	err := x.bus.JetStream().DeleteConsumer(ctx, events.StreamCatalog, "indexer")
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		x.log.Debug("cannot delete the consumer of an earlier version", "err", err)
	}
}
