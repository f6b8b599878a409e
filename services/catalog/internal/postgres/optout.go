package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// OptedOut is the outcome of an event about what is not to be shown.
const OptedOut Outcome = "opted out"

// ApplyOptOut removes what o covers, here and as the origin of other
// marketplaces' plugins, and keeps it from coming back: every later event is
// held against the opt-outs, so that it does not depend on a scraper that
// remembers. No guard holds it up: it is asked for, not inferred. See ADR 0005.
func (s *Store) ApplyOptOut(ctx context.Context, o plugpack.OptOut) (outcome Outcome, err error) {
	err = s.tx(ctx, "apply opt-out of "+o.Name, func(tx pgx.Tx) error {
		// Whoever has found no opt-out yet ends first, so that what he lists is seen.
		if _, err := tx.Exec(ctx, lockOptOuts); err != nil {
			return err
		}
		reason := plugpack.Cut(plugpack.Clean(o.Reason), plugpack.MaxDescription)
		if _, err := tx.Exec(ctx, insertOptOut, o.Name, reason, o.At, o.Host, o.HostID); err != nil {
			return err
		}
		marketplaces, err := collectKeys(tx.Query(ctx, coveredMarketplaces, o.Name, o.Host, o.HostID))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, retireOptedOut, o.Name, o.Host, o.HostID, o.At); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, markRepositories, o.Name, o.Host, o.HostID, o.At); err != nil {
			return err
		}
		removed, err := collectIDs(tx.Query(ctx, removeOptedOut, o.Name, marketplaces, o.At))
		if err != nil {
			return err
		}
		outcome = Applied
		return announce(ctx, tx, removed)
	})
	return outcome, err
}

func collectKeys(rows pgx.Rows, err error) ([]plugpack.MarketplaceKey, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[plugpack.MarketplaceKey])
}

const (
	insertOptOut = `
		INSERT INTO opt_outs (name, reason, since, host, host_id) VALUES ($1, $2, $3, $4, nullif($5::bigint, 0))
		ON CONFLICT (name) DO UPDATE SET host = excluded.host, host_id = excluded.host_id WHERE opt_outs.host_id IS NULL`

	// coveredKeys compares a key, host/owner/repo, with a name as
	// plugpack.OptOutNames does.
	coveredKeys = `(m.key NOT LIKE 'local/%' AND $1 IN (m.key, substr(m.key, strpos(m.key, '/') + 1), split_part(m.key, '/', 2))
		OR $3::bigint <> 0 AND r.host = $2 AND r.host_id = $3)`

	coveredMarketplaces = `
		SELECT m.key FROM marketplaces m LEFT JOIN repositories r ON r.id = m.repository_id
		WHERE ` + coveredKeys + ` ORDER BY m.key`
	retireOptedOut = `
		UPDATE marketplaces SET retired_at = greatest(retired_at, $4), scanned_at = greatest(scanned_at, $4), held_names = NULL
		WHERE id IN (SELECT m.id FROM marketplaces m LEFT JOIN repositories r ON r.id = m.repository_id WHERE ` + coveredKeys + `)`
	markRepositories = `
		UPDATE repositories SET opted_out_at = coalesce(opted_out_at, $4)
		WHERE id IN (SELECT r.id FROM marketplaces m JOIN repositories r ON r.id = m.repository_id WHERE ` + coveredKeys + `)`
	removeOptedOut = `
		UPDATE plugins p SET revision = revision + 1, removed_at = $3, observed_at = greatest(observed_at, $3), updated_at = greatest(updated_at, $3)
		FROM plugin_facts f, marketplaces m
		WHERE f.plugin_id = p.id AND m.id = p.marketplace_id AND p.removed_at IS NULL
			AND (m.key = ANY ($2::text[])
				OR split_part(f.origin, '/', 1) LIKE '%.%'
					AND lower($1) IN (lower(split_part(f.origin, '/', 2)),
						lower(split_part(f.origin, '/', 2) || '/' || split_part(f.origin, '/', 3)),
						lower(split_part(f.origin, '/', 1) || '/' || split_part(f.origin, '/', 2) || '/' || split_part(f.origin, '/', 3))))
		RETURNING p.id::text`

	isOptedOut = `
		SELECT EXISTS (SELECT FROM opt_outs WHERE name = ANY ($1) OR host = $2 AND host_id = $3)
			OR EXISTS (SELECT FROM repositories WHERE host = $2 AND host_id = $3 AND opted_out_at IS NOT NULL)
			OR $3::bigint = 0 AND EXISTS (SELECT FROM marketplaces WHERE key = $4 AND opted_out_at IS NOT NULL)`
)

// optedOut says whether an opt-out covers the marketplace with the key.
// repository is what the host says of the marketplace's, as far as it is known;
// else the last listing under that key decides whose it is.
func optedOut(ctx context.Context, tx pgx.Tx, k plugpack.MarketplaceKey, repository plugpack.Repository) (yes bool, err error) {
	err = tx.QueryRow(ctx, isOptedOut, plugpack.OptOutNames(k), repository.Host, repository.HostID, string(k)).Scan(&yes)
	return yes, err
}

const refuseMarketplace = `
	UPDATE marketplaces SET opted_out_at = $2, retired_at = greatest(retired_at, $2), scanned_at = greatest(scanned_at, $2), held_names = NULL
	WHERE id = $1`

// refuse keeps what an opt-out covers from coming in by the observations of the
// listing's scan, or by those that came before it: they know only the name,
// which may be a new one. Another repository may take the name over, and is
// another marketplace then. It gives the ids of the plugins that it removed.
func refuse(ctx context.Context, tx pgx.Tx, l plugpack.Listing) ([]string, error) {
	m, found, err := marketplaceByKey(ctx, tx, l.Key)
	if err != nil || found && l.ObservedAt.Before(m.ScannedAt) {
		return nil, err
	}
	var removed []string
	switch {
	case found && m.HostID != nil && *m.HostID != l.Repository.HostID:
		if removed, err = retire(ctx, tx, m, l.ObservedAt); err != nil {
			return nil, err
		}
	case found:
		if removed, err = removeAll(ctx, tx, m.ID, l.ObservedAt); err != nil {
			return nil, err
		}
	}
	if m, err = marketplaceFor(ctx, tx, l.Key); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, refuseMarketplace, m.ID, l.ObservedAt)
	return removed, err
}
