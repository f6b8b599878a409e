package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// operationKey finds the operation in the context of its handler.
type operationKey struct{}

// textOnly refuses, before any handler, a parameter that no store can hold:
// broken UTF-8 or the character NUL.
func textOnly(a huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		u := ctx.URL()
		query := u.Query()
		var faults []error
		for _, p := range ctx.Operation().Parameters {
			values := query[p.Name]
			if p.In == "path" {
				values = []string{ctx.Param(p.Name)}
			}
			if !slices.ContainsFunc(values, func(v string) bool { return !isText(v) }) {
				continue
			}
			faults = append(faults, &huma.ErrorDetail{Location: p.In + "." + p.Name, Message: "it holds a character that no text may have"})
		}
		if faults != nil {
			_ = huma.WriteErr(a, ctx, http.StatusUnprocessableEntity, "validation failed", faults...)
			return
		}
		next(huma.WithValue(ctx, operationKey{}, ctx.Operation()))
	}
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// named gives the field that a sentence is about: errors of the store and of
// cursors begin with the parameter's name and a colon.
func named(ctx context.Context, sentence string) []error {
	op, _ := ctx.Value(operationKey{}).(*huma.Operation)
	name, message, _ := strings.Cut(sentence, ": ")
	if op == nil {
		return nil
	}
	for _, p := range op.Parameters {
		if p.Name == name {
			return []error{&huma.ErrorDetail{Location: p.In + "." + name, Message: message}}
		}
	}
	return nil
}
