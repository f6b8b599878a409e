package postgres

import (
	"context"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// maxListed is how many plugins are kept as lists show them, some 2 KB each.
const maxListed = 10_000

// listed keeps plugins, by their ids, as lists and searches show them. What they
// show changes with the plugin's revision only, so one that is at the revision
// that the database names need not be read again: to read and decode it is most
// of what a list costs. Whoever gets a plugin must not change it.
type listed = *lru.Cache[string, plugpack.Plugin]

func newListed() listed {
	l, err := lru.New[string, plugpack.Plugin](maxListed)
	if err != nil {
		panic(err) // of a size below one only
	}
	return l
}

const (
	selectRevisions = `SELECT p.id::text, p.revision FROM plugins p WHERE p.id = ANY ($1::uuid[]) AND p.removed_at IS NULL AND NOT p.hidden`

	// A license in plugin_index is the plugin's or else its repository's.
	selectListed = headColumns + `, i.license, i.counts` + fromPlugins + `
		JOIN plugin_index i ON i.plugin_id = p.id
		WHERE p.id = ANY ($1::uuid[])`
)

// InOrder reads the plugins with the ids as lists show them, in the ids' order;
// of their components it tells the kinds alone.
func (s *Store) InOrder(ctx context.Context, ids []string) ([]plugpack.Plugin, error) {
	ps, err := s.inOrder(ctx, ids)
	return ps, classify("read plugins", err)
}

// inOrder reads the plugins with the ids as lists show them, in the ids' order.
// One that was removed meanwhile is left out.
func (s *Store) inOrder(ctx context.Context, ids []string) ([]plugpack.Plugin, error) {
	rows, err := s.pool.Query(ctx, selectRevisions, ids)
	if err != nil {
		return nil, err
	}
	var (
		id       string
		revision int64
		missing  []string
		found    = make(map[string]plugpack.Plugin, len(ids))
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &revision}, func() error {
		if p, ok := s.listed.Get(id); ok && p.Revision == revision {
			found[id] = p
		} else {
			missing = append(missing, id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.readListed(ctx, missing, found); err != nil {
		return nil, err
	}
	plugins := make([]plugpack.Plugin, 0, len(found))
	for _, id := range ids {
		if p, ok := found[id]; ok {
			plugins = append(plugins, p)
		}
	}
	return plugins, nil
}

// readListed reads what is not kept, or in another revision.
func (s *Store) readListed(ctx context.Context, ids []string, found map[string]plugpack.Plugin) error {
	if len(ids) == 0 {
		return nil
	}
	rows, err := s.pool.Query(ctx, selectListed, ids)
	if err != nil {
		return err
	}
	read, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[listedColumns])
	for _, c := range read {
		p := c.noun()
		p.Facts.Components = kindsOnly(c.Counts)
		found[p.ID] = p
		s.listed.Add(p.ID, p)
	}
	return err
}

type listedColumns struct {
	pluginColumns
	Counts map[plugpack.ComponentKind]int
}

// kindsOnly makes as many components as were counted, of which no more is told.
func kindsOnly(counts map[plugpack.ComponentKind]int) []plugpack.Component {
	components := []plugpack.Component{}
	for _, kind := range plugpack.ComponentKinds {
		components = append(components, slices.Repeat([]plugpack.Component{{Kind: kind}}, counts[kind])...)
	}
	return components
}
