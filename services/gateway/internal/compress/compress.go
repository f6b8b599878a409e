// Package compress compresses answers for clients that ask for it, with zstd
// or gzip.
//
// A compressed answer is not the same bytes as the plain one, so its entity tag
// becomes a weak one; and since the handlers below know only their strong tags,
// the mark of weakness is taken off what a client sends back.
package compress

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"github.com/plugpack/plugpack/libs/api"
)

// New gives the middleware.
func New() (func(http.Handler) http.Handler, error) {
	wrap, err := gzhttp.NewWrapper()
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	return func(next http.Handler) http.Handler {
		compressed := wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if tags := r.Header.Get("If-None-Match"); tags != "" {
				r.Header.Set("If-None-Match", strings.ReplaceAll(tags, `W/"`, `"`))
			}
			if api.Streams(r) { // an event must not wait for more to be packed with
				next.ServeHTTP(w, r)
				return
			}
			compressed(&weakener{ResponseWriter: w}, r)
		})
	}, nil
}

// weakener weakens the tag of an answer that was compressed.
type weakener struct {
	http.ResponseWriter
	wrote bool
}

// WriteHeader sends the header.
func (w *weakener) WriteHeader(status int) {
	if status >= 200 && !w.wrote {
		w.wrote = true
		h := w.Header()
		if tag := h.Get("ETag"); h.Get("Content-Encoding") != "" && strings.HasPrefix(tag, `"`) {
			h.Set("ETag", "W/"+tag)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *weakener) Write(b []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Flush sends what is buffered.
func (w *weakener) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap gives the writer below.
func (w *weakener) Unwrap() http.ResponseWriter { return w.ResponseWriter }
