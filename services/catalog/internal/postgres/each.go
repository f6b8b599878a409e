package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/plugpack/plugpack/libs/plugpack"
)

const (
	extent = `
		SELECT coalesce((SELECT sum(n)::int FROM facet_counts WHERE kind = 'all'), 0),
			coalesce((SELECT updated_at FROM plugin_index ORDER BY updated_at DESC, plugin_id DESC LIMIT 1), '1970-01-01Z')`
	shownAfter = selectPlugins + `
		JOIN (SELECT plugin_id FROM plugin_index WHERE plugin_id > $1::uuid ORDER BY plugin_id LIMIT 200) i ON i.plugin_id = p.id
		ORDER BY p.id`
)

// Extent says how many plugins readers may see, and when one of them changed
// last.
func (s *Store) Extent(ctx context.Context) (plugins int, changed time.Time, err error) {
	err = s.pool.QueryRow(ctx, extent).Scan(&plugins, &changed)
	return plugins, changed, classify("look at the catalog's extent", err)
}

// EachPlugin calls f for every plugin that readers may see, by id.
func (s *Store) EachPlugin(ctx context.Context, f func(plugpack.Plugin) error) error {
	for after := uuid.Nil.String(); ; {
		ps, err := collectPlugins(s.pool.Query(ctx, shownAfter, after))
		if err != nil || len(ps) == 0 {
			return classify("read all plugins", err)
		}
		for _, p := range ps {
			if err := f(p); err != nil {
				return err
			}
		}
		after = ps[len(ps)-1].ID
	}
}
