package rest

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// registerExport documents by hand what huma, which answers with whole bodies,
// does not serve.
func (h *handlers) registerExport(r chi.Router, a huma.API) {
	r.Get(api.ExportPath, h.export)
	a.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "export", Method: http.MethodGet, Path: api.ExportPath, Summary: "Every plugin, a line of JSON each, compressed", Tags: []string{tagPlugins},
		Responses: map[string]*huma.Response{
			"200": {Description: "Each line is a plugin's page", Content: map[string]*huma.MediaType{
				"application/gzip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "the bytes of a .gz file"},
			}},
			"503": {Description: http.StatusText(http.StatusServiceUnavailable), Content: map[string]*huma.MediaType{
				problemType: {Schema: a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[problem](), true, "")},
			}},
		},
	})
}

// export streams every plugin as a line of JSON, by id. The answer is too large to
// be kept until its tag is known; its tag says how many plugins there are and when
// one changed last.
func (h *handlers) export(w http.ResponseWriter, r *http.Request) {
	n, changed, err := h.store.Extent(r.Context())
	if err != nil {
		api.WriteProblem(w, h.told(r.Context(), "export", err))
		return
	}
	tag := fmt.Sprintf(`W/"%d-%d"`, n, changed.UnixMicro())
	w.Header().Set("ETag", tag)
	w.Header().Set("X-Total-Count", fmt.Sprint(n))
	if api.Matches(r, tag[2:]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/gzip")
	if r.Method == http.MethodHead {
		return
	}
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	err = h.store.EachPlugin(r.Context(), func(p plugpack.Plugin) error { return api.Encode(z, api.NewPluginPage(p)) })
	if err != nil {
		h.log.WarnContext(r.Context(), "export ended early", "err", err)
		panic(http.ErrAbortHandler) // the client must not take half for the whole
	}
	_ = z.Close()
}
