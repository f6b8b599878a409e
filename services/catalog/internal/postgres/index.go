package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// indexVersion is raised when refreshIndex writes other rows from the same
// facts; a catalog that finds an older one in the database writes them anew.
const indexVersion = 5

// Two writers who changed twins of each other at once would each choose a
// principal without seeing the other's change.
const lockTwins = `SELECT pg_advisory_xact_lock(hashtextextended('twins', 0))`

// licenseShown is plugpack.Plugin.License.
const licenseShown = `coalesce(nullif(f.license, ''), f.documents -> 'license' ->> 'spdx', r.license, '')`

// refreshIndex writes the plugins' rows of plugin_index anew, takes away those
// of removed ones, and keeps the counts of facets true. What depends on time is
// told as of $2; docs/search.md explains trend and weight.
const refreshIndex = `
	WITH entry AS (
		SELECT p.id, coalesce(nullif(f.origin, '') || ' ' || lower(p.name), p.id::text) AS twin,
			lower(p.name) AS name, m.key AS marketplace, m.name AS marketplace_name,
			coalesce(split_part(m.key, '/', -2), '') AS owner, f.category,
			` + licenseShown + ` AS license,
			(SELECT coalesce(jsonb_object_agg(kind, n), '{}')
				FROM (SELECT c ->> 'kind' AS kind, count(*) AS n FROM jsonb_array_elements(f.components) c GROUP BY 1) k) AS counts,
			coalesce(r.maintenance, 'unknown') AS maintenance,
			p.featured, p.verified, p.stars, p.score,
			coalesce((r.stars - week.stars) / sqrt(week.stars + 20), 0) AS trend, p.first_seen, p.updated_at,
			searchable(p.name || ' ' || f.display_name) AS names,
			to_tsvector('english', searchable(array_to_string(f.keywords, ' ') || ' ' || f.category)) AS keywords,
			to_tsvector('english', searchable(f.description)) AS description,
			(SELECT searchable(coalesce(string_agg(concat_ws(' ', c ->> 'name', c ->> 'description'), E'\n'), ''))
				FROM jsonb_array_elements(f.components) c) AS components,
			searchable(left(coalesce(f.readme, ''), 30000)) AS readme
		FROM plugins p
		JOIN plugin_facts f ON f.plugin_id = p.id
		JOIN marketplaces m ON m.id = p.marketplace_id
		LEFT JOIN repositories r ON r.id = m.repository_id
		LEFT JOIN LATERAL (
			SELECT s.stars FROM repository_stats s
			WHERE s.repository_id = r.id AND s.day >= $2::timestamptz::date - 7
			ORDER BY s.day LIMIT 1
		) week ON true
		WHERE p.id = ANY ($1::uuid[]) AND p.removed_at IS NULL AND NOT p.hidden
	), weighed AS (
		SELECT e.*,
			0.5 * least(1, ln(1 + e.stars) / ln(50000))
			+ 0.3 * CASE WHEN e.score < 0 THEN 0.4 ELSE e.score / 100.0 END
			+ 0.2 * CASE e.maintenance WHEN 'active' THEN 1 WHEN 'maintained' THEN 0.9 WHEN 'slow' THEN 0.6 WHEN 'unknown' THEN 0.4 WHEN 'stale' THEN 0.2 ELSE 0 END
			+ CASE WHEN e.featured THEN 0.15 ELSE 0 END + CASE WHEN e.verified THEN 0.05 ELSE 0 END AS weight,
			n.words, setweight(n.words, 'A') || setweight(e.keywords, 'B') || setweight(e.description, 'C') AS texts
		FROM entry e, LATERAL (SELECT to_tsvector('simple', e.names) || to_tsvector('english', e.names) AS words) n
	), before AS (
		SELECT twin, category, license, marketplace, owner, maintenance, featured, verified, score, counts
		FROM plugin_index WHERE plugin_id = ANY ($1::uuid[])
	), gone AS (
		DELETE FROM plugin_index i
		WHERE i.plugin_id = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM entry e WHERE e.id = i.plugin_id)
	), put AS (
		INSERT INTO plugin_index (plugin_id, twin, name, marketplace, marketplace_name, owner, category, license, counts,
			maintenance, featured, verified, stars, score, trend, weight, tier, first_seen, updated_at, names, headline, search)
		SELECT id, twin, name, marketplace, marketplace_name, owner, category, license, counts,
			maintenance, featured, verified, stars, score, trend, weight,
			(SELECT count(*) FROM tier_floors f WHERE (e.weight::real, e.id) < (f.weight, f.plugin_id)), first_seen, updated_at, words,
			texts || setweight(to_tsvector('english', left(components, 2000)), 'D'),
			texts || setweight(to_tsvector('english', left(components, 100000) || ' ' || readme), 'D')
		FROM weighed e
		ON CONFLICT (plugin_id) DO UPDATE SET
			twin = excluded.twin, name = excluded.name, marketplace = excluded.marketplace,
			marketplace_name = excluded.marketplace_name, owner = excluded.owner, category = excluded.category,
			license = excluded.license, counts = excluded.counts, maintenance = excluded.maintenance,
			featured = excluded.featured, verified = excluded.verified, stars = excluded.stars, score = excluded.score,
			trend = excluded.trend, weight = excluded.weight, tier = excluded.tier, first_seen = excluded.first_seen,
			updated_at = excluded.updated_at, names = excluded.names, headline = excluded.headline, search = excluded.search
		RETURNING twin, category, license, marketplace, owner, maintenance, featured, verified, score, counts
	), counted AS (
		INSERT INTO facet_counts (kind, key, n)
		SELECT kind, key, sum(change)
		FROM (SELECT -1 AS change, b.* FROM before b UNION ALL SELECT 1, a.* FROM put a) x, LATERAL (
			VALUES ('all', ''), ('category', x.category), ('license', x.license), ('marketplace', x.marketplace), ('owner', x.owner),
				('maintenance', x.maintenance), ('featured', x.featured::text), ('verified', x.verified::text),
				('score', CASE WHEN x.score < 0 THEN '' ELSE (x.score / 10 * 10)::text END)
			UNION ALL SELECT 'has', jsonb_object_keys(x.counts)
		) v (kind, key)
		GROUP BY kind, key
		HAVING sum(change) <> 0
		ORDER BY kind, key
		ON CONFLICT (kind, key) DO UPDATE SET n = facet_counts.n + excluded.n
	)
	SELECT coalesce(array_agg(DISTINCT t.twin), '{}') FROM (SELECT twin FROM before UNION ALL SELECT twin FROM put) t`

