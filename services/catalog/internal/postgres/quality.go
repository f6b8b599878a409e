package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// scores gives nil, and not the scores of an empty report, where there is none.
func scores(q *plugpack.Quality) map[plugpack.Maintenance]int {
	if q == nil {
		return nil
	}
	return q.Scores()
}

// withoutTexts gives what lists and pages say of documents.
func withoutTexts(d plugpack.Documents) plugpack.Documents {
	for _, doc := range []**plugpack.Document{&d.Readme, &d.Changelog} {
		if *doc != nil {
			bare := **doc
			bare.Text = ""
			*doc = &bare
		}
	}
	return d
}

func textOf(d *plugpack.Document) *string {
	if d == nil {
		return nil
	}
	return &d.Text
}

// maxExcerpt is how much of a readme goes with lists and announcements. Search
// takes less, after it was cleaned.
const maxExcerpt = 1000

func excerpt(d *plugpack.Document) *string {
	if d == nil || d.Text == "" {
		return nil
	}
	text := plugpack.Cut(d.Text, maxExcerpt)
	return &text
}

// Report is what the catalog keeps of a look at a plugin's files.
type Report struct {
	Security *plugpack.Security
	Quality  *plugpack.Quality
}

const selectReport = `SELECT f.security, f.quality FROM plugin_facts f WHERE f.plugin_id = $1::uuid`

// Report gives the security scan and the quality report of the plugin with the
// id; each is nil where there is none.
func (s *Store) Report(ctx context.Context, id string) (r Report, err error) {
	err = s.pool.QueryRow(ctx, selectReport, id).Scan(&r.Security, &r.Quality)
	return r, classify("report of plugin "+id, err)
}

const selectDocuments = `SELECT f.documents, f.readme, f.changelog FROM plugin_facts f WHERE f.plugin_id = $1::uuid`

// Documents gives the documents of the plugin with the id, texts and all.
func (s *Store) Documents(ctx context.Context, id string) (plugpack.Documents, error) {
	var (
		d                 *plugpack.Documents
		readme, changelog *string
	)
	if err := s.pool.QueryRow(ctx, selectDocuments, id).Scan(&d, &readme, &changelog); err != nil {
		return plugpack.Documents{}, classify("documents of plugin "+id, err)
	}
	if d == nil {
		return plugpack.Documents{}, nil
	}
	if d.Readme != nil && readme != nil {
		d.Readme.Text = *readme
	}
	if d.Changelog != nil && changelog != nil {
		d.Changelog.Text = *changelog
	}
	return *d, nil
}

// ageRepositories moves repositories on to the state of maintenance that they
// are in at now, and announces their plugins, whose pages and scores show it.
func (s *Store) ageRepositories(ctx context.Context, now time.Time) error {
	for {
		keys, err := s.overdue(ctx, now)
		if err != nil || len(keys) == 0 {
			return classify("age repositories", err)
		}
		for _, k := range keys {
			err := s.tx(ctx, "age "+string(k), func(tx pgx.Tx) error { return age(ctx, tx, k, now) })
			if err != nil {
				return err
			}
		}
	}
}

// Repositories that were stored before there were states are overdue too.
const selectOverdue = `
	SELECT m.key
	FROM marketplaces m JOIN repositories r ON r.id = m.repository_id
	WHERE m.retired_at IS NULL AND (
		r.maintenance = 'active' AND r.pushed_at <= $1
		OR r.maintenance = 'maintained' AND r.pushed_at <= $2
		OR r.maintenance = 'slow' AND r.pushed_at <= $3
		OR r.maintenance = 'unknown' AND (r.archived OR r.pushed_at IS NOT NULL))
	ORDER BY m.key
	LIMIT 200`

func (s *Store) overdue(ctx context.Context, now time.Time) ([]plugpack.MarketplaceKey, error) {
	ended := func(m plugpack.Maintenance) time.Time { return now.Add(-m.Lasts()) }
	rows, err := s.pool.Query(ctx, selectOverdue, ended(plugpack.Active), ended(plugpack.Maintained), ended(plugpack.Slow))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[plugpack.MarketplaceKey])
}

const (
	selectPushed = `
		SELECT m.id::text, coalesce(r.pushed_at, '0001-01-01Z'), r.archived
		FROM marketplaces m JOIN repositories r ON r.id = m.repository_id
		WHERE m.key = $1`
	updateMaintenance = `
		UPDATE repositories SET maintenance = $2 FROM marketplaces m
		WHERE m.id = $1 AND repositories.id = m.repository_id`
)

// age locks the marketplace like every other writer and looks again: another
// catalog, or a listing, may have moved it meanwhile.
func age(ctx context.Context, tx pgx.Tx, k plugpack.MarketplaceKey, now time.Time) error {
	if err := lock(ctx, tx, k); err != nil {
		return err
	}
	var (
		id string
		r  plugpack.Repository
	)
	if err := tx.QueryRow(ctx, selectPushed, string(k)).Scan(&id, &r.PushedAt, &r.Archived); err != nil {
		return err
	}
	m := r.MaintenanceAt(now)
	if _, err := tx.Exec(ctx, updateMaintenance, id, m); err != nil {
		return err
	}
	ids, err := collectIDs(tx.Query(ctx, followMaintenance, id, m, now))
	if err != nil {
		return err
	}
	return announce(ctx, tx, ids)
}

const followMaintenance = `
	UPDATE plugins p SET revision = revision + 1, updated_at = greatest(updated_at, $3),
		score = coalesce((f.scores ->> $2)::int, -1)
	FROM plugin_facts f
	WHERE p.marketplace_id = $1 AND p.removed_at IS NULL AND f.plugin_id = p.id
	RETURNING p.id::text`
