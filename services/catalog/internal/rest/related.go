package rest

import (
	"context"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
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
) (*pluginsOutput, error) {
	if err := h.shown(ctx, in.ID); err != nil {
		return nil, err
	}
	plugins, err := h.store.Related(ctx, in.ID, in.Limit)
	return &pluginsOutput{apiPlugins(plugins)}, err
}

// shown is NotFound for a plugin that is unknown or removed.
func (h *handlers) shown(ctx context.Context, id string) error {
	ok, err := h.store.Shown(ctx, id)
	if err == nil && !ok {
		err = errs.New(errs.NotFound, "no plugin %s is listed", id)
	}
	return err
}
