package rest

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// credentials are what a request brings to say whose it is: the gateway's
// signed word, or an API token. Nothing else counts.
type credentials struct{ signed, token string }

type credentialsKey struct{}

// withCredentials keeps the request's credentials for handlers that ask. They
// are not looked at before: most requests need nobody's name.
func withCredentials(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := credentials{signed: r.Header.Get(identity.Header)}
		if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
			c.token = strings.TrimSpace(token)
		}
		if c != (credentials{}) {
			r = r.WithContext(context.WithValue(r.Context(), credentialsKey{}, c))
		}
		next.ServeHTTP(w, r)
	})
}

// who gives the user whose request this is.
func (h *handlers) who(ctx context.Context) (u plugpack.User, err error) {
	c, _ := ctx.Value(credentialsKey{}).(credentials)
	switch {
	case c.signed != "":
		p, err := h.identities.Verify(c.signed)
		if err != nil {
			return u, err
		}
		u, err = h.store.SignIn(ctx, p.GitHubID, p.Login, p.Avatar, time.Now())
		if err != nil {
			return u, err
		}
	case c.token != "":
		if u, err = h.store.TokenUser(ctx, c.token, time.Now()); err != nil {
			return u, err
		}
	default:
		return u, errs.New(errs.Unauthorized, "sign in, or send an API token as Authorization: Bearer")
	}
	if u.Banned != "" {
		return u, errs.New(errs.Forbidden, "your account may not be used any more: %s", u.Banned)
	}
	return u, nil
}

// allowed gives the user if he may do what scope names, and has the role where
// one is needed.
func (h *handlers) allowed(ctx context.Context, scope plugpack.Scope, role plugpack.Role) (plugpack.User, error) {
	u, err := h.who(ctx)
	switch {
	case err != nil:
		return u, err
	case !u.May(scope):
		return u, errs.New(errs.Forbidden, "this token lacks the scope %s", scope)
	case role != "" && !u.Is(role):
		return u, errs.New(errs.Forbidden, "only a %s may do this", role)
	}
	return u, nil
}

// change registers an operation that changes something, or is nobody else's
// business, and needs a user; open lets those in who are not signed in.
func change[I, O any](h *handlers, a huma.API, method, path, id, summary, tag string, f func(context.Context, *I) (*O, error), open ...map[string][]string) {
	status := http.StatusOK
	if method == http.MethodPost {
		status = http.StatusCreated
	}
	if _, speaks := reflect.TypeFor[O]().FieldByName("Body"); !speaks {
		status = http.StatusNoContent
	}
	op := huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{tag}, DefaultStatus: status,
		Security: append(open, map[string][]string{"token": {}}),
		Errors: []int{
			http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity,
			http.StatusTooManyRequests, http.StatusServiceUnavailable,
		},
	}
	if len(open) == 0 {
		op.Middlewares = huma.Middlewares{signedIn(a)}
	}
	op.Middlewares = append(op.Middlewares, wholeBody(a))
	register(h, a, op, f)
}

// signedIn refuses who brings no credentials before anything of the request is
// read. What it answers to the others is nothing that anybody else may keep.
func signedIn(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		ctx.SetHeader("Cache-Control", "no-store")
		if ctx.Context().Value(credentialsKey{}) == nil {
			_ = huma.WriteErr(a, ctx, http.StatusUnauthorized, "sign in, or send an API token as Authorization: Bearer")
			return
		}
		next(ctx)
	}
}

func cleanedAll[S ~string](list []S) []string {
	out := make([]string, 0, len(list))
	for _, item := range list {
		if s := plugpack.Clean(string(item)); s != "" {
			out = append(out, s)
		}
	}
	return out
}
