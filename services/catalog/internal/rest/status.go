package rest

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
)

type statusOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         api.Status
}

func (h *handlers) registerStatus(a huma.API) {
	get(h, a, "/api/status", "status", "How far search and cached pages are behind the catalog", "", func(ctx context.Context, _ *struct{}) (*statusOutput, error) {
		s, err := h.options.Status(ctx)
		return &statusOutput{CacheControl: "no-store", Body: s}, err
	})
}
