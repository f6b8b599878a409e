package rest

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
)

const tagSearch = "Search"

func (h *handlers) registerSearch(a huma.API) {
	get(h, a, "/api/search", "search", "Search plugins and packs, the best first", tagSearch, h.search)
	get(h, a, "/api/search/suggest", "suggest", "Names that begin with some letters", tagSearch, h.suggest)
}

func (h *handlers) search(ctx context.Context, in *struct {
	Filter
	Query string `query:"q" required:"true" minLength:"1" maxLength:"200"`
	Skip  int    `query:"skip" minimum:"0" maximum:"1000"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
},
) (*struct{ Body api.Search }, error) {
	found, err := h.store.Search(ctx, in.Query, in.noun(), in.Skip, in.Limit)
	if err != nil {
		return nil, err
	}
	return &struct{ Body api.Search }{api.Search{
		Query: in.Query, Plugins: apiPlugins(found.Plugins), Packs: []api.Pack{}, TotalPlugins: found.Total,
		Facets: apiFacets(found.Facets), SearchEngine: "database",
	}}, nil
}

func (h *handlers) suggest(ctx context.Context, in *struct {
	Query string `query:"q" required:"true" minLength:"1" maxLength:"100"`
	Limit int    `query:"limit" minimum:"1" maximum:"10" default:"5"`
},
) (*struct{ Body []string }, error) {
	names, err := h.store.Suggest(ctx, in.Query, in.Limit)
	if names == nil {
		names = []string{}
	}
	return &struct{ Body []string }{names}, err
}
