package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// PackBody is what a curator writes of a pack.
type PackBody struct {
	Name        string              `json:"name" minLength:"1" maxLength:"128" example:"Go backend"`
	Description string              `json:"description" maxLength:"4096" example:"What a Go service needs: tests, reviews and a way to ship it"`
	Difficulty  plugpack.Difficulty `json:"difficulty" enum:"beginner,intermediate,advanced"`
	Tags        []tag               `json:"tags,omitempty" maxItems:"20" example:"go,backend"`
	Minutes     int                 `json:"minutes,omitempty" minimum:"0" maximum:"10000" example:"15"`
	Curator     string              `json:"curator,omitempty" maxLength:"128" doc:"Your login by default" example:"octocat"`
	Plugins     []DraftPlugin       `json:"plugins" maxItems:"200" doc:"In order; a phase comes where it is first named"`
}

// DraftPlugin is a plugin's place in a pack.
type DraftPlugin struct {
	Slug        string    `json:"slug" minLength:"1" maxLength:"512" example:"acme-tools-deploy" pattern:"^[a-z0-9-]+$"`
	Phase       string    `json:"phase,omitempty" maxLength:"100" example:"Ship"`
	Description string    `json:"description,omitempty" maxLength:"2000" example:"Ships what the tests let through"`
	Commands    []command `json:"commands_to_run,omitempty" maxItems:"20" example:"/deploy staging"`
}

type createPackInput struct {
	Body struct {
		Slug string `json:"slug" minLength:"1" maxLength:"50" example:"go-backend" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" patternDescription:"words of small letters and digits with hyphens between"`
		PackBody
	}
}

type updatePackInput struct {
	ByID
	Body struct {
		Edition int64 `json:"edition" minimum:"1" maximum:"1000000000000" doc:"The edition that this change started from" example:"1"`
		PackBody
	}
}

type markPackInput struct {
	ByID
	Body struct {
		Edition   int64 `json:"edition" minimum:"1" maximum:"1000000000000" example:"1"`
		Featured  *bool `json:"featured,omitempty"`
		Published *bool `json:"published,omitempty"`
	}
}

func (h *handlers) registerPackChanges(a huma.API) {
	change(h, a, http.MethodPost, "/api/packs", "create-pack", "Make an unpublished pack", tagPacks, h.createPack)
	change(h, a, http.MethodPut, "/api/packs/{id}", "update-pack", "Replace what a pack says and holds", tagPacks, h.updatePack)
	change(h, a, http.MethodPatch, "/api/packs/{id}", "mark-pack", "Publish or feature a pack", tagPacks, h.markPack)
	change(h, a, http.MethodDelete, "/api/packs/{id}", "delete-pack", "Remove a pack; its slug stays taken", tagPacks, h.deletePack)
}

func (b PackBody) draft(slug string, u plugpack.User) plugpack.PackDraft {
	d := plugpack.PackDraft{Slug: slug, PackText: plugpack.PackText{
		Name: plugpack.Clean(b.Name), Description: plugpack.CleanText(b.Description), Difficulty: b.Difficulty, Tags: cleanedAll(b.Tags),
		Minutes: b.Minutes, Curator: plugpack.Clean(b.Curator),
	}}
	if d.Curator == "" {
		d.Curator = u.Login
	}
	for _, p := range b.Plugins {
		d.Plugins = append(d.Plugins, plugpack.DraftPlugin{
			Slug: p.Slug, Phase: plugpack.Clean(p.Phase), Description: plugpack.CleanText(p.Description), Commands: cleanedAll(p.Commands),
		})
	}
	return d
}

func (h *handlers) createPack(ctx context.Context, in *createPackInput) (*packOutput, error) {
	u, err := h.allowed(ctx, plugpack.ScopePacks, plugpack.Curator)
	if err != nil {
		return nil, err
	}
	p, err := h.store.CreatePack(ctx, postgres.Actor(u.ID), in.Body.draft(in.Body.Slug, u), time.Now())
	if err != nil {
		return nil, err
	}
	return h.wholePack(ctx, p)
}

func (h *handlers) updatePack(ctx context.Context, in *updatePackInput) (*packOutput, error) {
	u, err := h.allowed(ctx, plugpack.ScopePacks, plugpack.Curator)
	if err != nil {
		return nil, err
	}
	p, err := h.store.UpdatePack(ctx, postgres.Actor(u.ID), in.ID, in.Body.Edition, in.Body.draft("", u), time.Now())
	if err != nil {
		return nil, err
	}
	return h.wholePack(ctx, p)
}

func (h *handlers) markPack(ctx context.Context, in *markPackInput) (*packOutput, error) {
	u, err := h.allowed(ctx, plugpack.ScopePacks, plugpack.Curator)
	if err != nil {
		return nil, err
	}
	marks := postgres.PackMarks{Featured: in.Body.Featured, Published: in.Body.Published}
	p, err := h.store.MarkPack(ctx, postgres.Actor(u.ID), in.ID, in.Body.Edition, marks, time.Now())
	if err != nil {
		return nil, err
	}
	return h.wholePack(ctx, p)
}

func (h *handlers) deletePack(ctx context.Context, in *ByID) (*struct{ PackSeen }, error) {
	u, err := h.allowed(ctx, plugpack.ScopePacks, plugpack.Curator)
	if err != nil {
		return nil, err
	}
	p, err := h.store.MarkPack(ctx, postgres.Actor(u.ID), in.ID, 0, postgres.PackMarks{Removed: true}, time.Now())
	return &struct{ PackSeen }{packSeen(p)}, err
}
