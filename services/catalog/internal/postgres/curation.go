package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// CurationChange is what a curator changes; nil leaves it as it is.
type CurationChange struct {
	Featured   *bool
	Verified   *bool
	Official   *bool
	Deprecated *string // "" takes it back
	Hidden     *string
}

const (
	putCuration = `
		INSERT INTO curation AS c (plugin_id, featured, verified, official, deprecated, hidden, updated_at)
		VALUES ($1, coalesce($2, false), coalesce($3, false), coalesce($4, false), coalesce($5, ''), coalesce($6, ''), $7)
		ON CONFLICT (plugin_id) DO UPDATE SET
			featured = coalesce($2, c.featured), verified = coalesce($3, c.verified), official = coalesce($4, c.official),
			deprecated = coalesce($5, c.deprecated), hidden = coalesce($6, c.hidden), updated_at = $7
		RETURNING featured, verified, official, deprecated, hidden`
	lockPlugin = `SELECT key FROM plugins WHERE id = $1::uuid FOR NO KEY UPDATE`
	// A row that its own transaction writes twice has its marketplace looked up,
	// which may be a scan's that waits for this row.
	copyCuration = `UPDATE plugins SET revision = revision + 1, featured = $2, verified = $3, hidden = $4 WHERE id = $1`

	// A change of what people say of a plugin gives it a revision and leaves the
	// time of its last change by a scan alone. It also keeps a scan or a rename
	// of the same plugin waiting until this transaction ends.
	raiseRevision = `UPDATE plugins SET revision = revision + 1 WHERE id = $1::uuid RETURNING key, removed_at IS NOT NULL`
)

// raise locks the plugin and gives it a new revision.
func raise(ctx context.Context, tx pgx.Tx, id string) (key string, removed bool, err error) {
	err = tx.QueryRow(ctx, raiseRevision, id).Scan(&key, &removed)
	return key, removed, noPlugin(err, id)
}

func noPlugin(err error, id string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errs.New(errs.NotFound, "no plugin has the id %s", id)
	}
	return err
}

// Curate changes what curators say of a plugin.
func (s *Store) Curate(ctx context.Context, by Actor, id string, c CurationChange, at time.Time) (now plugpack.Curation, err error) {
	err = s.tx(ctx, "curate plugin", func(tx pgx.Tx) error {
		var key string
		if err := tx.QueryRow(ctx, lockPlugin, id).Scan(&key); err != nil {
			return noPlugin(err, id)
		}
		row := tx.QueryRow(ctx, putCuration, id, c.Featured, c.Verified, c.Official, c.Deprecated, c.Hidden, at)
		if err := row.Scan(&now.Featured, &now.Verified, &now.Official, &now.Deprecated, &now.Hidden); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, copyCuration, id, now.Featured, now.Verified, now.Hidden != ""); err != nil {
			return err
		}
		if err := audit(ctx, tx, by, "plugin.curated", "plugin:"+key, map[string]any{"now": now}); err != nil {
			return err
		}
		return announce(ctx, tx, []string{id})
	})
	return now, err
}
