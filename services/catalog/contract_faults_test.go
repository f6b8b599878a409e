package catalog_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/plugpack/plugpack/libs/testkit/contract"
)

// TestContractFindsFaults holds an API to its document that breaks it in every
// way which the test of ours is there to find.
func TestContractFindsFaults(t *testing.T) {
	t.Parallel()
	c := contract.New(t, faulty())
	for _, o := range c.Operations {
		want, _, _ := strings.Cut(strings.TrimPrefix(o.Path, "/"), "/")
		want = strings.ReplaceAll(want, "-", " ")
		if faults := strings.Join(c.Faults(o), "\n"); !strings.Contains(faults, want) {
			t.Errorf("%s %s: the fault is not found in %.500q", o.Method, o.Path, faults)
		}
	}
}

// faulty is an API whose paths say what is wrong with them.
func faulty() http.Handler {
	r := chi.NewRouter()
	a := humachi.New(r, huma.DefaultConfig("Faulty", "1"))
	doc := func(w http.ResponseWriter, _ *http.Request) {
		b, _ := a.OpenAPI().MarshalJSON()
		_, _ = w.Write(b)
	}
	r.Get("/api/openapi.json", doc)
	type in struct {
		Word string `query:"word" maxLength:"9"`
	}
	type out struct {
		Body struct {
			N int `json:"n" maximum:"5"`
		}
	}
	route := func(method, path string, f func(*in, *out) error) {
		huma.Register(a, huma.Operation{OperationID: path, Method: method, Path: path, Errors: []int{http.StatusUnprocessableEntity}}, func(_ context.Context, i *in) (*out, error) {
			o := &out{}
			return o, f(i, o)
		})
	}
	route(http.MethodGet, "/answers-500", func(i *in, _ *out) error {
		if strings.Contains(i.Word, "'") {
			return huma.Error500InternalServerError("broken")
		}
		return nil
	})
	route(http.MethodGet, "/which-the-document-does-not-list", func(i *in, _ *out) error {
		if i.Word == "null" {
			return huma.Error409Conflict("undocumented")
		}
		return nil
	})
	route(http.MethodGet, "/maximum:-got-6", func(_ *in, o *out) error { o.Body.N = 6; return nil })
	route(http.MethodGet, "/does-not-allow-for-word", func(*in, *out) error { return nil })
	route(http.MethodGet, "/does-not-name-query.word", func(i *in, _ *out) error {
		if i.Word == "_" {
			return huma.Error422UnprocessableEntity("something is wrong")
		}
		return nil
	})
	route(http.MethodGet, "/with-a-slash-at-its-end", func(*in, *out) error { return nil })
	route(http.MethodPost, "/who-is-not-signed-in", func(*in, *out) error { return nil })
	return r
}
