package search

import (
	"context"
	"slices"

	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// InDatabase searches in the catalog's own tables.
type InDatabase struct{ Store *postgres.Store }

// Search finds plugins and packs.
func (d InDatabase) Search(ctx context.Context, text string, f postgres.Filter, page postgres.SearchPage) (a postgres.Answer, err error) {
	if a.Found, err = d.Store.Search(ctx, text, f, page); err == nil {
		a.Packs, a.TotalPacks, err = d.Store.SearchPacks(ctx, text, page.Limit)
	}
	return a, err
}

// Suggest gives the names of plugins, and then those of packs.
func (d InDatabase) Suggest(ctx context.Context, text string, limit int) ([]string, error) {
	names, err := d.Store.Suggest(ctx, text, limit)
	if err != nil || len(names) >= limit {
		return names, err
	}
	packs, err := d.Store.SuggestPacks(ctx, text, limit)
	for _, name := range packs {
		if len(names) < limit && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, err
}
