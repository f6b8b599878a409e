// Package intake takes what scrapers saw from the PLUGIN stream into the
// store, one message at a time and in the stream's order over all catalogs.
//
// The order matters because a listing is published before the observations of
// its scan: a rename moves the row before the new key arrives. What is older
// than the catalog's own knowledge is dropped by the store, so a replay of the
// stream does no harm.
package intake

import (
	"context"
	"log/slog"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Durable is the name of the intake's consumer.
const Durable = "catalog"

// patience is how long one event may take. A database whose connection hangs
// would otherwise stop the line for as long as TCP hopes.
const patience = 2 * time.Minute

// Store is where events go.
type Store interface {
	Apply(ctx context.Context, events []postgres.Event) ([]postgres.Outcome, error)
	ApplyObservation(ctx context.Context, o plugpack.Observation) (postgres.Outcome, error)
	ApplyListing(ctx context.Context, l plugpack.Listing) (postgres.Outcome, error)
	ApplyFailure(ctx context.Context, f plugpack.Failure) (postgres.Outcome, error)
	ApplyOptOut(ctx context.Context, o plugpack.OptOut) (postgres.Outcome, error)
	ApplyDiscovery(ctx context.Context, d plugpack.Discovery) (postgres.Outcome, error)
}

// Intake applies events to a store.
type Intake struct {
	bus   *bus.Bus
	store Store
	log   *slog.Logger
	ahead ahead
}

// New makes an intake.
func New(b *bus.Bus, store Store, log *slog.Logger) *Intake {
	in := &Intake{bus: b, store: store, log: log}
	if b != nil {
		in.ahead.next = b.Ahead(events.StreamPlugin).After
	}
	return in
}

// Run applies events until ctx ends.
func (in *Intake) Run(ctx context.Context) error {
	return in.bus.Consume(ctx, bus.Subscription{Stream: events.StreamPlugin, Durable: Durable, InOrder: true}, in.Handle)
}

// Handle applies one event.
func (in *Intake) Handle(ctx context.Context, m bus.Msg) error {
	if in.ahead.has(m) {
		return nil
	}
	typ, err := events.Type(m.Data)
	if err != nil {
		return err
	}
	switch typ {
	case events.TypePluginUpdated:
		return in.applyAhead(ctx, m, func(ctx context.Context) error {
			return apply(ctx, in, m, typ, validObservation, in.store.ApplyObservation)
		})
	case events.TypeMarketplaceScanned:
		return in.applyAhead(ctx, m, func(ctx context.Context) error {
			return apply(ctx, in, m, typ, validListing, in.store.ApplyListing)
		})
	case events.TypeMarketplaceFailed:
		return apply(ctx, in, m, typ, validFailure, in.store.ApplyFailure)
	case events.TypeRepositoryOptedOut:
		return apply(ctx, in, m, typ, plugpack.OptOut.Validate, in.store.ApplyOptOut)
	case events.TypeDiscoveryFinished:
		return apply(ctx, in, m, typ, validDiscovery, in.store.ApplyDiscovery)
	}
	return errs.New(errs.Invalid, "event of type %.100q is not for the catalog", typ)
}

func apply[T any](ctx context.Context, in *Intake, m bus.Msg, typ string, valid func(T) error,
	store func(context.Context, T) (postgres.Outcome, error),
) error {
	event, err := events.Decode[T](m.Data, typ)
	if err != nil {
		return err
	}
	if err := valid(event); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	outcome, err := store(ctx, event)
	if err == nil {
		in.log.DebugContext(ctx, "event applied", "type", typ, "outcome", outcome, "sequence", m.Sequence)
	}
	return err
}

func validObservation(o plugpack.Observation) error {
	if o.Name == "" || len(o.Name) > plugpack.MaxName || o.ObservedAt.IsZero() {
		return errs.New(errs.Invalid, "observation of %.200q: want a name and a time", o.Key().String())
	}
	return o.Marketplace.Validate()
}

func validListing(l plugpack.Listing) error {
	if l.ObservedAt.IsZero() || l.Repository.Host == "" || l.Repository.FullName == "" || len(l.Names) > plugpack.MaxEntries {
		return errs.New(errs.Invalid, "listing of %.200q: want a time, a repository and at most %d names", l.Key, plugpack.MaxEntries)
	}
	return l.Key.Validate()
}

func validFailure(f plugpack.Failure) error {
	if f.ObservedAt.IsZero() {
		return errs.New(errs.Invalid, "failed scan of %.200q: want a time", f.Key)
	}
	return f.Key.Validate()
}

func validDiscovery(d plugpack.Discovery) error {
	if d.Method == "" || d.FinishedAt.IsZero() {
		return errs.New(errs.Invalid, "end of a search by %.200q: want a method and a time", d.Method)
	}
	return nil
}
