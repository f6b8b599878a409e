// Command indexer writes catalog changes to the search engine and the cache.
package main

import (
	"context"
	"fmt"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/indexer"
)

func main() { service.Main("indexer", run) }

func run(ctx context.Context, p *service.Process) error {
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
	pages, search := cache.NewRedis(redis), indexer.NewSearch(cfg)

	x := indexer.New(indexer.Deps{Bus: b, Pages: pages, Search: search, Log: p.Log})
	p.Ready("nats", b.Ping)
	p.Ready("redis", pages.Ping)
	if search != nil {
		p.Ready("meilisearch", search.Ping)
	}
	return p.Serve(ctx, cfg.Port, nil, x.Run)
}
