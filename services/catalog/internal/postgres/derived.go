package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	derivedVersion = `SELECT version FROM derived WHERE name = $1`
	putDerived     = `
		INSERT INTO derived (name, version, made_at) VALUES ($1, $2, now())
		ON CONFLICT (name) DO UPDATE SET version = excluded.version, made_at = excluded.made_at`
	claimDerived = `
		INSERT INTO derived (name, version, made_at) VALUES ($1, 0, now())
		ON CONFLICT (name) DO UPDATE SET made_at = now() WHERE derived.made_at < now() - $2::interval`
)

// Claim says whether the work called name was last begun longer ago than every,
// and notes that it is begun now. Of several who ask, one is told so.
func (s *Store) Claim(ctx context.Context, name string, every time.Duration) (bool, error) {
	tag, err := s.pool.Exec(ctx, claimDerived, name, every)
	return tag.RowsAffected() > 0, classify("claim "+name, err)
}

// Reindex writes all of plugin_index anew when the database holds that of
// another version of this program.
func (s *Store) Reindex(ctx context.Context) error {
	var version int
	err := s.pool.QueryRow(ctx, derivedVersion, "plugin_index").Scan(&version)
	if err == nil && version == indexVersion {
		return nil
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return classify("read the index's version", err)
	}
	if err := s.indexSteps(ctx, time.Now(), allIDsAfter); err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, putDerived, "plugin_index", indexVersion)
	return classify("note the index's version", err)
}

// Age brings what the passing of time changes up to now: the repositories'
// maintenance with the scores that depend on it, and in plugin_index trend and
// with all of them weight.
func (s *Store) Age(ctx context.Context, now time.Time) error {
	if err := s.ageRepositories(ctx, now); err != nil {
		return err
	}
	return s.indexSteps(ctx, now, agedIDsAfter, now)
}
