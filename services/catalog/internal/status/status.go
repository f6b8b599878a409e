// Package status says how far what readers see is behind the catalog: what
// waits in the outbox, and what the active indexer last said of its stores.
package status

import (
	"context"
	"math"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const (
	// stale is from when on an indexer's word is too old to be believed.
	stale = 30 * time.Second
	// behind is from when on a store is.
	behind = 10 * time.Second
	// patience bounds the question of the bucket.
	patience = 2 * time.Second
)

// Status asks for the state of the stores.
type Status struct {
	Bus   *bus.Bus
	Store *postgres.Store
	Now   func() time.Time
}

// Get gives the state of each store. A change that waits in the outbox waits
// for every other store too.
func (s Status) Get(ctx context.Context) (api.Status, error) {
	outbox, err := s.Store.Waiting(ctx)
	if err != nil {
		return api.Status{}, err
	}
	now := s.Now().UTC()
	out := api.Status{Stores: []api.StoreStatus{{Store: "postgres", State: "in step"}}}
	said, err := s.indexer(ctx)
	if err != nil || now.Sub(said.At) > stale {
		for _, name := range []string{events.StoreCache, events.StoreSearch} {
			out.Stores = append(out.Stores, api.StoreStatus{Store: name, State: "unknown"})
		}
		return out, nil
	}
	for _, store := range said.Stores {
		out.Stores = append(out.Stores, describe(store, outbox, now.Sub(said.At)))
	}
	return out, nil
}

func describe(s events.StoreStatus, outbox events.Outbox, age time.Duration) api.StoreStatus {
	lag := outbox.Seconds
	if s.Waiting > 0 {
		lag = max(lag, s.BehindSeconds+age.Seconds())
	}
	out := api.StoreStatus{
		Store: s.Store, State: "in step", LagSeconds: math.Round(lag*1000) / 1000, Waiting: s.Waiting + outbox.Rows,
		Drift: s.Drift, CheckedAt: s.CheckedAt, RebuiltAt: s.RebuiltAt,
	}
	switch {
	case s.Rebuilding != "":
		out.State = "rebuilding"
	case lag > behind.Seconds():
		out.State = "behind"
	}
	return out
}

// indexer gives what the active indexer last said.
func (s Status) indexer(ctx context.Context) (events.IndexerStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return events.ReadIndexerStatus(ctx, s.Bus.JetStream())
}