// choosePrincipals marks the one of its twins that searches show: a curated
// one, else the most starred, else the first by its key, which is the same after
// a replay.
const choosePrincipals = `
	UPDATE plugin_index i SET principal = i.plugin_id = best.plugin_id
	FROM (
		SELECT DISTINCT ON (twin) twin, plugin_id
		FROM plugin_index
		WHERE twin = ANY ($1)
		ORDER BY twin, featured DESC, verified DESC, stars DESC, marketplace, plugin_id
	) best
	WHERE i.twin = best.twin AND i.principal <> (i.plugin_id = best.plugin_id)`

// index brings plugin_index up to what this transaction made of the plugins.
func index(ctx context.Context, tx pgx.Tx, ids []string, now time.Time) error {
	if _, err := tx.Exec(ctx, lockTwins); err != nil {
		return err
	}
	var twins []string
	if err := tx.QueryRow(ctx, refreshIndex, ids, now).Scan(&twins); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, choosePrincipals, twins)
	return err
}

const (
	// The rows are locked for the reason that pluginIDsAfter gives.
	allIDsAfter = `
		SELECT id::text FROM plugins
		WHERE id > $1::uuid AND removed_at IS NULL
		ORDER BY id LIMIT 500 FOR SHARE`
	agedIDsAfter = `
		SELECT i.plugin_id::text
		FROM plugin_index i
		JOIN plugins p ON p.id = i.plugin_id
		JOIN marketplaces m ON m.id = p.marketplace_id
		LEFT JOIN repositories r ON r.id = m.repository_id
		WHERE i.plugin_id > $1::uuid AND (
			i.trend <> 0
			OR i.maintenance <> coalesce(r.maintenance, 'unknown')
			OR r.stars <> (SELECT s.stars FROM repository_stats s
				WHERE s.repository_id = r.id AND s.day >= $2::timestamptz::date - 7 ORDER BY s.day LIMIT 1))
		ORDER BY i.plugin_id LIMIT 500
		FOR SHARE OF p`
)

// indexSteps refreshes the rows that the query finds, a step at a time.
func (s *Store) indexSteps(ctx context.Context, now time.Time, query string, args ...any) error {
	for after := uuid.Nil.String(); ; {
		var ids []string
		err := s.tx(ctx, "index plugins", func(tx pgx.Tx) (err error) {
			ids, err = collectIDs(tx.Query(ctx, query, append([]any{after}, args...)...))
			if err != nil || len(ids) == 0 {
				return err
			}
			return index(ctx, tx, ids, now)
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
	}
}
