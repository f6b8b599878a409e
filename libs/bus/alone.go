package bus

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
)

// Alone runs run once while this process holds the lease called name, and waits
// while another does. As with Lead, two may overlap for a moment.
func (b *Bus) Alone(ctx context.Context, name string, run func(ctx context.Context) error) error {
	l := lease{bus: b, name: name, id: uuid.NewString()}
	// Whoever needs many leases for a moment each does not make sure of all
	// streams each time.
	if kv, err := b.js.KeyValue(ctx, events.BucketLease); err == nil {
		l.kv = kv
	}
	for {
		revision, err := l.acquire(ctx)
		switch {
		case err == nil:
			done := false
			err := l.hold(ctx, revision, func(ctx context.Context) error {
				err := run(ctx)
				done = ctx.Err() == nil
				return err
			})
			if done || err != nil {
				return err
			}
		case errors.Is(err, jetstream.ErrKeyExists):
			l.waitFree(ctx)
		default:
			Pause(ctx, events.LeaseTTL/3)
		}
		if ctx.Err() != nil {
			return errs.New(errs.Unavailable, "wait for the lease %s: %w", name, ctx.Err())
		}
	}
}
