package rest

import (
	"context"
	"net/url"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

type versionsInput struct {
	ByID
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor string `query:"cursor" maxLength:"1000" doc:"From the Link header of the page before" example:"eyJ0IjoiMjAyNi0wMS0wMlQwMzowNDowNVoiLCJkIjoiOWY4NmQwODE4ODRjN2Q2NTlhMmZlYWEwYzU1YWQwMTVhM2JmNGYxYjJiMGI4MjJjZDE1ZDZjMTViMGYwMGEwOCJ9"`
}

type diffInput struct {
	ByID
	From string `query:"from" maxLength:"64" pattern:"^([0-9a-f]{64})?$" patternDescription:"a version's digest" doc:"Digest of the earlier version; the one before \"to\" by default" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	To   string `query:"to" maxLength:"64" pattern:"^([0-9a-f]{64})?$" patternDescription:"a version's digest" doc:"Digest of the later version; the current one by default" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
}

func (h *handlers) registerVersions(a huma.API) {
	get(h, a, "/api/plugins/{id}/versions", "list-versions", "List a plugin's versions, the newest first", tagPlugins, h.listVersions)
	get(h, a, "/api/plugins/{id}/diff", "compare-versions", "Say what changed between two versions of a plugin", tagPlugins, h.compareVersions)
}

func (h *handlers) listVersions(ctx context.Context, in *versionsInput) (*listOutput[api.Version], error) {
	var after *postgres.VersionPosition
	if in.Cursor != "" {
		after = new(postgres.VersionPosition)
		if err := api.DecodeCursor(in.Cursor, after); err != nil {
			return nil, err
		}
	}
	vs, total, err := h.store.Versions(ctx, in.ID, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &listOutput[api.Version]{Total: strconv.Itoa(total), Body: make([]api.Version, len(vs))}
	for i, v := range vs {
		out.Body[i] = api.NewVersion(v)
	}
	if len(vs) == in.Limit {
		last := vs[len(vs)-1]
		out.Link, err = nextPage("/api/plugins/"+in.ID+"/versions", url.Values{"limit": {strconv.Itoa(in.Limit)}},
			postgres.VersionPosition{FirstSeen: last.FirstSeen, Digest: last.Digest})
	}
	return out, err
}

func (h *handlers) compareVersions(ctx context.Context, in *diffInput) (*struct{ Body api.VersionDiff }, error) {
	from, to, err := h.store.TwoVersions(ctx, in.ID, in.From, in.To)
	if err != nil {
		return nil, err
	}
	return &struct{ Body api.VersionDiff }{api.NewVersionDiff(from, to)}, nil
}
