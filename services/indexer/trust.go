package indexer

import (
	"context"
	"slices"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
)

const (
	// lookForTrust is how soon a cache that was lost is noticed.
	lookForTrust = time.Second
	// fillStep is how many pages are asked for and written at once.
	fillStep = 200
)

// keepTrust fills the cache when it has lost its marks, until ctx ends. Without
// them a late announcement could bring a page that is older than one that
// somebody saw, and gateways know only what they gave out themselves.
func (x *Indexer) keepTrust(ctx context.Context) error {
	for ; ctx.Err() == nil; bus.Pause(ctx, lookForTrust) {
		trusted, err := x.pages.Trusted(ctx)
		if err != nil || trusted {
			continue // one that is away gives nothing either
		}
		x.filling.Store(true)
		began, written := time.Now(), 0
		err = x.pages.Restore(ctx, func(ctx context.Context) error {
			written, err = x.fillPages(ctx)
			return err
		})
		x.filling.Store(false)
		if err == nil {
			x.log.Info("the page cache was empty and is filled", "pages", written, "seconds", time.Since(began).Seconds())
		} else if ctx.Err() == nil {
			x.log.Warn("cannot fill the page cache, trying again; the catalog answers", "err", err)
		}
	}
	return nil
}

// fillPages writes the pages, and with them the marks, of everything that the
// catalog has at a newer revision than the cache.
func (x *Indexer) fillPages(ctx context.Context) (written int, err error) {
	for bucket := range events.Buckets {
		all, err := x.catalog.Revisions(ctx, events.KindPlugin, bucket)
		if err != nil {
			return written, err
		}
		ids := make([]string, len(all))
		for i, r := range all {
			ids[i] = r.ID
		}
		held, err := x.pages.Revisions(ctx, events.KindPlugin, ids)
		if err != nil {
			return written, err
		}
		var lacking []string
		for _, r := range all {
			if held[r.ID] < r.Revision {
				lacking = append(lacking, r.ID)
			}
		}
		for part := range slices.Chunk(lacking, fillStep) {
			n, err := x.pages.Set(ctx, events.KindPlugin, part, x.catalog.States)
			written += n
			if err != nil {
				return written, err
			}
		}
	}
	return written, nil
}
