package scraper

import (
	"context"
	"fmt"

	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/fetch"
	"github.com/plugpack/plugpack/services/scraper/internal/origin"
)

// External begins to fetch what the checkout's marketplace lists outside of its
// repository, as a scan does, and gives what to read it with, nil where it lists
// nothing; step hears of each place that is waited for. Of opt-outs only those in
// the operator's file are known. Close ends it.
func (c *Checkout) External(ctx context.Context, origins []marketplace.Origin, step func(string)) (marketplace.Opener, error) {
	if len(origins) == 0 {
		return nil, nil
	}
	s, err := New(c.options, Deps{Log: c.log})
	if err != nil {
		return nil, err
	}
	temp, err := archive.OpenTemp("")
	if err != nil {
		return nil, err
	}
	keeper := origin.New(origin.Config{
		Fetch: fetch.New(s.clients, temp, s.Log, s.Now), Alone: alone, Temp: temp, Log: s.Log, Now: s.Now, Excluded: s.optOuts.Excluded,
	})
	visit := keeper.Visit(ctx, c.Key, origins, true)
	c.closers = append(c.closers, temp.Close, func() error { visit.Close(); return nil })
	asked := map[marketplace.Origin]bool{}
	return func(o marketplace.Origin) (marketplace.Files, error) {
		asked[o] = true
		step(fmt.Sprintf("fetching %d of %d", len(asked), len(origins)))
		return visit.Open(o)
	}, nil
}

// alone runs f where there is nobody else.
func alone(ctx context.Context, _ string, f func(ctx context.Context) error) error { return f(ctx) }
