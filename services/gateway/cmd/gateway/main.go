// Command gateway is the public door to the catalog.
package main

import (
	"context"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/gateway"
)

func main() { service.Main("gateway", run) }

func run(ctx context.Context, p *service.Process) error {
	var cfg gateway.Config
	if err := p.LoadConfig(&cfg); err != nil {
		return err
	}
	redis, err := cache.Connect(string(cfg.RedisURL))
	if err != nil {
		return err
	}
	defer func() { _ = redis.Close() }()
	catalog, err := gateway.NewProxy(cfg.CatalogURL, p.Log)
	if err != nil {
		return err
	}

	pages := cache.NewRedis(redis)
	g, err := gateway.New(cfg.Options, gateway.Deps{
		Catalog: catalog, Pages: pages, Responses: pages, Limiter: gateway.NewRedisLimiter(redis), Log: p.Log,
	})
	if err != nil {
		return err
	}
	// Redis is not asked: without it the gateway is slower, but ready.
	p.Ready("catalog", catalog.Ping)
	return p.Serve(ctx, cfg.Port, g.Handler())
}
