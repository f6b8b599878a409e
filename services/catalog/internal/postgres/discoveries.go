package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

const upsertDiscovery = `
	INSERT INTO discoveries (method, found, total, slices, incomplete, started_at, finished_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (method) DO UPDATE SET
		found = excluded.found, total = excluded.total, slices = excluded.slices, incomplete = excluded.incomplete,
		started_at = excluded.started_at, finished_at = excluded.finished_at
	WHERE discoveries.finished_at < excluded.finished_at`

// ApplyDiscovery stores how complete a search was, unless a newer one by the
// same method is known.
func (s *Store) ApplyDiscovery(ctx context.Context, d plugpack.Discovery) (Outcome, error) {
	done, err := s.pool.Exec(ctx, upsertDiscovery, d.Method, d.Found, d.Total, d.Slices, d.Incomplete, d.StartedAt, d.FinishedAt)
	switch {
	case err != nil:
		return "", classify("apply the end of search "+d.Method, err)
	case done.RowsAffected() == 0:
		return Older, nil
	}
	return Applied, nil
}

// Discoveries gives the last search by each method, by its name.
func (s *Store) Discoveries(ctx context.Context) ([]plugpack.Discovery, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT method, found, total, slices, incomplete, started_at, finished_at FROM discoveries ORDER BY method`)
	if err != nil {
		return nil, classify("list searches", err)
	}
	ds, err := pgx.CollectRows(rows, pgx.RowToStructByName[plugpack.Discovery])
	return ds, classify("list searches", err)
}
