package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Event is a listing or an observation.
type Event struct {
	Listing     *plugpack.Listing
	Observation *plugpack.Observation
}

func (e Event) marketplace() plugpack.MarketplaceKey {
	if e.Listing != nil {
		return e.Listing.Key
	}
	return e.Observation.Marketplace
}

// Apply applies events one after the other but in one transaction: all or none.
// A plugin that several of them change is announced once, as they leave it.
func (s *Store) Apply(ctx context.Context, events []Event) (outcomes []Outcome, err error) {
	what := fmt.Sprintf("apply %d events from %s on", len(events), events[0].marketplace())
	if o := events[0].Observation; len(events) == 1 && o != nil {
		what = "apply " + o.Key().String()
	}
	err = s.tx(ctx, what, func(tx pgx.Tx) error {
		if err := lockAll(ctx, tx, events); err != nil {
			return err
		}
		b := batch{}
		for i, e := range events {
			outcome, err := b.event(ctx, tx, e, events[i:])
			if err != nil {
				return err
			}
			outcomes = append(outcomes, outcome)
		}
		if err := b.finish(ctx, tx); err != nil {
			return err
		}
		return followAll(ctx, tx, events, outcomes)
	})
	for i, outcome := range outcomes {
		if err == nil && outcome == Held {
			s.log.ErrorContext(ctx, "listing held: it would remove too much; run catalog confirm-scan if that is right",
				"marketplace", events[i].Listing.Key, "names", len(events[i].Listing.Names))
		}
	}
	return outcomes, err
}

// lockAll takes the marketplaces' locks in one order, or two batches could wait
// for each other.
func lockAll(ctx context.Context, tx pgx.Tx, events []Event) error {
	var keys []plugpack.MarketplaceKey
	for _, e := range events {
		keys = append(keys, e.marketplace())
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		if err := lock(ctx, tx, k); err != nil {
			return err
		}
	}
	return nil
}

// batch collects what events of one transaction have in common.
type batch struct {
	rows    map[string]pluginRow // of known plugins, by key; nil: to be read
	changed []string             // ids, to be announced
	touched []string             // ids of unchanged plugins, with the times
	times   []time.Time          // at which they were seen
}

// event applies the first of the events that are left.
func (b *batch) event(ctx context.Context, tx pgx.Tx, e Event, left []Event) (Outcome, error) {
	if e.Listing != nil {
		return b.list(ctx, tx, *e.Listing)
	}
	if b.rows == nil {
		rows, err := pluginRows(ctx, tx, observed(left))
		if err != nil {
			return "", err
		}
		b.rows = rows
	}
	return b.apply(ctx, tx, *e.Observation)
}

// observed gives the observations at the beginning of events.
func observed(events []Event) (os []plugpack.Observation) {
	for _, e := range events {
		if e.Observation == nil {
			break
		}
		os = append(os, *e.Observation)
	}
	return os
}

// list applies a listing, which sees what came before it and may move or remove
// what was read ahead.
func (b *batch) list(ctx context.Context, tx pgx.Tx, l plugpack.Listing) (Outcome, error) {
	if err := b.touch(ctx, tx); err != nil {
		return "", err
	}
	outcome, changed, err := applyListing(ctx, tx, l)
	b.rows, b.changed = nil, append(b.changed, changed...)
	return outcome, err
}

// touch stores the clocks of the unchanged.
func (b *batch) touch(ctx context.Context, tx pgx.Tx) error {
	if len(b.touched) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, touchPlugins, b.touched, b.times)
	b.touched, b.times = nil, nil
	return err
}

func (b *batch) finish(ctx context.Context, tx pgx.Tx) error {
	if err := b.touch(ctx, tx); err != nil {
		return err
	}
	slices.Sort(b.changed)
	return announce(ctx, tx, slices.Compact(b.changed))
}
