package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const tagMe = "Me"

type tokenInput struct {
	Body struct {
		Name   string           `json:"name" minLength:"1" maxLength:"100" example:"ci"`
		Scopes []plugpack.Scope `json:"scopes" minItems:"1" maxItems:"4" enum:"reviews,packs,submissions,admin"`
		Days   int              `json:"days,omitempty" minimum:"1" maximum:"365" default:"90" doc:"After which it expires"`
	}
}

func (h *handlers) registerMe(a huma.API) {
	change(h, a, http.MethodGet, "/api/me", "get-me", "Who you are", tagMe, h.me)
	change(h, a, http.MethodGet, "/api/me/tokens", "list-tokens", "List your API tokens", tagMe, h.listTokens)
	change(h, a, http.MethodPost, "/api/me/tokens", "create-token", "Make an API token; it is shown once", tagMe, h.createToken)
	change(h, a, http.MethodDelete, "/api/me/tokens/{id}", "revoke-token", "End an API token at once", tagMe, h.revokeToken)
}

func (h *handlers) me(ctx context.Context, _ *struct{}) (*struct{ Body api.Me }, error) {
	u, err := h.who(ctx)
	return &struct{ Body api.Me }{api.NewMe(u)}, err
}

// owner gives the user if he is signed in himself: a token must not make
// others, or one that leaks would never end.
func (h *handlers) owner(ctx context.Context) (plugpack.User, error) {
	u, err := h.who(ctx)
	if err == nil && u.Scopes != nil {
		err = errs.New(errs.Forbidden, "sign in to look after your tokens: a token cannot do that")
	}
	return u, err
}

func (h *handlers) listTokens(ctx context.Context, _ *struct{}) (*struct{ Body []plugpack.APIToken }, error) {
	u, err := h.owner(ctx)
	if err != nil {
		return nil, err
	}
	ts, err := h.store.Tokens(ctx, u)
	if ts == nil {
		ts = []plugpack.APIToken{}
	}
	return &struct{ Body []plugpack.APIToken }{ts}, err
}

func (h *handlers) createToken(ctx context.Context, in *tokenInput) (*struct{ Body api.NewToken }, error) {
	u, err := h.owner(ctx)
	if err != nil {
		return nil, err
	}
	name := plugpack.Clean(in.Body.Name)
	if name == "" {
		return nil, errs.New(errs.Invalid, "name: want a name that can be read")
	}
	t, secret, err := h.store.CreateToken(ctx, u, name, in.Body.Scopes, time.Duration(in.Body.Days)*24*time.Hour, time.Now())
	return &struct{ Body api.NewToken }{api.NewToken{APIToken: t, Token: secret}}, err
}

func (h *handlers) revokeToken(ctx context.Context, in *ByID) (*struct{}, error) {
	u, err := h.owner(ctx)
	if err != nil {
		return nil, err
	}
	return nil, h.store.RevokeToken(ctx, u, in.ID, time.Now())
}
