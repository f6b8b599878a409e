package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
)

const problemType = "application/problem+json"

// problem is api.Problem as huma wants an error.
type problem struct {
	api.Problem
}

func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) ContentType(string) string { return problemType }

// huma builds its own errors (a parameter out of bounds, a body that does not
// parse) through this variable. Its default echoes the offending value, which
// may be a secret; ours names the field only.
func init() {
	huma.NewError = func(status int, message string, causes ...error) huma.StatusError {
		p := &problem{api.Problem{Title: http.StatusText(status), Status: status, Detail: message}}
		for _, c := range causes {
			if d, ok := errors.AsType[*huma.ErrorDetail](c); ok {
				p.Errors = append(p.Errors, located(d))
			}
		}
		return p
	}
}

// located is the detail; what unmarshal says of a member is at that member.
func located(d *huma.ErrorDetail) api.ProblemField {
	if name, message, found := strings.Cut(d.Message, ": "); found && d.Location == "body" && member.MatchString(name) {
		return api.ProblemField{Message: message, Location: "body." + name}
	}
	return api.ProblemField{Message: d.Message, Location: d.Location}
}

// problem turns an error into its problem document.
func (h *handlers) problem(ctx context.Context, operation string, err error) error {
	if _, ok := errors.AsType[huma.StatusError](err); ok {
		return err
	}
	err = h.told(ctx, operation, err)
	detail := errs.Detail(err)
	var fields []error
	if errs.KindOf(err) == errs.Invalid {
		fields = named(ctx, detail)
	}
	p := huma.NewError(errs.KindOf(err).Status(), detail, fields...)
	if after := api.RetryAfter(err); after != "" {
		return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {after}})
	}
	return p
}

// told gives the error as its reader may see it, and logs what is a person's
// business.
func (h *handlers) told(ctx context.Context, operation string, err error) error {
	kind := errs.KindOf(err)
	if kind == errs.Internal {
		h.log.ErrorContext(ctx, "request failed", "operation", operation, "err", err)
	}
	detail := errs.Detail(err)
	if _, ok := errors.AsType[sqlError](err); ok && kind == errs.Invalid { // its words are the database's
		detail = "a value is too long, or holds a character that no text may have"
	}
	if kind == errs.Unavailable && ctx.Err() == nil { // or it is the client who is away
		h.log.WarnContext(ctx, "request refused", "operation", operation, "err", err)
	}
	if kind == errs.Unavailable && errs.RetryAfter(err) == 0 { // the words are a driver's
		detail = "the catalog's database is away, try again in a moment"
	}
	return errs.RetryLater(kind, errs.RetryAfter(err), "%s", detail)
}

// sqlError is an answer of the database.
type sqlError interface {
	error
	SQLState() string
}

func notFound(w http.ResponseWriter, r *http.Request) {
	api.WriteProblem(w, errs.New(errs.NotFound, "no such path; GET /api/docs lists them all"))
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", strings.Join(methods(r), ", "))
	api.WriteStatus(w, http.StatusMethodNotAllowed, r.Method+" is not possible here; GET /api/docs lists what is")
}

// methods gives what can be done at the request's address.
func methods(r *http.Request) (possible []string) {
	at := chi.RouteContext(r.Context())
	path := at.RoutePath // without the slash at its end
	if path == "" {
		path = r.URL.Path
	}
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if !at.Routes.Match(chi.NewRouteContext(), m, path) {
			continue
		}
		if possible = append(possible, m); m == http.MethodGet {
			possible = append(possible, http.MethodHead)
		}
	}
	return possible
}

// recoverer answers 500 for a handler that panicked.
func recoverer(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				p := recover()
				if p == nil {
					return
				}
				if p == http.ErrAbortHandler {
					panic(p)
				}
				log.ErrorContext(r.Context(), "handler panicked", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				api.WriteProblem(w, errors.New("handler panicked"))
			}()
			next.ServeHTTP(w, r)
		})
	}
}
