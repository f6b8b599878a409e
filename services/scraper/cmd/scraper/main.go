// Command scraper reads plugin marketplaces and publishes what it saw.
package main

import (
	"context"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/scraper"
)

func main() { service.Main("scraper", run) }

func run(ctx context.Context, p *service.Process) error {
	var cfg scraper.Config
	if err := p.LoadConfig(&cfg); err != nil {
		return err
	}
	b, err := bus.Connect(ctx, string(cfg.NATSURL), "scraper", p.Log)
	if err != nil {
		return err
	}
	defer b.Close()
	s, err := scraper.New(cfg.Options, scraper.Deps{Bus: b, Log: p.Log, Metrics: p.Metrics})
	if err != nil {
		return err
	}
	p.Ready("nats", b.Ping)
	return p.Serve(ctx, cfg.Port, nil, s.Run)
}
