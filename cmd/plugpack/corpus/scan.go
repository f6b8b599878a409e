package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper"
)

// workers is how many repositories are fetched and read side by side, as by a
// scraper.
const workers = 4

// effort is what scanning cost.
type effort struct {
	sync.Mutex
	repositories, rejected, plugins int
	read                            int
	busy, waited                    time.Duration // of all workers together
}

// benchScan fetches and reads every repository once, with nothing behind it, and
// says how long that took and how much of it went by waiting for the network.
func benchScan(ctx context.Context, gh *gitHub, repositories []string) error {
	var o scraper.Options
	o.GitHubAPIURL, o.GitHubToken = config.URL(gh.url), token
	var s effort
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, name := range repositories {
		g.Go(func() error { return s.scan(ctx, o, name) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	wall := time.Since(start)
	fmt.Printf("%d repositories (%d of them no marketplace that the client takes), %d plugins of which %d were read, by %d workers: %.1f s, %.0f plugins a second\n",
		s.repositories, s.rejected, s.plugins, s.read, workers, wall.Seconds(), float64(s.plugins)/wall.Seconds())
	fmt.Printf("the workers were busy for %.1f s together, %.0f%% of it waiting for the network\n", s.busy.Seconds(), 100*s.waited.Seconds()/s.busy.Seconds())
	return nil
}

func (s *effort) scan(ctx context.Context, o scraper.Options, name string) error {
	start := time.Now()
	c, err := scraper.Open(ctx, o, slog.New(slog.NewTextHandler(io.Discard, nil)), plugpack.NewMarketplaceKey("github.com", name), "", func(string) {})
	if err != nil {
		return fmt.Errorf("fetch %s: %w", name, err)
	}
	defer c.Close()
	plugins, read, rejected := 0, 0, 0
	content, err := marketplace.Read(c.Input)
	if _, ok := errors.AsType[*marketplace.Rejected](err); ok {
		rejected = 1
	} else if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	} else {
		for p := range content.Plugins(nil) {
			plugins++
			if p.Facts.State == plugpack.StateRead {
				read++
			}
		}
	}
	s.Lock()
	defer s.Unlock()
	s.repositories, s.rejected, s.plugins, s.read = s.repositories+1, s.rejected+rejected, s.plugins+plugins, s.read+read
	s.busy, s.waited = s.busy+time.Since(start), s.waited+c.Waited
	return nil
}
