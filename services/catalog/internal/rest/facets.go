package rest

import (
	"context"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// facetValues is how many values of a facet are told.
const facetValues = 50

type facetsOutput struct {
	Body api.Facets `example:"{\"category\":[{\"name\":\"deployment\",\"count\":412}],\"license\":[{\"name\":\"MIT\",\"count\":873}]}"`
}

func (h *handlers) listFacets(ctx context.Context, _ *struct{}) (*facetsOutput, error) {
	facets, err := h.store.Facets(ctx, facetValues)
	return &facetsOutput{apiFacets(facets)}, err
}

func (h *handlers) countPlugins(ctx context.Context, in *struct{ Filter }) (*struct{ Body api.Count }, error) {
	n, err := h.store.CountPlugins(ctx, in.noun())
	return &struct{ Body api.Count }{api.Count{Count: n}}, err
}

func (h *handlers) listCategories(ctx context.Context, _ *struct{}) (*struct{ Body []api.Category }, error) {
	tallies, err := h.store.Categories(ctx)
	return &struct{ Body []api.Category }{apiCategories(tallies)}, err
}

func apiCategories(tallies []postgres.Tally) []api.Category {
	out := make([]api.Category, len(tallies))
	for i, t := range tallies {
		out[i] = api.Category(t)
	}
	return out
}

func apiFacets(facets postgres.Facets) api.Facets {
	out := api.Facets{}
	for kind, tallies := range facets {
		out[kind] = apiCategories(tallies)
	}
	return out
}
