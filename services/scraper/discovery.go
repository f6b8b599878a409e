package scraper

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/services/scraper/internal/discover"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// DiscoveryInterval is the time from one search for marketplaces to the next, 0
// for none.
type DiscoveryInterval time.Duration

// UnmarshalText reads a duration, or "off".
func (i *DiscoveryInterval) UnmarshalText(b []byte) error {
	if string(b) == "off" || string(b) == "" {
		*i = 0
		return nil
	}
	d, err := time.ParseDuration(string(b))
	if err == nil && d != 0 && (d < time.Hour || d > 720*time.Hour) {
		err = errors.New("out of bounds")
	}
	*i = DiscoveryInterval(d)
	return err
}

// String gives it as it is written.
func (i DiscoveryInterval) String() string {
	if i == 0 {
		return "off"
	}
	return time.Duration(i).String()
}

// discover searches for marketplaces, on one scraper at a time, until ctx ends.
func (s *Scraper) discover(ctx context.Context, store *state.Store) error {
	switch {
	case s.DiscoveryInterval == 0:
		return nil
	case s.GitHubToken == "":
		s.Log.Info("discovery is off: GitHub's code search wants a token, set GITHUB_TOKEN for it")
		return nil
	}
	memory, err := discover.OpenMemory(ctx, s.Bus.JetStream())
	if err != nil {
		return err
	}
	d := discover.New(discover.Config{
		Client: s.clients.Usual(), Host: s.clients.UsualHost(), Memory: memory, States: store, Excluded: s.optOuts.Excluded,
		Publish: s.Bus.Publish, Interval: time.Duration(s.DiscoveryInterval), Log: s.Log, Now: s.Now,
		Wait:    func(ctx context.Context, d time.Duration) error { bus.Pause(ctx, d); return ctx.Err() },
		Metrics: discover.NewMetrics(s.Metrics),
	})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Bus.Lead(ctx, "discovery", d.Run) })
	g.Go(func() error { return d.Listen(ctx, s.Bus) })
	return g.Wait()
}
