// Package rest answers the public REST API from the store.
//
// Each route is one huma operation: its input and output types are at once the
// validation, the documentation and the OpenAPI document. Handlers return
// errors with a kind; one place turns them into problem documents.
package rest

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/swaggest/swgui/v5emb"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
	"github.com/plugpack/plugpack/services/catalog/internal/rest/emptygit"
	"github.com/plugpack/plugpack/services/catalog/internal/rest/live"
)

// maxBody bounds a request's body.
const maxBody = 1 << 20

// Options are the settings of the API.
type Options struct {
	// PublicURL is where the hub is reached from outside, without a slash at its
	// end.
	PublicURL string
	// Status says how far the stores are.
	Status func(context.Context) (api.Status, error)
	// Identities verifies whom the gateway names.
	Identities *identity.Key
	// Feed tells changes live.
	Feed *live.Feed
	// WebhookSecret is shared with the webhooks on GitHub; "" refuses them.
	WebhookSecret string
}

// Searcher finds plugins by text and says which engine did.
type Searcher interface {
	Search(ctx context.Context, text string, f postgres.Filter, page postgres.SearchPage) (found postgres.Answer, engine string, err error)
	Suggest(ctx context.Context, text string, limit int) ([]string, error)
}

type handlers struct {
	identities *identity.Key
	options    Options
	store      *postgres.Store
	search     Searcher
	log        *slog.Logger
}

// New makes the handler of every route.
func New(o Options, store *postgres.Store, find Searcher, log *slog.Logger) http.Handler {
	h := &handlers{options: o, identities: o.Identities, store: store, search: find, log: log}
	r := chi.NewRouter()
	r.Use(recoverer(log), middleware.StripSlashes, middleware.GetHead, middleware.RequestSize(maxBody), withCredentials, withETag)
	r.NotFound(notFound)
	r.MethodNotAllowed(methodNotAllowed)

	r.Get("/health", service.Health)
	r.Get("/api/health", service.Health)
	r.Handle("/api/docs*", docs("/api/docs"))
	r.Post("/api/webhooks/github", h.webhook)
	r.Handle(emptyGit+"/*", emptygit.Handler(emptyGit))

	a := humachi.New(r, config())
	a.UseMiddleware(textOnly(a))
	h.registerRoot(a)
	h.registerPlugins(a)
	h.registerVersions(a)
	h.registerMarketplaces(a)
	h.registerPacks(a)
	h.registerPackChanges(a)
	h.registerReviews(a)
	h.registerSubmissions(a)
	h.registerMe(a)
	h.registerAdmin(a)
	h.registerEvents(a)
	h.registerFiles(a)
	h.registerSearch(a)
	h.registerReadme(a)
	h.registerFeed(a)
	h.registerBadge(a)
	h.registerStatus(a)
	h.registerExport(r, a)
	return r
}

func config() huma.Config {
	c := huma.DefaultConfig("PlugPack", service.BuildVersion())
	c.Info.Description = "Every Claude Code plugin marketplace, what is in its plugins, and how to install them. " +
		"In a request's body, a member that is null is as good as none."
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath = ""    // huma's own page loads a script from a third party
	c.SchemasPath = "" // the document holds them
	c.OnAddOperation = append(c.OnAddOperation, complete)
	c.CreateHooks = nil // no $schema member in answers
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "An API token, made at /api/me/tokens"},
	}
	encode := huma.Format{Marshal: func(w io.Writer, v any) error { return api.Encode(w, v) }, Unmarshal: unmarshal}
	c.Formats = map[string]huma.Format{"application/json": encode, "json": encode}
	return c
}

// docs serves a page about the API that needs nothing from elsewhere.
func docs(path string) http.Handler {
	return v5emb.New("PlugPack API", "/api/openapi.json", path)
}

func (h *handlers) registerRoot(a huma.API) {
	type output struct {
		Body struct {
			Message string `json:"message" example:"PlugPack finds every Claude Code plugin marketplace and says what is in its plugins."`
			Docs    string `json:"docs" example:"/api/docs"`
		}
	}
	get(h, a, "/api", "root", "What this is", "", func(context.Context, *struct{}) (*output, error) {
		var o output
		o.Body.Message = "PlugPack finds every Claude Code plugin marketplace and says what is in its plugins."
		o.Body.Docs = "/api/docs"
		return &o, nil
	})
}

// get registers a GET operation.
func get[I, O any](h *handlers, a huma.API, path, id, summary, tag string, f func(context.Context, *I) (*O, error), change ...func(*huma.Operation)) {
	op := huma.Operation{
		OperationID: id, Method: http.MethodGet, Path: path, Summary: summary,
		Errors: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}
	if tag != "" {
		op.Tags = []string{tag}
	}
	for _, c := range change {
		c(&op)
	}
	register(h, a, op, f)
}

// register registers an operation whose errors may be of package errs.
func register[I, O any](h *handlers, a huma.API, op huma.Operation, f func(context.Context, *I) (*O, error)) {
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, h.problem(ctx, op.OperationID, err)
		}
		return out, nil
	})
}
