// Package search answers searches from whichever engine can.
//
// With Meilisearch configured it is asked first, within a deadline. When it
// fails, is open-circuited, or its index is missing, being rebuilt or behind,
// Postgres answers the same question, and the answer says so. What is shown of a
// plugin always comes from the catalog's own rows.
package search

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Engine finds plugins and packs by text.
type Engine interface {
	// Search finds plugins and packs, the best first.
	Search(ctx context.Context, text string, f postgres.Filter, page postgres.SearchPage) (postgres.Answer, error)
	// Suggest gives names for what is being typed.
	Suggest(ctx context.Context, text string, limit int) ([]string, error)
}

// The engines' names, as answers give them.
const (
	Database    = "database"
	Meilisearch = "meilisearch"
)

const (
	// deadline leaves Postgres time to answer instead.
	deadline = 600 * time.Millisecond
	// After so many failures in a row the engine is left alone for a while.
	failures = 3
	rest     = 10 * time.Second
)

// Search asks the engines.
type Search struct {
	store   Engine
	meili   Engine // nil without one
	breaker circuitbreaker.CircuitBreaker[any]
	log     *slog.Logger
}

// New makes a search of the store alone, or, if meili is not nil, of that first.
func New(store, meili Engine, log *slog.Logger) *Search {
	s := &Search{store: store, meili: meili, log: log}
	s.breaker = circuitbreaker.NewBuilder[any]().WithFailureThreshold(failures).WithDelay(rest).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) { log.Info("search engine", "breaker", e.NewState.String()) }).
		HandleIf(func(_ any, err error) bool {
			return err != nil && errs.KindOf(err) != errs.Invalid && !errors.Is(err, context.Canceled)
		}).Build()
	return s
}

// Search finds plugins and packs and says which engine did.
func (s *Search) Search(ctx context.Context, text string, f postgres.Filter, page postgres.SearchPage) (found postgres.Answer, engine string, err error) {
	engine, err = s.first(ctx, func(ctx context.Context, e Engine) error {
		found, err = e.Search(ctx, text, f, page)
		return err
	})
	return found, engine, err
}

// Suggest gives names for what is being typed.
func (s *Search) Suggest(ctx context.Context, text string, limit int) (names []string, err error) {
	_, err = s.first(ctx, func(ctx context.Context, e Engine) error {
		names, err = e.Suggest(ctx, text, limit)
		return err
	})
	return names, err
}

// first asks Meilisearch and then, if need be, the store. A question that is
// wrong is wrong for both.
func (s *Search) first(ctx context.Context, ask func(context.Context, Engine) error) (string, error) {
	if s.meili == nil {
		return Database, ask(ctx, s.store)
	}
	err := failsafe.With[any](s.breaker).Run(func() error {
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		return ask(ctx, s.meili)
	})
	switch {
	case err == nil || errs.KindOf(err) == errs.Invalid:
		return Meilisearch, err
	case !errors.Is(err, circuitbreaker.ErrOpen) && ctx.Err() == nil:
		s.log.WarnContext(ctx, "searching in the database instead", "err", err)
	}
	return Database, ask(ctx, s.store)
}
