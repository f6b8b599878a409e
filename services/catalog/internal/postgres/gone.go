package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

const (
	// goneOnHost counts the marketplaces of a host that were listed, and those
	// among them that went within the last week, held ones too.
	goneOnHost = `
		SELECT count(*)::int, (count(*) FILTER (WHERE gone_at > $2::timestamptz - interval '7 days'))::int
		FROM marketplaces
		WHERE split_part(key, '/', 1) = $1 AND listed_at IS NOT NULL AND retired_at IS NULL
			AND (gone_at IS NULL OR gone_at > $2::timestamptz - interval '7 days')`
	markGone = `
		UPDATE marketplaces
		SET state = 'failed', last_error = $2, failed_at = $3, gone_at = coalesce(gone_at, $3), names = '{}', listed_at = $3, held_names = NULL
		WHERE id = $1`
	holdGone = `
		UPDATE marketplaces
		SET state = 'held', last_error = $2 || ' More than a fifth of the marketplaces there went within a week, so nothing was removed until it is confirmed.',
			failed_at = $3, scanned_at = $3, gone_at = coalesce(gone_at, $3), held_names = '{}'
		WHERE id = $1`
)

// applyGone removes the plugins of a marketplace whose repository is gone. Many
// at once on one host are no evidence: that is what a token looks like that may
// see less than before. They wait for ConfirmScan, as a listing does that
// shrank. What is held once stays so.
func applyGone(ctx context.Context, tx pgx.Tx, m marketplaceRow, f plugpack.Failure) (Outcome, error) {
	var listed, gone int
	if err := tx.QueryRow(ctx, goneOnHost, f.Key.Host(), f.ObservedAt).Scan(&listed, &gone); err != nil {
		return "", err
	}
	reason := plugpack.Cut(plugpack.Clean(f.Reason), plugpack.MaxDescription/2)
	if m.HeldNames != nil || m.GoneAt.IsZero() && gone > 0 && (gone+1)*5 > listed {
		_, err := tx.Exec(ctx, holdGone, m.ID, reason, f.ObservedAt)
		return Held, err
	}
	if _, err := tx.Exec(ctx, markGone, m.ID, reason, f.ObservedAt); err != nil {
		return "", err
	}
	removed, err := removeAll(ctx, tx, m.ID, f.ObservedAt)
	if err != nil {
		return "", err
	}
	return Applied, announce(ctx, tx, removed)
}
