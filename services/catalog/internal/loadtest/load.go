package loadtest

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const (
	// together is how many events are applied in one transaction, and a little
	// more: a scan is not divided, or its plugins could come before their listing
	// and be written twice.
	together = 500
	// told is after how many plugins progress is told.
	told = 2000
)

// Load puts the world into a store, as the intake would, and tells progress now
// and then.
func Load(ctx context.Context, w World, store *postgres.Store, progress func(plugins int)) error {
	g, ctx := errgroup.WithContext(ctx)
	batches := make(chan []postgres.Event)
	var done atomic.Int64
	for range 2 { // one is made ready while the other is written
		g.Go(func() error {
			for batch := range batches {
				if _, err := store.Apply(ctx, batch); err != nil {
					return err
				}
				plugins := observations(batch)
				if n := done.Add(plugins); n/told > (n-plugins)/told {
					progress(int(n))
				}
			}
			return nil
		})
	}
	g.Go(func() error { return deal(ctx, w, batches) })
	return g.Wait()
}

func observations(batch []postgres.Event) (n int64) {
	for _, e := range batch {
		if e.Observation != nil {
			n++
		}
	}
	return n
}

// deal gives the world out in batches.
func deal(ctx context.Context, w World, batches chan<- []postgres.Event) error {
	defer close(batches)
	var batch []postgres.Event
	give := func() error {
		select {
		case batches <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for s := range w.Scans() {
		batch = append(batch, postgres.Event{Listing: &s.Listing})
		for i := range s.Observations {
			batch = append(batch, postgres.Event{Observation: &s.Observations[i]})
		}
		if len(batch) < together {
			continue
		}
		if err := give(); err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return give()
}
