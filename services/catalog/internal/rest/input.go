package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
)

func init() {
	// A member of another letter case is another one. To huma it was the same
	// one, and checked was the one and taken the other.
	huma.ValidateStrictCasing = true
	// We give lists, and want them, and nothing in their place.
	huma.DefaultArrayNullable = false
}

// ByID is the address of one thing. It is exported because huma reads embedded
// structs only if they are.
type ByID struct {
	ID string `path:"id" format:"uuid" minLength:"36" maxLength:"36"`
}

// operationKey finds the operation in the context of its handler.
type operationKey struct{}

// textOnly refuses, before any handler, a parameter that no store can hold.
func textOnly(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		u := ctx.URL()
		query := u.Query()
		var faults []api.ProblemField
		for _, p := range ctx.Operation().Parameters {
			values := query[p.Name]
			if p.In == "path" {
				values = []string{ctx.Param(p.Name)}
			}
			for _, v := range values {
				if f := api.CheckParameter(v, p.In+"."+p.Name); f != nil {
					faults = append(faults, *f)
					break
				}
			}
		}
		if faults != nil {
			refuse(a, ctx, faults)
			return
		}
		next(huma.WithValue(ctx, operationKey{}, ctx.Operation()))
	}
}

// wholeBody reads the body, within its bound, and refuses one that cannot be
// taken at its word.
func wholeBody(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if ctx.Operation().RequestBody == nil {
			next(ctx)
			return
		}
		body, err := io.ReadAll(ctx.BodyReader())
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			_ = huma.WriteErr(a, ctx, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body may have at most %d bytes", tooLarge.Limit))
			return
		}
		if err != nil {
			_ = huma.WriteErr(a, ctx, http.StatusBadRequest, "the body broke off")
			return
		}
		if faults := api.CheckDocument(body, "body"); faults != nil {
			refuse(a, ctx, faults)
			return
		}
		next(&read{ctx, bytes.NewReader(body)})
	}
}

// read is a request whose body was read already.
type read struct {
	unread
	body io.Reader
}

type unread = huma.Context

// BodyReader gives the body.
func (r *read) BodyReader() io.Reader { return r.body }

// refuse answers that fields of the request are not as they have to be.
func refuse(a huma.API, ctx huma.Context, faults []api.ProblemField) {
	details := make([]error, len(faults))
	for i, f := range faults {
		details[i] = &huma.ErrorDetail{Location: f.Location, Message: f.Message}
	}
	_ = huma.WriteErr(a, ctx, http.StatusUnprocessableEntity, "validation failed", details...)
}

// unmarshal reads JSON, and says in our words what is wrong with it.
func unmarshal(b []byte, into any) error {
	err := json.Unmarshal(b, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		// A number that the schema takes for a whole one, and Go does not.
		return errs.New(errs.Invalid, "%s: want plain digits", embedded.ReplaceAllString(wrong.Field, ""))
	}
	if err != nil {
		return errs.New(errs.Invalid, "it is not JSON, or none of this kind")
	}
	return nil
}

// embedded are the names of structs within the path of a field.
var embedded = regexp.MustCompile(`\b[A-Z]\w*\.`)

// member is what the name of a member of a body looks like.
var member = regexp.MustCompile(`^[a-z_]+(\[\d+\])?(\.[a-z_]+(\[\d+\])?)*$`)

// named gives the field that a sentence is about: errors of handlers, of the
// store and of cursors begin with its name and a colon.
func named(ctx context.Context, sentence string) []error {
	op, _ := ctx.Value(operationKey{}).(*huma.Operation)
	name, message, found := strings.Cut(sentence, ": ")
	if op == nil || !found {
		return nil
	}
	for _, p := range op.Parameters {
		if p.Name == name {
			return []error{&huma.ErrorDetail{Location: p.In + "." + name, Message: message}}
		}
	}
	if op.RequestBody != nil && member.MatchString(name) {
		return []error{&huma.ErrorDetail{Location: "body." + name, Message: message}}
	}
	return nil
}
