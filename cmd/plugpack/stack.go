package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/local"
	"github.com/plugpack/plugpack/libs/local/nats"
	"github.com/plugpack/plugpack/libs/local/postgres"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog"
	"github.com/plugpack/plugpack/services/gateway"
	"github.com/plugpack/plugpack/services/indexer"
	"github.com/plugpack/plugpack/services/scraper"
)

// stack is the four services and what they stand on, in one process.
type stack struct {
	cfg     Config
	log     *slog.Logger
	nats    *nats.Server // nil when NATS_URL names one
	bus     *bus.Bus
	handler http.Handler
	loops   []func(context.Context) error
	closers []func() // in the order of opening; closed in the other
}

// startStack opens the dependencies, from the bottom up, and makes the
// services on them. say tells a person what takes time.
func startStack(ctx context.Context, cfg Config, log *slog.Logger, metrics prometheus.Registerer, say func(string)) (_ *stack, err error) {
	s := &stack{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := makeData(cfg.Data); err != nil {
		return nil, err
	}
	db, err := s.openDatabase(ctx, say)
	if err != nil {
		return nil, err
	}
	if err := s.openBus(ctx); err != nil {
		return nil, err
	}
	pages, limiter, err := s.openCache(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.SampleDir, err = writeSample(cfg.Data); err != nil {
		return nil, err
	}
	// Only this machine's users reach the bus, unless NATS_URL leads elsewhere.
	cfg.AnyFolder = cfg.NATSURL == ""

	deps := catalog.Deps{DB: db, Bus: s.bus, Log: log.With("service", "catalog"), Metrics: metrics}
	deps.Meilisearch.URL, deps.Meilisearch.Key = string(cfg.MeilisearchURL), string(cfg.MeilisearchAPIKey)
	cat := catalog.New(cfg.Catalog, deps)
	scr, err := scraper.New(cfg.Options, scraper.Deps{Bus: s.bus, Log: log.With("service", "scraper"), Metrics: metrics})
	if err != nil {
		return nil, err
	}
	ind := indexer.New(cfg.Indexer, indexer.Deps{
		Bus: s.bus, Pages: pages, MeilisearchURL: string(cfg.MeilisearchURL), MeilisearchKey: string(cfg.MeilisearchAPIKey),
		Log: log.With("service", "indexer"),
	})
	gw, err := gateway.New(cfg.Gateway, gateway.Deps{Catalog: cat.Handler(), Pages: pages, Responses: pages, Limiter: limiter, Log: log.With("service", "gateway")})
	if err != nil {
		return nil, err
	}
	s.handler = gw.Handler()
	s.loops = append(s.loops, cat.Run, scr.Run, ind.Run)
	return s, nil
}

// Run runs the services' loops until ctx ends or one of them fails.
func (s *stack) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, loop := range s.loops {
		g.Go(func() error { return loop(ctx) })
	}
	return g.Wait()
}

// Close closes everything, the last opened first.
func (s *stack) Close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}

func (s *stack) onClose(f func()) { s.closers = append(s.closers, f) }

const databaseName = "plugpack"

func (s *stack) openDatabase(ctx context.Context, say func(string)) (*pgxpool.Pool, error) {
	url := string(s.cfg.DatabaseURL)
	if url == "" {
		say("starting the database")
		pg, err := postgres.Start(ctx, postgres.Options{Dir: databaseDir(s.cfg.Data), Log: s.log.With("service", "postgres")})
		if errors.Is(err, postgres.ErrInUse) {
			return nil, errs.New(errs.Conflict, "PLUGPACK_DATA: %w", err)
		}
		if err != nil {
			return nil, err
		}
		s.onClose(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
			defer cancel()
			if err := pg.Stop(ctx); err != nil {
				s.log.Warn("stop the database", "err", err)
			}
		})
		s.loops = append(s.loops, func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return nil
			case <-pg.Done():
				return errs.New(errs.Unavailable, "the private database ended by itself; start plugpack again")
			}
		})
		if err := createDatabase(ctx, pg.URL("postgres")); err != nil {
			return nil, err
		}
		url = pg.URL(databaseName)
	}
	if err := migrations.Up(ctx, url); err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	db, err := catalog.OpenDB(ctx, url)
	if err != nil {
		return nil, err
	}
	s.onClose(db.Close)
	return db, nil
}

func databaseDir(data string) string { return filepath.Join(data, "pg") }

// createDatabase makes the catalog's database in the private cluster.
func createDatabase(ctx context.Context, admin string) error {
	db, err := pgxpool.New(ctx, admin)
	if err != nil {
		return fmt.Errorf("open the private database: %w", err)
	}
	defer db.Close()
	var exists bool
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, databaseName).Scan(&exists); err != nil {
		return fmt.Errorf("open the private database: %w", err)
	}
	if !exists {
		if _, err := db.Exec(ctx, `CREATE DATABASE `+databaseName); err != nil {
			return fmt.Errorf("make the private database: %w", err)
		}
	}
	return nil
}

func (s *stack) openBus(ctx context.Context) (err error) {
	if s.cfg.NATSURL != "" {
		if s.bus, err = bus.Connect(ctx, string(s.cfg.NATSURL), "plugpack", s.log); err == nil {
			s.onClose(s.bus.Close)
		}
		return err
	}
	if s.nats, err = nats.Start(ctx, nats.Options{Dir: filepath.Join(s.cfg.Data, "nats"), Socket: socketPath(s.cfg.Data)}); err != nil {
		return errs.New(errs.KindOf(err), "PLUGPACK_DATA: %w", err)
	}
	s.onClose(s.nats.Stop)
	nc, err := s.nats.Connect(bus.Options("plugpack", s.log)...)
	if err != nil {
		return fmt.Errorf("connect to the built-in NATS server: %w", err)
	}
	if s.bus, err = bus.New(ctx, nc, s.log); err != nil {
		nc.Close()
		return err
	}
	s.onClose(s.bus.Close)
	return nil
}

// socketPath is where a running plugpack takes scan requests from the same
// user. The system's limit for such paths is about a hundred bytes; with a
// longer data folder there is none, and plugpack scan says so.
func socketPath(data string) string {
	path := filepath.Join(data, "nats.sock")
	if len(path) > 100 {
		return ""
	}
	return path
}

func (s *stack) openCache(ctx context.Context) (indexer.Pages, gateway.Limiter, error) {
	if s.cfg.RedisURL == "" {
		pages, limiter := local.NewCache(), local.NewLimiter(time.Now)
		s.onClose(pages.Close)
		s.onClose(limiter.Close)
		return pages, limiter, nil
	}
	client, err := cache.Connect(string(s.cfg.RedisURL))
	if err != nil {
		return nil, nil, err
	}
	s.onClose(func() { _ = client.Close() })
	pages := cache.NewRedis(client)
	if err := pages.Ping(ctx); err != nil {
		return nil, nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	return pages, gateway.NewRedisLimiter(client), nil
}

// writeSample puts the built-in sample marketplace into the data folder, where
// the scraper reads it like any other folder.
func writeSample(data string) (string, error) {
	dir := filepath.Join(data, "sample")
	if err := copyFS(dir, sampleFiles, "sample"); err != nil {
		return "", errs.New(errs.Invalid, "PLUGPACK_DATA: %w", err)
	}
	return dir, nil
}
