package rest

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/pinned"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const tagPacks = "Packs"

// PackFilter is what narrows a list of packs.
type PackFilter struct {
	Featured   optional[bool] `query:"featured"`
	Difficulty string         `query:"difficulty" enum:"beginner,intermediate,advanced"`
}

func (f PackFilter) noun() postgres.PackFilter {
	return postgres.PackFilter{Featured: f.Featured.pointer(), Difficulty: plugpack.Difficulty(f.Difficulty)}
}

// packSlug is the address of a pack.
type packSlug struct {
	Slug string `path:"slug" maxLength:"64" pattern:"^[a-z0-9-]+$" patternDescription:"small letters, digits and hyphens" example:"go-backend"`
}

// PackSeen is the revision that an answer about a pack rests on, so that the
// gateway never serves an older one after it. It is exported because huma reads
// embedded structs only if they are.
type PackSeen struct {
	Revision string `header:"Plugpack-Revision"`
	Pages    string `header:"Plugpack-Pages" hidden:"true"`
}

func packSeen(p plugpack.Pack) PackSeen {
	return PackSeen{strconv.FormatInt(p.Revision, 10), cache.IDKey(p.ID)}
}

type packOutput struct {
	PackSeen
	Body api.PackPage
}

func (h *handlers) registerPacks(a huma.API) {
	get(h, a, "/api/packs", "list-packs", "List published packs, featured ones first", tagPacks, h.listPacks)
	get(h, a, "/api/packs/count", "count-packs", "Count published packs", tagPacks, h.countPacks)
	get(h, a, "/api/packs/{id}", "get-pack", "Get a pack by its id", tagPacks, h.packByID)
	get(h, a, "/api/packs/slug/{slug}", "get-pack-by-slug", "Get a pack by its slug", tagPacks, h.packBySlug)
}

func (h *handlers) listPacks(ctx context.Context, in *struct {
	PackFilter
	Skip  int `query:"skip" minimum:"0" maximum:"1000000" example:"20"`
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"20"`
},
) (*listOutput[api.Pack], error) {
	packs, err := h.store.Packs(ctx, in.noun(), in.Skip, in.Limit)
	if err != nil {
		return nil, err
	}
	total, err := h.store.CountPacks(ctx, in.noun())
	return &listOutput[api.Pack]{Total: strconv.Itoa(total), Body: h.apiPacks(packs)}, err
}

func (h *handlers) apiPacks(packs []plugpack.Pack) []api.Pack {
	out := make([]api.Pack, len(packs))
	for i, p := range packs {
		out[i] = h.apiPack(p)
	}
	return out
}

func (h *handlers) apiPack(p plugpack.Pack) api.Pack {
	return api.NewPack(p, pinned.Name(p.Slug), h.options.PublicURL+packFile(p.Slug))
}

func (h *handlers) countPacks(ctx context.Context, in *struct{ PackFilter }) (*struct{ Body api.Count }, error) {
	n, err := h.store.CountPacks(ctx, in.noun())
	return &struct{ Body api.Count }{api.Count{Count: n}}, err
}

func (h *handlers) packByID(ctx context.Context, in *ByID) (*packOutput, error) {
	p, err := h.store.PackByID(ctx, in.ID)
	return h.packPage(ctx, p, err)
}

func (h *handlers) packBySlug(ctx context.Context, in *packSlug) (*packOutput, error) {
	p, err := h.store.PackBySlug(ctx, in.Slug)
	return h.packPage(ctx, p, err)
}

func (h *handlers) packPage(ctx context.Context, p plugpack.Pack, err error) (*packOutput, error) {
	if err != nil {
		return nil, err
	}
	if !p.Live() {
		seen := packSeen(p)
		return nil, huma.ErrorWithHeaders(huma.Error404NotFound("this pack is not published"),
			http.Header{api.HeaderRevision: {seen.Revision}, api.HeaderPages: {seen.Pages}})
	}
	return h.wholePack(ctx, p)
}

// wholePack shows a pack, published or not.
func (h *handlers) wholePack(ctx context.Context, p plugpack.Pack) (*packOutput, error) {
	plugins, err := h.store.PluginsOf(ctx, p)
	if err != nil {
		return nil, err
	}
	file, err := h.renderPack(ctx, p, plugins)
	if err != nil {
		return nil, err
	}
	left := map[string]string{}
	for _, l := range file.Left {
		left[l.Slug] = l.Reason
	}
	return &packOutput{packSeen(p), api.NewPackPage(h.apiPack(p), p, plugins, left)}, nil
}
