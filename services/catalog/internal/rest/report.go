package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
)

func (h *handlers) registerReport(a huma.API) {
	get(h, a, "/api/plugins/{id}/components", "list-components", "List a plugin's components with their front matter and tokens", tagPlugins, h.listComponents, moves)
	get(h, a, "/api/plugins/{id}/report", "get-report", "Get a plugin's quality report and findings, each with its reason", tagPlugins, h.report, moves)
}

func (h *handlers) listComponents(ctx context.Context, in *ByID) (*struct{ Body []api.ComponentFile }, error) {
	p, err := h.livePlugin(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body []api.ComponentFile }{api.NewComponents(p)}, nil
}

func (h *handlers) report(ctx context.Context, in *ByID) (*struct{ Body api.Report }, error) {
	p, err := h.livePlugin(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	r, err := h.store.Report(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body api.Report }{api.NewReport(p, r.Quality, r.Security)}, nil
}

// livePlugin gives the plugin with the id, or an error that says where it went.
func (h *handlers) livePlugin(ctx context.Context, id string) (plugpack.Plugin, error) {
	p, err := h.store.PluginByID(ctx, id)
	if err != nil {
		return p, err
	}
	return p, notHere(p, "", http.Header{})
}
