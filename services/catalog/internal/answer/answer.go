// Package answer answers the indexer's questions about what the catalog holds:
// it compares its stores with that and fills a new search index from it. The
// questions come over NATS, which both are connected to anyway, so no address
// has to be known and nobody outside can ask. Any catalog may answer.
package answer

import (
	"context"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// patience bounds one answer.
const patience = 30 * time.Second

// Run answers until ctx ends.
func Run(ctx context.Context, b *bus.Bus, store *postgres.Store) error {
	var stops []func()
	defer func() {
		for _, stop := range stops {
			stop()
		}
	}()
	add := func(stop func(), err error) error {
		if err == nil {
			stops = append(stops, stop)
		}
		return err
	}
	err := add(answer(ctx, b, events.AskDigests, func(ctx context.Context, q events.DigestsOf) (events.Digests, error) {
		return store.Digests(ctx, q.Kind)
	}))
	if err == nil {
		err = add(answer(ctx, b, events.AskRevisions, func(ctx context.Context, q events.RevisionsOf) ([]events.Revision, error) {
			return store.Revisions(ctx, q.Kind, q.Bucket, q.After)
		}))
	}
	if err == nil {
		err = add(answer(ctx, b, events.AskStates, func(ctx context.Context, q events.StatesOf) (events.States, error) {
			if q.Kind == events.KindPack {
				return store.PackStates(ctx, q.IDs, q.After)
			}
			return store.States(ctx, q.IDs, q.After)
		}))
	}
	if err == nil {
		err = add(answer(ctx, b, events.AskOutbox, func(ctx context.Context, _ events.OutboxOf) (events.Outbox, error) {
			return store.Waiting(ctx)
		}))
	}
	if err != nil {
		return errs.New(errs.Unavailable, "answer the indexer: %w", err)
	}
	<-ctx.Done()
	return nil
}

func answer[Q, A any](ctx context.Context, b *bus.Bus, subject string, f func(context.Context, Q) (A, error)) (func(), error) {
	return bus.Answer(ctx, b, subject, func(ctx context.Context, q Q) (A, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return f(ctx, q)
	})
}
