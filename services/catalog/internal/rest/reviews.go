package rest

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const tagReviews = "Reviews"

// ReviewBody is what a reviewer writes.
type ReviewBody struct {
	Rating     int         `json:"rating" minimum:"1" maximum:"5" example:"5"`
	Title      string      `json:"title" maxLength:"200" example:"Saves us an hour a week"`
	Body       string      `json:"body" maxLength:"5000" example:"Deploys and rolls back without surprises."`
	ProTip     string      `json:"pro_tip,omitempty" maxLength:"1000" example:"Set the cluster once, in the settings."`
	Gotcha     string      `json:"gotcha,omitempty" maxLength:"1000" example:"It wants kubectl 1.30 or newer."`
	ExampleURL string      `json:"example_url,omitempty" maxLength:"512" example:"https://github.com/acme/demo" doc:"An https address"`
	Frameworks []framework `json:"frameworks,omitempty" maxItems:"20" example:"kubernetes,helm"`
	TeamSize   string      `json:"team_size,omitempty" enum:"solo,small,medium,large"`
}

func (b ReviewBody) text() (plugpack.ReviewText, error) {
	t := plugpack.ReviewText{
		Rating: b.Rating, Title: plugpack.Clean(b.Title), Body: plugpack.CleanText(b.Body), ProTip: plugpack.CleanText(b.ProTip), Gotcha: plugpack.CleanText(b.Gotcha),
		ExampleURL: b.ExampleURL, Frameworks: cleanedAll(b.Frameworks), TeamSize: b.TeamSize,
	}
	if u, err := url.Parse(b.ExampleURL); b.ExampleURL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || plugpack.Clean(b.ExampleURL) != b.ExampleURL) {
		return t, errs.New(errs.Invalid, "example_url: want an https address")
	}
	return t, nil
}

type reviewOutput struct{ Body api.Review }

func (h *handlers) registerReviews(a huma.API) {
	get(h, a, "/api/plugins/{id}/reviews", "list-reviews", "List a plugin's reviews, the newest first", tagReviews, h.listReviews)
	change(h, a, http.MethodPost, "/api/plugins/{id}/reviews", "add-review", "Review a plugin, once", tagReviews, h.addReview)
	change(h, a, http.MethodPut, "/api/plugins/{id}/reviews", "edit-review", "Change your review of a plugin", tagReviews, h.editReview)
	change(h, a, http.MethodDelete, "/api/reviews/{id}", "delete-review", "Delete your review", tagReviews, h.deleteReview)
	change(h, a, http.MethodPut, "/api/reviews/{id}/helpful", "mark-helpful", "Say that a review helped you", tagReviews, h.helpful(true))
	change(h, a, http.MethodDelete, "/api/reviews/{id}/helpful", "unmark-helpful", "Take that back", tagReviews, h.helpful(false))
	change(h, a, http.MethodPost, "/api/reviews/{id}/report", "report-review", "Tell the curators of a review", tagReviews, h.reportReview)
}

func (h *handlers) listReviews(ctx context.Context, in *struct {
	ByID
	Skip  int `query:"skip" minimum:"0" maximum:"100000" example:"20"`
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"20"`
},
) (*struct{ Body api.Reviews }, error) {
	rs, rating, err := h.store.Reviews(ctx, in.ID, in.Skip, in.Limit)
	return &struct{ Body api.Reviews }{api.Reviews{Rating: rating, Reviews: apiReviews(rs)}}, err
}

func apiReviews(rs []plugpack.Review) []api.Review {
	out := make([]api.Review, len(rs))
	for i, r := range rs {
		out[i] = api.NewReview(r)
	}
	return out
}

func (h *handlers) addReview(ctx context.Context, in *struct {
	ByID
	Body ReviewBody
},
) (*reviewOutput, error) {
	u, err := h.allowed(ctx, plugpack.ScopeReviews, "")
	if err != nil {
		return nil, err
	}
	text, err := in.Body.text()
	if err != nil {
		return nil, err
	}
	r, err := h.store.AddReview(ctx, u, in.ID, text, time.Now())
	return &reviewOutput{api.NewReview(r)}, err
}

func (h *handlers) editReview(ctx context.Context, in *struct {
	ByID
	Body struct {
		Edition int64 `json:"edition" minimum:"1" maximum:"1000000000000" doc:"The edition that this change started from" example:"1"`
		ReviewBody
	}
},
) (*reviewOutput, error) {
	u, err := h.allowed(ctx, plugpack.ScopeReviews, "")
	if err != nil {
		return nil, err
	}
	text, err := in.Body.text()
	if err != nil {
		return nil, err
	}
	r, err := h.store.EditReview(ctx, u, in.ID, in.Body.Edition, text, time.Now())
	return &reviewOutput{api.NewReview(r)}, err
}

func (h *handlers) deleteReview(ctx context.Context, in *ByID) (*struct{}, error) {
	u, err := h.allowed(ctx, plugpack.ScopeReviews, "")
	if err != nil {
		return nil, err
	}
	return nil, h.store.DeleteReview(ctx, u, in.ID)
}

func (h *handlers) helpful(yes bool) func(context.Context, *ByID) (*struct{}, error) {
	return func(ctx context.Context, in *ByID) (*struct{}, error) {
		u, err := h.allowed(ctx, plugpack.ScopeReviews, "")
		if err != nil {
			return nil, err
		}
		return nil, h.store.MarkHelpful(ctx, u, in.ID, yes, time.Now())
	}
}

func (h *handlers) reportReview(ctx context.Context, in *struct {
	ByID
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" example:"It is an advertisement"`
	}
},
) (*struct{}, error) {
	u, err := h.allowed(ctx, plugpack.ScopeReviews, "")
	if err != nil {
		return nil, err
	}
	return nil, h.store.ReportReview(ctx, u, in.ID, plugpack.CleanText(in.Body.Reason), time.Now())
}
