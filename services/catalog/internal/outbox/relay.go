// Package outbox publishes the store's outbox rows on the CATALOG stream.
//
// The store inserts the rows in the transaction that they announce. The relay
// publishes the oldest first, waits until the stream has them, and deletes
// them. A crash in between publishes again: the message id or the revision
// absorbs that. One relay works at a time; the others wait for its lock.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const (
	batch = 100
	// poll finds rows whose notification was lost, and how soon a waiting relay
	// takes over from one that died.
	poll = time.Second
	// patience is how long one batch may take: a connection may hang.
	patience = 2 * time.Minute
)

// Relay publishes outbox rows.
type Relay struct {
	bus   *bus.Bus
	store *postgres.Store
	log   *slog.Logger
}

// New makes a relay.
func New(b *bus.Bus, store *postgres.Store, log *slog.Logger) *Relay {
	return &Relay{bus: b, store: store, log: log}
}

// Run relays until ctx ends. A database or a NATS server that is away is
// waited for.
func (r *Relay) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := r.relay(ctx)
		if err != nil && !errors.Is(err, postgres.ErrTaken) && ctx.Err() == nil {
			r.log.WarnContext(ctx, "outbox relay stopped, trying again", "err", err)
		}
		bus.Pause(ctx, poll)
	}
	return nil
}

func (r *Relay) relay(ctx context.Context) error {
	openCtx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o, err := r.store.OpenOutbox(openCtx)
	if err != nil {
		return err
	}
	defer o.Close()
	for {
		sent, err := r.send(ctx, o)
		if err != nil {
			return err
		}
		if sent == batch {
			continue
		}
		if err := o.Wait(ctx, poll); err != nil {
			return err
		}
	}
}

// send publishes the oldest rows side by side and deletes those that arrived.
// Side by side is safe: a plugin's rows have growing revisions, and the stream
// may only end with the newest, so rows of one subject go in order.
func (r *Relay) send(ctx context.Context, o *postgres.Outbox) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ms, err := o.Oldest(ctx, batch)
	if err != nil || len(ms) == 0 {
		return 0, err
	}
	g, publishCtx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, group := range bySubject(ms) {
		g.Go(func() error {
			for _, m := range group {
				// A scan that waits already is not queued a second time.
				if err := r.bus.Publish(publishCtx, m); err != nil && errs.KindOf(err) != errs.Conflict {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	ids := make([]string, len(ms))
	for i, m := range ms {
		ids[i] = m.ID
	}
	return len(ms), o.Delete(ctx, ids)
}

// bySubject groups messages and keeps the order within each group.
func bySubject(ms []events.Message) map[string][]events.Message {
	groups := map[string][]events.Message{}
	for _, m := range ms {
		groups[m.Subject] = append(groups[m.Subject], m)
	}
	return groups
}
