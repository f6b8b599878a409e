package rest

import (
	"context"
	"maps"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/pinned"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/rest/emptygit"
)

// emptyGit is where the empty repository is. It must never move: packs that are
// out there name it.
const emptyGit = "/api/git/empty.git"

// hub says where this hub is, as marketplaces name it.
func (h *handlers) hub() pinned.Origin {
	return pinned.Origin{URL: h.options.PublicURL, Empty: emptyGit, EmptySHA: emptygit.Commit}
}

func packFile(slug string) string { return "/api/packs/slug/" + slug + "/marketplace.json" }

func pluginFile(slug string) string { return "/api/plugins/slug/" + slug + "/marketplace.json" }

// fileInput names a marketplace's file, and with @ and a digest one that was
// given out once.
type fileInput struct {
	Slug string `path:"slug" maxLength:"600" pattern:"^[a-z0-9-]+(@[0-9a-f]{64})?$" patternDescription:"a slug, or a slug, @ and a digest" doc:"With @ and a digest: exactly that file, for ever" example:"acme-tools-deploy"`
}

type fileOutput struct {
	ContentType     string `header:"Content-Type"`
	CacheControl    string `header:"Cache-Control"`
	ContentLocation string `header:"Content-Location" doc:"Where this very file is, for ever"`
	Body            []byte
}

func (h *handlers) registerFiles(a huma.API) {
	get(h, a, "/api/packs/slug/{slug}/marketplace.json", "get-pack-marketplace", "A pack as a marketplace that the client adds by URL", tagPacks, h.packMarketplace, clientFile(a))
	get(h, a, "/api/plugins/slug/{slug}/marketplace.json", "get-plugin-marketplace", "A plugin as a marketplace that the client adds by URL", tagPlugins, h.pluginMarketplace, clientFile(a))
}

// clientSchema gives the schema of the client's own format. Its types have names
// that types of ours have too.
func clientSchema(r huma.Registry) *huma.Schema {
	client := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		return "Client" + huma.DefaultSchemaNamer(t, hint)
	})
	s := client.Schema(reflect.TypeFor[pinned.Marketplace](), true, "")
	maps.Copy(r.Map(), client.Map())
	return s
}

// exampleFile is that of a pack of one plugin.
var exampleFile = pinned.Marketplace{
	Name: pinned.Name("go-backend"), Owner: pinned.Owner{Name: "PlugPack", URL: "https://plugpack.example"},
	Description: "What a Go service needs: tests, reviews and a way to ship it",
	Plugins: []pinned.Entry{
		{
			Name: "deploy", Description: "Deploys a service and watches it come up", Version: "1.2.0", License: "MIT", Category: "deployment",
			Source: pinned.Source{Source: "git-subdir", URL: "https://github.com/acme/tools.git", Path: "plugins/deploy", SHA: strings.Repeat("3f", 20)},
		},
		{
			Name: pinned.All, Description: "Everything in Go backend", Version: "5a1f0c3d9b7e", Strict: new(false), Dependencies: []string{"deploy"},
			Source: pinned.Source{Source: "url", URL: "https://plugpack.example" + emptyGit, SHA: emptygit.Commit},
		},
	},
}

// clientFile says that the answer is a file as the client has it.
func clientFile(a huma.API) func(*huma.Operation) {
	content := &huma.MediaType{Schema: clientSchema(a.OpenAPI().Components.Schemas), Example: exampleFile}
	return func(op *huma.Operation) {
		op.Responses = map[string]*huma.Response{"200": {
			Description: "The marketplace's file", Content: map[string]*huma.MediaType{"application/json": content},
		}}
	}
}

func (h *handlers) packMarketplace(ctx context.Context, in *fileInput) (*fileOutput, error) {
	slug, digest, fixed := strings.Cut(in.Slug, "@")
	if fixed {
		return h.kept(ctx, "pack:"+slug, digest, packFile(in.Slug))
	}
	p, err := h.store.PackBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	if !p.Live() {
		return nil, errs.New(errs.NotFound, "this pack is not published")
	}
	plugins, err := h.store.PluginsOf(ctx, p)
	if err != nil {
		return nil, err
	}
	f, err := h.renderPack(ctx, p, plugins)
	if err != nil {
		return nil, err
	}
	return h.keep(ctx, "pack:"+slug, f, packFile(slug+"@"+f.Digest))
}

func (h *handlers) renderPack(ctx context.Context, p plugpack.Pack, plugins []plugpack.Plugin) (f pinned.File, err error) {
	needed, err := h.store.Needed(ctx, plugins)
	if err != nil {
		return f, err
	}
	return h.hub().Pack(p, plugins, needed)
}

func (h *handlers) pluginMarketplace(ctx context.Context, in *fileInput) (*fileOutput, error) {
	slug, digest, fixed := strings.Cut(in.Slug, "@")
	if fixed {
		return h.kept(ctx, "plugin:"+slug, digest, pluginFile(in.Slug))
	}
	p, err := h.store.PluginBySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	needed, err := h.store.Needed(ctx, []plugpack.Plugin{p})
	if err != nil {
		return nil, err
	}
	f, err := h.hub().Plugin(p, needed)
	if err != nil {
		return nil, err
	}
	if len(f.Left) > 0 {
		return nil, errs.New(errs.NotFound, "this plugin has no marketplace of its own: %s", f.Left[0].Reason)
	}
	return h.keep(ctx, "plugin:"+slug, f, pluginFile(slug+"@"+f.Digest))
}

// keep gives out a file that stays findable by its digest.
func (h *handlers) keep(ctx context.Context, subject string, f pinned.File, at string) (*fileOutput, error) {
	if err := h.store.KeepFile(ctx, f.Digest, subject, f.Body); err != nil {
		return nil, err
	}
	return &fileOutput{ContentType: "application/json", CacheControl: "public, no-cache", ContentLocation: at, Body: f.Body}, nil
}

func (h *handlers) kept(ctx context.Context, subject, digest, at string) (*fileOutput, error) {
	body, err := h.store.File(ctx, digest, subject)
	return &fileOutput{ContentType: "application/json", CacheControl: "public, max-age=31536000, immutable", ContentLocation: at, Body: body}, err
}
