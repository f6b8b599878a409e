// Package upkeep keeps true what the store derives from its own rows.
//
// Most of it is written in the transaction of the change itself. What is left
// is what a new version of the program derives in another way, and what the
// passing of time changes. Any number of catalogs may run it: a row in the
// database says when a thing was last done.
package upkeep

import (
	"context"
	"log/slog"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// look is how often upkeep asks what is due.
const look = 30 * time.Second

// Upkeep is the running loop.
type Upkeep struct {
	store *postgres.Store
	log   *slog.Logger
}

// New makes an upkeep of store.
func New(store *postgres.Store, log *slog.Logger) *Upkeep { return &Upkeep{store: store, log: log} }

// Run works until ctx ends. A database that is away is waited for.
func (u *Upkeep) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		u.do(ctx, "rewrite the index", u.store.Reindex)
		u.do(ctx, "age the index", u.age)
		u.do(ctx, "move the floors", u.store.RefreshTiers)
		u.do(ctx, "make the words", u.store.RefreshWords)
		bus.Pause(ctx, look)
	}
	return nil
}

func (u *Upkeep) age(ctx context.Context) error {
	due, err := u.store.Claim(ctx, "age", time.Hour)
	if err != nil || !due {
		return err
	}
	return u.store.Age(ctx, time.Now())
}

func (u *Upkeep) do(ctx context.Context, what string, f func(context.Context) error) {
	if err := f(ctx); err != nil && ctx.Err() == nil {
		u.log.WarnContext(ctx, "upkeep failed, trying again", "step", what, "err", err)
	}
}
