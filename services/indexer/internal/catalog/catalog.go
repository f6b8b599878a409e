// Package catalog asks the catalog what it holds. The events carry all that
// the indexer needs day by day; these questions are for filling a new index and
// for finding out whether anything was missed.
package catalog

import (
	"context"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/indexer/internal/change"
)

// patience bounds one question.
const patience = 20 * time.Second

// Catalog is the catalog on the other side of the bus.
type Catalog struct{ Bus *bus.Bus }

// Digests sums up what is at which revision.
func (c Catalog) Digests(ctx context.Context, k events.Kind) (events.Digests, error) {
	return ask[events.Digests](ctx, c, events.AskDigests, events.DigestsOf{Kind: k})
}

// Count says how many are live.
func (c Catalog) Count(ctx context.Context, k events.Kind) (n int, err error) {
	d, err := c.Digests(ctx, k)
	for _, part := range d.Live {
		n += part.Count
	}
	return n, err
}

// Revisions lists a bucket.
func (c Catalog) Revisions(ctx context.Context, k events.Kind, bucket int) (all []events.Revision, err error) {
	for after := ""; ; {
		part, err := ask[[]events.Revision](ctx, c, events.AskRevisions, events.RevisionsOf{Kind: k, Bucket: bucket, After: after})
		all = append(all, part...)
		if err != nil || len(part) < events.MaxRevisions {
			return all, err
		}
		after = part[len(part)-1].ID
	}
}

// After gives states from after an id on, and where to ask on, "" at the end.
func (c Catalog) After(ctx context.Context, k events.Kind, id string) ([]change.Change, string, error) {
	s, err := ask[events.States](ctx, c, events.AskStates, events.StatesOf{Kind: k, After: id})
	return change.OfStates(s), s.Next, err
}

// States gives the states of the ids that the catalog knows.
func (c Catalog) States(ctx context.Context, k events.Kind, ids []string) (all []change.Change, err error) {
	for after := ""; ; {
		s, err := ask[events.States](ctx, c, events.AskStates, events.StatesOf{Kind: k, IDs: ids, After: after})
		all = append(all, change.OfStates(s)...)
		if after = s.Next; err != nil || after == "" {
			return all, err
		}
	}
}

// Announced returns when everything is announced that is committed now, or
// with an Unavailable error after d.
func (c Catalog) Announced(ctx context.Context, d time.Duration) error {
	began := time.Now()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		o, err := ask[events.Outbox](ctx, c, events.AskOutbox, events.OutboxOf{})
		switch since := time.Since(began); {
		case err != nil:
			return err
		case o.Rows == 0 || o.Seconds < since.Seconds():
			return nil
		case since > d:
			return errs.New(errs.Unavailable, "%d changes wait in the outbox, the oldest for %.0f s", o.Rows, o.Seconds)
		}
		bus.Pause(ctx, pause)
	}
}

func ask[A any](ctx context.Context, c Catalog, subject string, question any) (A, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return bus.Ask[A](ctx, c.Bus, subject, question)
}
