package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const tagPlugins = "Plugins"

// Filter is what narrows a list of plugins or a search. It is exported because
// huma reads embedded structs only if they are.
type Filter struct {
	Category    string         `query:"category" maxLength:"512" example:"deployment"`
	Marketplace string         `query:"marketplace" maxLength:"512" doc:"Key or name of a marketplace" example:"github.com/acme/tools"`
	Owner       string         `query:"owner" maxLength:"100" doc:"Owner of the marketplace's repository" example:"acme"`
	Has         string         `query:"has" enum:"command,agent,skill,hook,mcp,lsp,output-style,workflow,theme,monitor,bin,settings" doc:"Kind of component the plugin must have"`
	License     string         `query:"license" maxLength:"512" doc:"SPDX id" example:"MIT"`
	Maintenance string         `query:"maintenance" enum:"active,maintained,slow,stale,archived,unknown" doc:"By the last push to the marketplace's repository"`
	MinScore    int            `query:"min_score" minimum:"0" maximum:"100" doc:"Least quality score" example:"60"`
	Featured    optional[bool] `query:"featured"`
	Verified    optional[bool] `query:"verified"`
}

func (f Filter) noun() postgres.Filter {
	return postgres.Filter{
		Category: f.Category, Marketplace: f.Marketplace, Owner: f.Owner, Has: f.Has, License: f.License,
		Maintenance: plugpack.Maintenance(f.Maintenance), MinScore: f.MinScore,
		Featured: f.Featured.pointer(), Verified: f.Verified.pointer(),
	}
}

// optional is a query parameter that tells "not given" from its zero value.
type optional[T any] struct {
	Value T
	Set   bool
}

