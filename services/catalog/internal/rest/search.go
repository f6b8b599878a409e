package rest

import (
	"context"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const tagSearch = "Search"

func (h *handlers) registerSearch(a huma.API) {
	get(h, a, "/api/search", "search", "Search plugins and packs, the best first", tagSearch, h.searchAll)
	get(h, a, "/api/search/suggest", "suggest", "Names that begin with some letters", tagSearch, h.suggest)
}

type searchInput struct {
	Filter
	Query  string `query:"q" required:"true" minLength:"1" maxLength:"200" example:"deploy"`
	Skip   int    `query:"skip" minimum:"0" maximum:"1000" example:"40"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor string `query:"cursor" maxLength:"1000" doc:"From the Link header of the page before" example:"eyJzIjp7fSwibiI6MjB9"`
}

type searchOutput struct {
	Link string `header:"Link" doc:"rel=\"next\": the next page"`
	Body api.Search
}

func (h *handlers) searchAll(ctx context.Context, in *searchInput) (*searchOutput, error) {
	page := postgres.SearchPage{Skip: in.Skip, Limit: in.Limit}
	if in.Cursor != "" {
		page.After = new(postgres.Place)
		if err := api.DecodeCursor(in.Cursor, page.After); err != nil {
			return nil, err
		}
	}
	found, engine, err := h.search.Search(ctx, in.Query, in.noun(), page)
	if err != nil {
		return nil, err
	}
	out := &searchOutput{Body: api.Search{
		Query: in.Query, Plugins: apiPlugins(found.Plugins), Packs: h.apiPacks(found.Packs), TotalPlugins: found.Total, TotalPacks: found.TotalPacks,
		Facets: apiFacets(found.Facets), SearchEngine: engine,
	}}
	if found.Next != nil {
		q := in.Filter.query()
		q.Set("q", in.Query)
		q.Set("limit", strconv.Itoa(in.Limit))
		out.Link, err = nextPage("/api/search/", q, found.Next)
	}
	return out, err
}

type namesOutput struct {
	Body []string `example:"deploy,deploy-on-aws"`
}

func (h *handlers) suggest(ctx context.Context, in *struct {
	Query string `query:"q" required:"true" minLength:"1" maxLength:"100" example:"dep"`
	Limit int    `query:"limit" minimum:"1" maximum:"10" default:"5"`
},
) (*namesOutput, error) {
	names, err := h.search.Suggest(ctx, in.Query, in.Limit)
	if names == nil {
		names = []string{}
	}
	return &namesOutput{names}, err
}
