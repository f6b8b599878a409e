package rest

import (
	"context"
	"fmt"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// pluginsOutput are plugins that a plugin leads to.
type pluginsOutput struct {
	Body []api.Plugin
}

func (h *handlers) listListings(ctx context.Context, in *ByID) (*pluginsOutput, error) {
	if err := h.shown(ctx, in.ID); err != nil {
		return nil, err
	}
	plugins, err := h.store.Listings(ctx, in.ID)
	return &pluginsOutput{apiPlugins(plugins)}, err
}

func (h *handlers) listRelated(ctx context.Context, in *struct {
	ByID
	Limit int `query:"limit" minimum:"1" maximum:"20" default:"6"`
},
) (*struct{ Body []api.Related }, error) {
	if err := h.shown(ctx, in.ID); err != nil {
		return nil, err
	}
	found, err := h.store.Related(ctx, in.ID, in.Limit)
	related := make([]api.Related, len(found))
	for i, r := range found {
		related[i] = api.Related{Plugin: api.NewPlugin(r.Plugin), Reason: reason(r)}
	}
	return &struct{ Body []api.Related }{related}, err
}

// reason says the strongest of what two plugins have in common.
func reason(r postgres.Related) string {
	switch {
	case r.Packs == 1:
		return "curators put both into a pack"
	case r.Packs > 1:
		return fmt.Sprintf("curators put both into %d packs", r.Packs)
	case r.Neighbour:
		return "it is of the same marketplace"
	}
	return "it is about the same things"
}

// shown is NotFound for a plugin that is unknown or removed.
func (h *handlers) shown(ctx context.Context, id string) error {
	ok, err := h.store.Shown(ctx, id)
	if err == nil && !ok {
		err = errs.New(errs.NotFound, "no plugin %s is listed", id)
	}
	return err
}
