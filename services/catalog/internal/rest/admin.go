package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const tagAdmin = "Admin"

type curateInput struct {
	ByID
	Body struct {
		Featured   *bool   `json:"featured,omitempty"`
		Verified   *bool   `json:"verified,omitempty"`
		Official   *bool   `json:"official,omitempty"`
		Deprecated *string `json:"deprecated,omitempty" maxLength:"1000" doc:"Why, and what to use instead; an empty text takes it back" example:"Use acme-tools-ship instead"`
		Hidden     *string `json:"hidden,omitempty" maxLength:"1000" doc:"Why; everybody may read it. An empty text shows the plugin again" example:"It sends what it reads to a server that nobody named"`
	}
}

type moderateInput struct {
	ByID
	Body struct {
		State  plugpack.ReviewState `json:"state" enum:"shown,hidden"`
		Reason string               `json:"reason,omitempty" maxLength:"1000" example:"It is about another plugin"`
	}
}

type userInput struct {
	Login string `path:"login" maxLength:"100" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]*$" example:"octocat"`
	Body  struct {
		Roles  *[]plugpack.Role `json:"roles,omitempty" maxItems:"2" enum:"admin,curator" doc:"Exactly these from now on"`
		Banned *string          `json:"banned,omitempty" maxLength:"1000" doc:"Why; an empty text lets the user write again" example:"Three reviews that were advertisements"`
	}
}

func (h *handlers) registerAdmin(a huma.API) {
	change(h, a, http.MethodPatch, "/api/admin/plugins/{id}", "curate-plugin", "Feature, verify, deprecate or hide a plugin", tagAdmin, h.curate)
	change(h, a, http.MethodPatch, "/api/admin/reviews/{id}", "moderate-review", "Show or hide a review", tagAdmin, h.moderate)
	change(h, a, http.MethodPatch, "/api/admin/users/{login}", "change-user", "Give roles to a user, or ban one", tagAdmin, h.changeUser)
	change(h, a, http.MethodPost, "/api/admin/marketplaces/{id}/scan", "rescan-marketplace", "Scan a marketplace now", tagAdmin, h.rescan)
	change(h, a, http.MethodGet, "/api/admin/reviews", "list-held-reviews", "List the reviews that wait for a curator", tagAdmin, h.heldReviews)
	change(h, a, http.MethodGet, "/api/admin/audit", "list-audit", "List what people did, the newest first", tagAdmin, h.auditLog)
}

func (h *handlers) curate(ctx context.Context, in *curateInput) (*struct{ Body plugpack.Curation }, error) {
	u, err := h.allowed(ctx, plugpack.ScopeAdmin, plugpack.Curator)
	if err != nil {
		return nil, err
	}
	if (in.Body.Hidden != nil || in.Body.Official != nil) && !u.Is(plugpack.Admin) {
		return nil, errs.New(errs.Forbidden, "only an admin may hide a plugin or call it official")
	}
	for _, text := range []*string{in.Body.Deprecated, in.Body.Hidden} {
		if text != nil {
			*text = plugpack.CleanText(*text)
		}
	}
	now, err := h.store.Curate(ctx, postgres.Actor(u.ID), in.ID, postgres.CurationChange(in.Body), time.Now())
	return &struct{ Body plugpack.Curation }{now}, err
}

func (h *handlers) moderate(ctx context.Context, in *moderateInput) (*struct{}, error) {
	u, err := h.allowed(ctx, plugpack.ScopeAdmin, plugpack.Curator)
	if err != nil {
		return nil, err
	}
	reason := plugpack.CleanText(in.Body.Reason)
	if in.Body.State == plugpack.ReviewHidden && reason == "" {
		return nil, errs.New(errs.Invalid, "reason: say why the review is hidden")
	}
	return nil, h.store.ModerateReview(ctx, u, in.ID, in.Body.State, reason, time.Now())
}

func (h *handlers) changeUser(ctx context.Context, in *userInput) (*struct{ Body api.Me }, error) {
	u, err := h.allowed(ctx, plugpack.ScopeAdmin, plugpack.Admin)
	if err != nil {
		return nil, err
	}
	if in.Body.Roles == nil && in.Body.Banned == nil {
		return nil, errs.New(errs.Invalid, "roles: say roles or banned")
	}
	var changed plugpack.User
	if in.Body.Roles != nil {
		if changed, err = h.store.SetRoles(ctx, postgres.Actor(u.ID), in.Login, *in.Body.Roles); err != nil {
			return nil, err
		}
	}
	if in.Body.Banned != nil {
		changed, err = h.store.Ban(ctx, postgres.Actor(u.ID), in.Login, plugpack.CleanText(*in.Body.Banned))
	}
	return &struct{ Body api.Me }{api.NewMe(changed)}, err
}

func (h *handlers) rescan(ctx context.Context, in *ByID) (*struct {
	Body struct {
		Scan string `json:"scan" doc:"Its id" example:"018f2c5e-7c1a-7b3d-9a42-5d6f1e0c8b72"`
	}
}, error) {
	u, err := h.allowed(ctx, plugpack.ScopeAdmin, plugpack.Curator)
	if err != nil {
		return nil, err
	}
	var out struct {
		Body struct {
			Scan string `json:"scan" doc:"Its id" example:"018f2c5e-7c1a-7b3d-9a42-5d6f1e0c8b72"`
		}
	}
	out.Body.Scan, err = h.store.Rescan(ctx, postgres.Actor(u.ID), in.ID, time.Now())
	return &out, err
}

func (h *handlers) heldReviews(ctx context.Context, in *struct {
	Skip  int `query:"skip" minimum:"0" maximum:"100000" example:"20"`
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"20"`
},
) (*struct{ Body []api.Review }, error) {
	if _, err := h.allowed(ctx, plugpack.ScopeAdmin, plugpack.Curator); err != nil {
		return nil, err
	}
	rs, err := h.store.HeldReviews(ctx, in.Skip, in.Limit)
	return &struct{ Body []api.Review }{apiReviews(rs)}, err
}

func (h *handlers) auditLog(ctx context.Context, in *struct {
	Subject string `query:"subject" maxLength:"800" example:"plugin:github.com/acme/tools:deploy"`
	Before  int64  `query:"before" minimum:"0" doc:"Number of the last entry of the page before" example:"4711"`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
},
) (*struct{ Body []plugpack.AuditEntry }, error) {
	if _, err := h.allowed(ctx, plugpack.ScopeAdmin, plugpack.Admin); err != nil {
		return nil, err
	}
	entries, err := h.store.Audit(ctx, in.Subject, in.Before, in.Limit)
	if entries == nil {
		entries = []plugpack.AuditEntry{}
	}
	return &struct{ Body []plugpack.AuditEntry }{entries}, err
}
