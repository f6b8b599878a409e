// Package catalog is the service that owns Postgres: it applies what scrapers
// saw, announces what it committed, and answers the public REST API.
package catalog

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/catalog/internal/answer"
	"github.com/plugpack/plugpack/services/catalog/internal/intake"
	"github.com/plugpack/plugpack/services/catalog/internal/loadtest"
	"github.com/plugpack/plugpack/services/catalog/internal/outbox"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
	"github.com/plugpack/plugpack/services/catalog/internal/rest"
	"github.com/plugpack/plugpack/services/catalog/internal/rest/live"
	"github.com/plugpack/plugpack/services/catalog/internal/search"
	"github.com/plugpack/plugpack/services/catalog/internal/status"
	"github.com/plugpack/plugpack/services/catalog/internal/upkeep"
)

// Durable names the catalog's consumer of the PLUGIN stream.
const Durable = intake.Durable

// Config is what the catalog reads from the environment.
type Config struct {
	service.Config
	Options
	DatabaseURL config.URL `env:"DATABASE_URL,required,notEmpty" doc:"Postgres database of the catalog." want:"an address such as postgres://user:password@host/database"`
	NATSURL     config.URL `env:"NATS_URL,required,notEmpty" doc:"NATS server with JetStream." want:"an address such as nats://host:4222"`

	MeilisearchURL    config.URL    `env:"MEILISEARCH_URL" doc:"Meilisearch server to ask first; without it search runs on Postgres." want:"an address such as http://host:7700"`
	MeilisearchAPIKey config.Secret `env:"MEILISEARCH_API_KEY" doc:"Key for Meilisearch; required if its address is set." want:"a key that may search the index \"plugins\" and read its statistics"`
}

// OperationsConfig is what the commands read that work on the database alone.
type OperationsConfig struct {
	LogLevel    slog.Level `env:"LOG_LEVEL" envDefault:"info" doc:"Least level that is logged." want:"debug, info, warn or error"`
	DatabaseURL config.URL `env:"DATABASE_URL,required,notEmpty" doc:"Postgres database of the catalog." want:"an address such as postgres://user:password@host/database"`
}

// Deps are what the catalog works with.
type Deps struct {
	DB  *pgxpool.Pool
	Bus *bus.Bus
	Log *slog.Logger
	// Meilisearch is the search engine, if there is one; the catalog only reads.
	Meilisearch struct{ URL, Key string }
	Metrics     prometheus.Registerer // nil: nobody reads them
}

func (d Deps) search(store *postgres.Store) *search.Search {
	if d.Meilisearch.URL == "" {
		return search.New(search.InDatabase{Store: store}, nil, d.Log)
	}
	return search.New(search.InDatabase{Store: store}, search.NewMeili(d.Meilisearch.URL, d.Meilisearch.Key, store), d.Log)
}

// Catalog is the running service.
type Catalog struct {
	bus    *bus.Bus
	store  *postgres.Store
	intake *intake.Intake
	relay  *outbox.Relay
	upkeep *upkeep.Upkeep
	rest   http.Handler
	feed   *live.Feed
}

// OpenDB opens a pool as the catalog needs it.
func OpenDB(ctx context.Context, url string) (*pgxpool.Pool, error) { return postgres.Open(ctx, url) }

// New makes a catalog on a migrated database.
func New(o Options, d Deps) *Catalog {
	store, feed := postgres.New(d.DB, d.Log), live.New(d.Bus)
	public := o.rest(feed)
	if d.Metrics != nil {
		d.Metrics.MustRegister(outbox.Metrics{Waiting: store.Waiting})
	}
	public.Status = status.Status{Bus: d.Bus, Store: store, Now: time.Now}.Get
	return &Catalog{
		feed: feed, bus: d.Bus, store: store, intake: intake.New(d.Bus, store, d.Log), relay: outbox.New(d.Bus, store, d.Log),
		upkeep: upkeep.New(store, d.Log), rest: rest.New(public, store, d.search(store), d.Log),
	}
}

// Handler answers REST.
func (c *Catalog) Handler() http.Handler { return c.rest }

// Run applies and announces events until ctx ends.
func (c *Catalog) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.intake.Run(ctx) })
	g.Go(func() error { return c.relay.Run(ctx) })
	context.AfterFunc(ctx, c.feed.Stop)
	g.Go(func() error { return c.upkeep.Run(ctx) })
	g.Go(func() error { return answer.Run(ctx, c.bus, c.store) })
	return g.Wait()
}

// Republish announces every plugin again: a lost cache or search index fills
// itself from that.
func Republish(ctx context.Context, db *pgxpool.Pool, log *slog.Logger, progress func(done int)) error {
	return postgres.New(db, log).Republish(ctx, progress)
}

// ConfirmScan applies the removals of a marketplace that its guard held back.
func ConfirmScan(ctx context.Context, db *pgxpool.Pool, log *slog.Logger, k plugpack.MarketplaceKey) (removed int, err error) {
	return postgres.New(db, log).ConfirmScan(ctx, k)
}

// LoadTestData puts n made-up plugins into an empty catalog, always the same
// ones.
func LoadTestData(ctx context.Context, db *pgxpool.Pool, log *slog.Logger, n int, progress func(done int)) error {
	store := postgres.New(db, log)
	known, err := store.CountPlugins(ctx, postgres.Filter{})
	if err != nil {
		return err
	}
	if known > 0 {
		return errs.New(errs.Conflict, "the catalog holds %d plugins; load test data wants a database of its own", known)
	}
	var tiers error
	err = loadtest.Load(ctx, loadtest.New(n, time.Now()), store, func(done int) {
		progress(done)
		tiers = cmp.Or(tiers, store.RefreshTiers(ctx)) // as upkeep does beside an intake
	})
	if err := cmp.Or(err, tiers, store.RefreshTiers(ctx)); err != nil {
		return err
	}
	return store.RefreshWords(ctx)
}
