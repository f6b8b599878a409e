package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

const tagSubmissions = "Submissions"

type submissionOutput struct{ Body plugpack.Submission }

func (h *handlers) registerSubmissions(a huma.API) {
	change(h, a, http.MethodPost, "/api/submissions", "submit", "Ask for a repository to be listed; nobody has to be signed in", tagSubmissions, h.submit, map[string][]string{})
	get(h, a, "/api/submissions/{id}", "get-submission", "How far a submission is", tagSubmissions, h.submission)
	change(h, a, http.MethodPost, "/api/marketplaces/{id}/claim", "claim-marketplace", "Show that a marketplace is yours: its owner on GitHub is you, or its file .plugpack-owners names you", tagSubmissions, h.claim)
	change(h, a, http.MethodPost, "/api/marketplaces/{id}/opt-out", "opt-out-marketplace", "Remove your marketplace for good", tagSubmissions, h.optOut)
}

func (h *handlers) submit(ctx context.Context, in *struct {
	Body struct {
		Source string `json:"source" minLength:"1" maxLength:"512" example:"acme/tools" doc:"owner/repo on GitHub, or the repository's https address"`
	}
},
) (*submissionOutput, error) {
	key, err := plugpack.ParseMarketplace(in.Body.Source, "github.com")
	if err != nil || key.Local() {
		return nil, errs.New(errs.Invalid, "source: want owner/repo or an https address")
	}
	var by postgres.Actor
	u, err := h.allowed(ctx, plugpack.ScopeSubmissions, "")
	switch {
	case err == nil:
		by = postgres.Actor(u.ID)
	case errs.KindOf(err) != errs.Unauthorized || ctx.Value(credentialsKey{}) != nil:
		return nil, err
	}
	sub, err := h.store.Submit(ctx, by, key, time.Now())
	return &submissionOutput{sub}, err
}

func (h *handlers) submission(ctx context.Context, in *ByID) (*submissionOutput, error) {
	sub, err := h.store.SubmissionByID(ctx, in.ID)
	return &submissionOutput{sub}, err
}

func (h *handlers) claim(ctx context.Context, in *ByID) (*struct{}, error) {
	u, err := h.allowed(ctx, plugpack.ScopeSubmissions, "")
	if err != nil {
		return nil, err
	}
	return nil, h.store.ClaimMarketplace(ctx, u, in.ID, time.Now())
}

func (h *handlers) optOut(ctx context.Context, in *struct {
	ByID
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"1000" example:"We publish it elsewhere now"`
	}
},
) (*struct{}, error) {
	u, err := h.allowed(ctx, plugpack.ScopeSubmissions, "")
	if err != nil {
		return nil, err
	}
	return nil, h.store.OptOutMarketplace(ctx, u, in.ID, plugpack.Clean(in.Body.Reason), time.Now())
}
