package postgres

import (
	"context"
	"fmt"
	"slices"

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

// Apply applies events as if one after the other but in one transaction: all or
// none. A plugin that several of them change is announced once, as they leave it.
func (s *Store) Apply(ctx context.Context, events []Event) (outcomes []Outcome, err error) {
	what := fmt.Sprintf("apply %d events from %s on", len(events), events[0].marketplace())
	if o := events[0].Observation; len(events) == 1 && o != nil {
		what = "apply " + o.Key().String()
	}
	err = s.tx(ctx, what, func(tx pgx.Tx) error {
		if err := lockAll(ctx, tx, events); err != nil {
			return err
		}
		outcomes = nil
		b := batch{}
		for len(outcomes) < len(events) {
			some, err := b.step(ctx, tx, events[len(outcomes):])
			if err != nil {
				return err
			}
			outcomes = append(outcomes, some...)
		}
		slices.Sort(b.changed)
		if err := announce(ctx, tx, slices.Compact(b.changed)); err != nil {
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

func (s *Store) applyOne(ctx context.Context, e Event) (Outcome, error) {
	outcomes, err := s.Apply(ctx, []Event{e})
	if err != nil {
		return "", err
	}
	return outcomes[0], nil
}

// lockAll takes the marketplaces' locks in one order, or two batches could wait
// for each other.
func lockAll(ctx context.Context, tx pgx.Tx, events []Event) error {
	return lock(ctx, tx, marketplacesOf(events)...)
}

func marketplacesOf(events []Event) []plugpack.MarketplaceKey {
	keys := make([]plugpack.MarketplaceKey, len(events))
	for i, e := range events {
		keys[i] = e.marketplace()
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// batch is what one transaction changed: the ids of plugins to be announced.
type batch struct{ changed []string }

// step applies the first of the events: as many as do not depend on each other,
// or one listing that asks for more than to be written down.
func (b *batch) step(ctx context.Context, tx pgx.Tx, events []Event) ([]Outcome, error) {
	events = independent(events)
	known, err := standingOf(ctx, tx, events)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(events, func(e Event) bool { return e.Listing != nil && !known.plain(*e.Listing) })
	if n == 0 {
		outcome, changed, err := applyListing(ctx, tx, *events[0].Listing)
		b.changed = append(b.changed, changed...)
		return []Outcome{outcome}, err
	}
	if n < 0 {
		n = len(events)
	}
	return b.together(ctx, tx, events[:n], known)
}

// independent gives the first events as far as each marketplace is listed once
// and before its plugins, and each plugin and repository comes once.
func independent(events []Event) []Event {
	begun, plugins, repositories := map[plugpack.MarketplaceKey]bool{}, map[plugpack.Key]bool{}, map[hostID]bool{}
	for i, e := range events {
		switch {
		case e.Observation != nil:
			k := e.Observation.Key()
			if plugins[k] {
				return events[:i]
			}
			plugins[k] = true
		case begun[e.Listing.Key]:
			return events[:i]
		case e.Listing.Repository.HostID != 0:
			id := hostIDOf(e.Listing.Repository)
			if repositories[id] {
				return events[:i]
			}
			repositories[id] = true
		}
		begun[e.marketplace()] = true
	}
	return events
}

// together applies independent events, listings first: a marketplace's own comes
// before its plugins, and those of others have nothing to do with them.
func (b *batch) together(ctx context.Context, tx pgx.Tx, events []Event, known standing) ([]Outcome, error) {
	var heads []head
	var seen []plugpack.Observation
	for _, e := range events {
		if e.Listing != nil {
			heads = append(heads, head{known.marketplaceFor(e.Listing.Key), *e.Listing, Applied})
		} else {
			seen = append(seen, *e.Observation)
		}
	}
	changed, err := putHeads(ctx, tx, heads)
	if err != nil {
		return nil, err
	}
	b.changed = append(b.changed, changed...)
	for _, h := range heads {
		known.marketplaces[h.listing.Key] = h.after()
	}
	observed, err := b.observe(ctx, tx, seen, known)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(events))
	for i, e := range events {
		if e.Listing != nil {
			outcomes[i] = Applied
		} else {
			outcomes[i], observed = observed[0], observed[1:]
		}
	}
	return outcomes, nil
}
