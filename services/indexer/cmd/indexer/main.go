// Command indexer writes catalog changes to the search engine and the cache.
//
//	indexer [serve]     keep both in step
//	indexer rebuild     ask the active indexer to build the search indexes anew
//	indexer check       ask it to compare both with the catalog, mend and report
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/indexer"
)

func main() { service.Main("indexer", run) }

func run(ctx context.Context, p *service.Process) error {
	args := os.Args[1:]
	if len(args) == 0 || len(args) == 1 && args[0] == "serve" {
		return serve(ctx, p)
	}
	return operate(ctx, p, args)
}

func serve(ctx context.Context, p *service.Process) error {
	var cfg indexer.Config
	if err := p.LoadConfig(&cfg); err != nil {
		return err
	}
	redis, err := cache.Connect(string(cfg.RedisURL))
	if err != nil {
		return err
	}
	defer func() { _ = redis.Close() }()
	b, err := bus.Connect(ctx, string(cfg.NATSURL), "indexer", p.Log)
	if err != nil {
		return fmt.Errorf("open bus: %w", err)
	}
	defer b.Close()
	pages := cache.NewRedis(redis)

	x := indexer.New(cfg.Options, indexer.Deps{
		Bus: b, Pages: pages, MeilisearchURL: string(cfg.MeilisearchURL), MeilisearchKey: string(cfg.MeilisearchAPIKey),
		Log: p.Log, Metrics: p.Metrics,
	})
	p.Ready("nats", b.Ping)
	p.Ready("redis", pages.Ping)
	if cfg.MeilisearchURL != "" {
		p.Ready("meilisearch", x.PingSearch)
	}
	p.Degraded("stores", x.Degraded)
	return p.Serve(ctx, cfg.Port, nil, x.Run)
}

// operate runs the commands that ask the active indexer.
func operate(ctx context.Context, p *service.Process, args []string) error {
	var cfg indexer.OperationsConfig
	if err := p.LoadConfig(&cfg); err != nil {
		return err
	}
	b, err := bus.Connect(ctx, string(cfg.NATSURL), "indexer", p.Log)
	if err != nil {
		return fmt.Errorf("open bus: %w", err)
	}
	defer b.Close()
	switch {
	case len(args) == 1 && args[0] == "rebuild":
		return indexer.Rebuild(ctx, b, os.Stdout)
	case len(args) == 1 && args[0] == "check":
		return indexer.Check(ctx, b, os.Stdout)
	}
	return errs.New(errs.Invalid, "usage: indexer [serve | rebuild | check]")
}
