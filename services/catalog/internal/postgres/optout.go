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
		if _, err := tx.Exec(ctx, insertOptOut, o.Name, plugpack.Cut(plugpack.Clean(o.Reason), plugpack.MaxDescription), o.At); err != nil {
			return err
		}
		marketplaces, err := collectKeys(tx.Query(ctx, coveredMarketplaces, o.Name, o.Host, o.HostID))
		if err != nil {
			return err
		}
		for _, k := range marketplaces {
			if err := lock(ctx, tx, k); err != nil {
				return err
			}
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
	insertOptOut = `INSERT INTO opt_outs (name, reason, since) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`

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
		SELECT EXISTS (SELECT FROM opt_outs WHERE name = ANY ($1))
			OR EXISTS (SELECT FROM repositories WHERE host = $2 AND host_id = $3 AND opted_out_at IS NOT NULL)`
)

// optedOut says whether an opt-out covers one of the repositories. repository is
// what the host says of the first, as far as it is known.
func optedOut(ctx context.Context, tx pgx.Tx, repository plugpack.Repository, keys ...plugpack.MarketplaceKey) (yes bool, err error) {
	names := []string{}
	for _, k := range keys {
		names = append(names, plugpack.OptOutNames(k)...)
	}
	err = tx.QueryRow(ctx, isOptedOut, names, repository.Host, repository.HostID).Scan(&yes)
	return yes, err
}
