package rest

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const tagMarketplaces = "Marketplaces"

type marketplacesInput struct {
	State  string `query:"state" enum:"pending,scanned,failed,held" doc:"State of the last scan"`
	Name   string `query:"name" maxLength:"512" doc:"The marketplace's own name" example:"acme-tools"`
	Skip   int    `query:"skip" minimum:"0" maximum:"1000000" example:"40"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor string `query:"cursor" maxLength:"1000" doc:"From the Link header of the page before" example:"eyJrIjoiZ2l0aHViLmNvbS9hY21lL3Rvb2xzIn0"`
}

type afterKey struct {
	Key string `json:"k"`
}

func (h *handlers) registerMarketplaces(a huma.API) {
	get(h, a, "/api/marketplaces", "list-marketplaces", "List marketplaces by key", tagMarketplaces, h.listMarketplaces)
	get(h, a, "/api/marketplaces/completeness", "list-discoveries", "How complete the last searches for marketplaces were, by method", tagMarketplaces, h.listDiscoveries)
	get(h, a, "/api/marketplaces/{id}", "get-marketplace", "Get a marketplace by its id", tagMarketplaces, h.marketplaceByID)
}

func (h *handlers) listMarketplaces(ctx context.Context, in *marketplacesInput) (*marketplacesOutput, error) {
	f := postgres.MarketplaceFilter{State: in.State, Name: in.Name}
	var after afterKey
	if in.Cursor != "" {
		if err := api.DecodeCursor(in.Cursor, &after); err != nil {
			return nil, err
		}
		in.Skip = 0
	}
	ms, err := h.store.Marketplaces(ctx, f, after.Key, in.Skip, in.Limit)
	if err != nil {
		return nil, err
	}
	total, err := h.store.CountMarketplaces(ctx, f)
	if err != nil {
		return nil, err
	}
	ds, err := h.store.Discoveries(ctx)
	if err != nil {
		return nil, err
	}
	out := &marketplacesOutput{Total: strconv.Itoa(total), Body: make([]api.Marketplace, len(ms))}
	out.complete(ds)
	for i, m := range ms {
		out.Body[i] = api.NewMarketplace(m, time.Now())
	}
	if len(ms) == in.Limit {
		q := url.Values{"limit": {strconv.Itoa(in.Limit)}}
		if in.State != "" {
			q.Set("state", in.State)
		}
		if in.Name != "" {
			q.Set("name", in.Name)
		}
		out.Link, err = nextPage("/api/marketplaces/", q, afterKey{string(ms[len(ms)-1].Key)})
	}
	return out, err
}

func (h *handlers) marketplaceByID(ctx context.Context, in *ByID) (*struct{ Body api.Marketplace }, error) {
	m, err := h.store.MarketplaceByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body api.Marketplace }{api.NewMarketplace(m, time.Now())}, nil
}
