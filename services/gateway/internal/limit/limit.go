// Package limit bounds how many requests a minute one client may make. The
// counting is done elsewhere; here it is asked for, written into the answer's
// headers, and a client that is over its share is sent away. A counter that
// fails lets everyone through: the limit protects the service and must not
// become what takes it down.
package limit

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/gateway/internal/outage"
)

// patience is how long a request waits for the counter.
const patience = 250 * time.Millisecond

// Allow counts one request of client and gives what is left of its perMinute,
// or how long to wait.
type Allow func(ctx context.Context, client string, perMinute int) (remaining int, retryAfter time.Duration, err error)

// Handler limits each client to perMinute requests; 0 is no limit. client tells
// whose a request is.
func Handler(perMinute int, client func(*http.Request) string, allow Allow, log *slog.Logger) func(http.Handler) http.Handler {
	away := outage.New("rate limiter", "requests are not limited", log)
	return func(next http.Handler) http.Handler {
		if perMinute == 0 {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if exempt(r) || away.Resting() {
				next.ServeHTTP(w, r)
				return
			}
			ctx, cancel := context.WithTimeout(r.Context(), patience)
			remaining, after, err := allow(ctx, client(r), perMinute)
			cancel()
			if r.Context().Err() == nil { // or it is the client who is away
				away.Report(r.Context(), err)
			}
			if err != nil {
				next.ServeHTTP(w, r)
				return
			}
			describe(w.Header(), perMinute, remaining)
			if after > 0 {
				api.WriteProblem(w, errs.RetryLater(errs.TooMany, after, "more than %d requests a minute: try again later", perMinute))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// exempt lets health checks through: a busy client must not make the platform
// restart the service.
func exempt(r *http.Request) bool { return r.URL.Path == "/health" || r.URL.Path == "/api/health" }

// describe tells the limit, what is left, and in how many seconds the whole
// share is back.
func describe(h http.Header, perMinute, remaining int) {
	reset := math.Ceil(float64(perMinute-remaining) * 60 / float64(perMinute))
	h.Set("RateLimit-Limit", strconv.Itoa(perMinute))
	h.Set("RateLimit-Remaining", strconv.Itoa(remaining))
	h.Set("RateLimit-Reset", strconv.Itoa(int(reset)))
}
