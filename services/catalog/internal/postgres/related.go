package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

const isShown = `SELECT EXISTS (SELECT FROM plugin_index WHERE plugin_id = $1::uuid)`

// Shown says whether readers may see a plugin with the id.
func (s *Store) Shown(ctx context.Context, id string) (ok bool, err error) {
	err = s.pool.QueryRow(ctx, isShown, id).Scan(&ok)
	return ok, classify("plugin "+id, err)
}

const listings = `
	SELECT i.plugin_id::text
	FROM plugin_index i JOIN plugin_index own ON own.twin = i.twin
	WHERE own.plugin_id = $1::uuid AND i.plugin_id <> own.plugin_id
	ORDER BY i.principal DESC, i.stars DESC, i.plugin_id
	LIMIT 100`

// Listings gives the plugin's other listings: the same files under the same
// name in other marketplaces.
func (s *Store) Listings(ctx context.Context, id string) ([]plugpack.Plugin, error) {
	ids, err := collectIDs(s.pool.Query(ctx, listings, id))
	if err != nil {
		return nil, classify("listings of "+id, err)
	}
	ps, err := s.inOrder(ctx, ids)
	return ps, classify("listings of "+id, err)
}

// nearInTiers finds the plugins that share a word of the own one's name or
// keywords with it. Hardly one has no word that most others have too.
var nearInTiers = fmt.Sprintf(selectTiers, "near", `WHERE i.search @@ (SELECT near FROM own) AND i.principal`, 200)

// selectRelated takes as candidates the plugins that curators put into one pack
// with it, its neighbours in its marketplace, and of those that are near in text
// the heaviest. That a person put them together counts most, then what is near
// in text; a neighbour was meant to go together with it.
var selectRelated = `
	WITH own AS (
		SELECT i.plugin_id, i.twin, i.marketplace, i.category,
			(SELECT coalesce(string_agg(quote_literal(t.lexeme), ' | '), '')
				FROM (
					SELECT u.lexeme FROM unnest(ts_filter(i.headline, '{a,b}')) u
					WHERE length(u.lexeme) > 2
					ORDER BY u.lexeme LIMIT 24
				) t)::tsquery AS near
		FROM plugin_index i WHERE i.plugin_id = $1::uuid
	), ` + nearInTiers + `, together AS (
		SELECT shown.plugin_id, count(DISTINCT other.pack_id)::int AS packs
		FROM pack_plugins mine
		JOIN packs k ON k.id = mine.pack_id AND k.published AND k.removed_at IS NULL
		JOIN pack_plugins other ON other.pack_id = mine.pack_id AND other.plugin_id <> mine.plugin_id
		JOIN plugin_index listed ON listed.plugin_id = other.plugin_id
		JOIN plugin_index shown ON shown.twin = listed.twin AND shown.principal
		WHERE mine.plugin_id = $1::uuid
		GROUP BY shown.plugin_id
		ORDER BY packs DESC, shown.plugin_id
		LIMIT 200
	), candidate AS (
		SELECT plugin_id FROM together
		UNION
		(SELECT i.plugin_id FROM own JOIN plugin_index i ON i.marketplace = own.marketplace
			ORDER BY i.weight DESC LIMIT 200)
		UNION
		(SELECT plugin_id FROM near ORDER BY weight DESC, plugin_id DESC LIMIT 200)
	)
	SELECT i.plugin_id::text AS id, coalesce(t.packs, 0) AS packs, i.marketplace = own.marketplace AS neighbour
	FROM own, candidate c JOIN plugin_index i ON i.plugin_id = c.plugin_id LEFT JOIN together t ON t.plugin_id = c.plugin_id
	WHERE i.twin <> own.twin AND i.principal
	ORDER BY coalesce(t.packs, 0) DESC, 4 * ts_rank('{0.05,0.1,0.3,1}', i.headline, own.near)
		+ CASE WHEN i.marketplace = own.marketplace THEN 0.15 ELSE 0 END
		+ CASE WHEN i.category = own.category AND i.category <> '' THEN 0.05 ELSE 0 END
		+ 0.2 * i.weight DESC, i.plugin_id
	LIMIT $2`

// Related is a plugin that goes with another one, and why.
type Related struct {
	Plugin    plugpack.Plugin
	Packs     int  // in which both are
	Neighbour bool // of the same marketplace
}

// Related gives plugins that go with the plugin.
func (s *Store) Related(ctx context.Context, id string, limit int) ([]Related, error) {
	rows, err := s.pool.Query(ctx, selectRelated, id, limit)
	if err != nil {
		return nil, classify("related to "+id, err)
	}
	type reason struct {
		ID        string
		Packs     int
		Neighbour bool
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[reason])
	ids, why := make([]string, len(found)), make(map[string]reason, len(found))
	for i, f := range found {
		ids[i], why[f.ID] = f.ID, f
	}
	if err != nil {
		return nil, classify("related to "+id, err)
	}
	ps, err := s.inOrder(ctx, ids)
	all := make([]Related, len(ps))
	for i, p := range ps {
		all[i] = Related{Plugin: p, Packs: why[p.ID].Packs, Neighbour: why[p.ID].Neighbour}
	}
	return all, classify("related to "+id, err)
}
