package rest

import (
	"bytes"
	"net/http"

	"github.com/plugpack/plugpack/libs/api"
)

// withETag tags every successful GET by its bytes, and answers 304 to a client
// that has them.
func withETag(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path == api.ExportPath || api.Streams(r) {
			next.ServeHTTP(w, r)
			return
		}
		b := &buffer{header: w.Header(), status: http.StatusOK}
		next.ServeHTTP(b, r)
		if b.status == http.StatusOK {
			tag := api.ETag(b.body.Bytes())
			w.Header().Set("ETag", tag)
			if api.Matches(r, tag) {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.WriteHeader(b.status)
		_, _ = w.Write(b.body.Bytes())
	})
}

// buffer keeps an answer until its tag is known.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffer) Header() http.Header         { return b.header }
func (b *buffer) WriteHeader(status int)      { b.status = status }
func (b *buffer) Write(p []byte) (int, error) { return b.body.Write(p) }
