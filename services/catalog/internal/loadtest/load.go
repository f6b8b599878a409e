package loadtest

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// together is how many plugins are written in one transaction.
const together = 500

// Load puts the world into a store and tells progress now and then.
func Load(ctx context.Context, w World, store *postgres.Store, progress func(plugins int)) error {
	g, ctx := errgroup.WithContext(ctx)
	listings := make(chan plugpack.Listing)
	batches := make(chan []plugpack.Observation)
	for range 3 {
		g.Go(func() error { return listAll(ctx, store, listings) })
	}
	var done atomic.Int64
	g.Go(func() error {
		for batch := range batches {
			if _, err := store.ApplyObservations(ctx, batch); err != nil {
				return err
			}
			if n := done.Add(int64(len(batch))); n/10_000 > (n-int64(len(batch)))/10_000 {
				progress(int(n))
			}
		}
		return nil
	})
	g.Go(func() error { return deal(ctx, w, listings, batches) })
	return g.Wait()
}

func listAll(ctx context.Context, store *postgres.Store, listings <-chan plugpack.Listing) error {
	for l := range listings {
		if _, err := store.ApplyListing(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// deal gives the world out. A batch waits until the listings of its plugins are
// written: a listing that comes later would write its plugins again.
func deal(ctx context.Context, w World, listings chan<- plugpack.Listing, batches chan<- []plugpack.Observation) error {
	defer close(listings)
	defer close(batches)
	var waiting []plugpack.Observation
	for s := range w.Scans() {
		select {
		case listings <- s.Listing:
		case <-ctx.Done():
			return ctx.Err()
		}
		waiting = append(waiting, s.Observations...)
		for len(waiting) >= 2*together { // the newest are those whose listings may be under way
			select {
			case batches <- waiting[:together:together]:
				waiting = waiting[together:]
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	for len(waiting) > 0 {
		n := min(len(waiting), together)
		select {
		case batches <- waiting[:n:n]:
			waiting = waiting[n:]
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
