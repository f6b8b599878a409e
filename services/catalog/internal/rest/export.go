package rest

import (
	"compress/gzip"
	"fmt"
	"net/http"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// exportPath is the one GET whose answer is too large to be kept until its tag
// is known; its tag says how many plugins there are and when one changed last.
const exportPath = "/api/export/plugins.jsonl.gz"

// export streams every plugin as a line of JSON, by id.
func (h *handlers) export(w http.ResponseWriter, r *http.Request) {
	n, changed, err := h.store.Extent(r.Context())
	if err != nil {
		h.log.WarnContext(r.Context(), "request refused", "operation", "export", "err", err)
		api.WriteProblem(w, errs.New(errs.Unavailable, "the catalog's database is away, try again in a moment"))
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