// Schema gives the schema of the value.
func (o optional[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// Receiver gives huma the place to parse into.
func (o *optional[T]) Receiver() reflect.Value { return reflect.ValueOf(o).Elem().Field(0) }

// OnParamSet is told whether the parameter was given.
func (o *optional[T]) OnParamSet(isSet bool, _ any) { o.Set = isSet }

func (o optional[T]) pointer() *T {
	if !o.Set {
		return nil
	}
	return &o.Value
}

type listInput struct {
	Filter
	Search string `query:"search" maxLength:"200" doc:"Words that all must be found" example:"deploy"`
	Sort   string `query:"sort" enum:"stars,updated,score,name,trending" doc:"Default: featured first, then stars"`
	Skip   int    `query:"skip" minimum:"0" maximum:"1000000" doc:"How many to leave out; a cursor is faster" example:"40"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor string `query:"cursor" maxLength:"1000" doc:"From the Link header of the page before" example:"eyJuIjoxMjgsImkiOiIwMThmMmM1ZS03YzFhLTdiM2QtOWE0Mi01ZDZmMWUwYzhiNzEifQ"`
}

type listOutput[T any] struct {
	Link  string `header:"Link" doc:"rel=\"next\": the next page"`
	Total string `header:"X-Total-Count" doc:"How many match in all; 10001 means more than ten thousand, where several filters have to hold"`
	Body  []T
}

type pluginOutput struct {
	Revision string `header:"Plugpack-Revision"`
	Pages    string `header:"Plugpack-Pages" hidden:"true"`
	Body     api.PluginPage
}

func (h *handlers) registerPlugins(a huma.API) {
	get(h, a, "/api/plugins", "list-plugins", "List plugins", tagPlugins, h.listPlugins)
	get(h, a, "/api/plugins/count", "count-plugins", "Count plugins", tagPlugins, h.countPlugins)
	get(h, a, "/api/plugins/categories", "list-categories", "List categories, the fullest first", tagPlugins, h.listCategories)
	get(h, a, "/api/plugins/facets", "list-facets", "Count plugins by each value of each filter, the fullest first", tagPlugins, h.listFacets)
	get(h, a, "/api/plugins/{id}", "get-plugin", "Get a plugin by its id", tagPlugins, h.pluginByID, moves)
	h.registerReport(a)
	get(h, a, "/api/plugins/slug/{slug}", "get-plugin-by-slug", "Get a plugin by its slug; an earlier slug redirects", tagPlugins, h.pluginBySlug, moves)
	get(h, a, "/api/plugins/{id}/listings", "list-listings", "List the same plugin in other marketplaces", tagPlugins, h.listListings)
	get(h, a, "/api/plugins/{id}/related", "list-related", "List plugins that go with a plugin, the nearest first", tagPlugins, h.listRelated)
}

func (h *handlers) listPlugins(ctx context.Context, in *listInput) (*listOutput[api.Plugin], error) {
	f := in.noun()
	f.Text = in.Search
	page := postgres.Page{Sort: postgres.Sort(in.Sort), Skip: in.Skip, Limit: in.Limit}
	if in.Cursor != "" {
		page.After = new(postgres.Position)
		if err := api.DecodeCursor(in.Cursor, page.After); err != nil {
			return nil, err
		}
	}
	listed, err := h.store.Plugins(ctx, f, page)
	if err != nil {
		return nil, err
	}
	total, err := h.store.CountPlugins(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &listOutput[api.Plugin]{Total: strconv.Itoa(total), Body: apiPlugins(listed.Plugins)}
	if listed.Next != nil {
		out.Link, err = nextPage("/api/plugins/", in.query(), listed.Next)
	}
	return out, err
}

// query gives the parameters that the next page's address keeps.
func (in listInput) query() url.Values {
	q := in.Filter.query()
	q.Set("limit", strconv.Itoa(in.Limit))
	for name, value := range map[string]string{"search": in.Search, "sort": in.Sort} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func (f Filter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"category": f.Category, "marketplace": f.Marketplace, "owner": f.Owner, "has": f.Has, "license": f.License,
		"maintenance": f.Maintenance,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.MinScore > 0 {
		q.Set("min_score", strconv.Itoa(f.MinScore))
	}
	for name, value := range map[string]optional[bool]{"featured": f.Featured, "verified": f.Verified} {
		if value.Set {
			q.Set(name, strconv.FormatBool(value.Value))
		}
	}
	return q
}

func nextPage(path string, q url.Values, after any) (string, error) {
	cursor, err := api.EncodeCursor(after)
	if err != nil {
		return "", err
	}
	q.Set("cursor", cursor)
	return fmt.Sprintf("<%s?%s>; rel=\"next\"", path, q.Encode()), nil
}

func apiPlugins(plugins []plugpack.Plugin) []api.Plugin {
	out := make([]api.Plugin, len(plugins))
	for i, p := range plugins {
		out[i] = api.NewPlugin(p)
	}
	return out
}

func (h *handlers) pluginByID(ctx context.Context, in *ByID) (*pluginOutput, error) {
	p, err := h.store.PluginByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return pluginPage(p, "")
}

func (h *handlers) pluginBySlug(ctx context.Context, in *struct {
	Slug string `path:"slug" maxLength:"512" pattern:"^[a-z0-9-]+$" patternDescription:"small letters, digits and hyphens" example:"acme-tools-deploy"`
},
) (*pluginOutput, error) {
	p, err := h.store.PluginBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	return pluginPage(p, in.Slug)
}

// pluginPage answers with the plugin, or where it went. Every answer carries
// the revision it rests on, so that the gateway never serves an older one
// after it.
func pluginPage(p plugpack.Plugin, slug string) (*pluginOutput, error) {
	revision := strconv.FormatInt(p.Revision, 10)
	pages := strings.Join(cache.Keys(p), " ")
	headers := http.Header{api.HeaderRevision: {revision}, api.HeaderPages: {pages}}
	if err := notHere(p, slug, headers); err != nil {
		return nil, err
	}
	return &pluginOutput{Revision: revision, Pages: pages, Body: api.NewPluginPage(p)}, nil
}

// notHere says where a plugin went that is not at the address it was asked for.
func notHere(p plugpack.Plugin, slug string, headers http.Header) error {
	to := ""
	switch {
	case p.Removed && p.Successor != "":
		to = p.Successor
	case p.Removed:
		return huma.ErrorWithHeaders(huma.Error404NotFound("this plugin was removed from its marketplace"), headers)
	case p.Hidden != "":
		return huma.ErrorWithHeaders(huma.Error404NotFound(api.HiddenDetail(p.Hidden)), headers)
	case slug != "" && slug != p.Slug:
		to = p.Slug
	}
	if to == "" {
		return nil
	}
	headers.Set("Location", cache.PluginPath(to))
	return huma.ErrorWithHeaders(huma.NewError(http.StatusMovedPermanently, "this plugin is now "+to), headers)
}
