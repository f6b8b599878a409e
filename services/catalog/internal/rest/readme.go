package rest

import (
	"context"
	"path"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/catalog/internal/rest/readme"
)

// readmeOutput is HTML that is safe to show. The policy says so to a browser
// that opens it by itself.
type readmeOutput struct {
	Type   string `header:"Content-Type"`
	Policy string `header:"Content-Security-Policy"`
	Body   []byte
}

func (h *handlers) registerReadme(a huma.API) {
	get(h, a, "/api/plugins/{id}/readme", "get-readme", "Get a plugin's README as HTML that is safe to show", tagPlugins, h.readme, content("text/html", "<h1>Deploy</h1>\n<p>Deploys a service and watches it come up.</p>"), moves)
}

func (h *handlers) readme(ctx context.Context, in *struct {
	ByID
	Images bool `query:"images" doc:"Show images, which tells their servers who looks; without it each is a link"`
},
) (*readmeOutput, error) {
	p, err := h.livePlugin(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := h.store.Documents(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if d.Readme == nil || d.Readme.Text == "" {
		return nil, errs.New(errs.NotFound, "plugin %s has no README", p.Slug)
	}
	dir := path.Dir(d.Readme.Path)
	body, err := readme.Render(d.Readme.Text, func(file string, raw bool) string {
		if !strings.HasPrefix(file, "/") {
			file = path.Join(dir, file)
		}
		return api.FileURL(p, file, raw)
	}, in.Images)
	return &readmeOutput{
		Type: "text/html; charset=utf-8", Policy: "default-src 'none'; img-src https:; sandbox", Body: []byte(body),
	}, err
}
