// Package request is what every request goes through before it is routed: it
// gets an id and a trace, its client is found out, headers that only we may
// set are taken off, and when it is over it leaves exactly one log line.
package request

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Headers of a request that the gateway sets.
const (
	HeaderID    = "X-Request-Id"
	HeaderCache = "X-Cache" // "hit" or "miss", on a plugin's page
)

// saneID is what a client's own request id may look like; it goes into logs.
var saneID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)

// Log gives each request an id and a trace, recovers from panics, and logs the
// one line. It is the outermost, so that whatever answers is counted.
func Log(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			r, span := begin(r)
			defer span.End()
			id := r.Header.Get(HeaderID)
			w.Header().Set(HeaderID, id)
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)

			panicked := serve(next, ww, r)
			line{start, id, panicked, ww}.write(r, log)
			if panicked == http.ErrAbortHandler {
				panic(panicked) // the answer is broken off and the client has to see that
			}
		})
	}
}

// begin makes the request of the inner handlers: with headers of its own, an
// id and a trace.
func begin(r *http.Request) (*http.Request, trace.Span) {
	ctx := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := otel.Tracer("gateway").Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
	out := r.WithContext(ctx)
	out.Header = r.Header.Clone()
	if !saneID.MatchString(out.Header.Get(HeaderID)) {
		out.Header.Set(HeaderID, uuid.NewString())
	}
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(out.Header))
	return out, span
}

func serve(next http.Handler, w middleware.WrapResponseWriter, r *http.Request) (panicked any) {
	defer func() {
		panicked = recover()
		if panicked == nil || panicked == http.ErrAbortHandler {
			return
		}
		if w.Status() == 0 {
			api.WriteProblem(w, errs.New(errs.Internal, "internal error"))
		}
		panicked = fmt.Sprintf("%v\n%s", panicked, debug.Stack())
	}()
	next.ServeHTTP(w, r)
	return nil
}

type line struct {
	start    time.Time
	id       string
	panicked any
	w        middleware.WrapResponseWriter
}

func (l line) write(r *http.Request, log *slog.Logger) {
	ctx := r.Context()
	status := l.w.Status()
	if status == 0 {
		status = http.StatusOK
	}
	level := slog.LevelInfo
	switch {
	case l.panicked != nil && l.panicked != http.ErrAbortHandler || status == http.StatusInternalServerError:
		level = slog.LevelError
	case status > http.StatusInternalServerError:
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("route", route(ctx)), slog.String("path", plugpack.Cut(r.URL.Path, 200)),
		slog.Int("status", status),
		slog.Float64("dur_ms", float64(time.Since(l.start).Microseconds())/1000), slog.Int("bytes", l.w.BytesWritten()),
		slog.String("client", peer(r)), slog.String("request_id", l.id),
	}
	if cached := l.w.Header().Get(HeaderCache); cached != "" {
		attrs = append(attrs, slog.String("cache", cached))
	}
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		attrs = append(attrs, slog.String("trace_id", id.String()))
	}
	if l.panicked != nil {
		attrs = append(attrs, slog.Any("err", l.panicked))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

// constraint is what a parameter of a pattern must look like; logs do without.
var constraint = regexp.MustCompile(`:(?:[^{}]|\{[^{}]*\})*\}`)

// route gives the pattern of the route that was taken, "" if none was.
func route(ctx context.Context) string {
	c := chi.RouteContext(ctx)
	if c == nil {
		return ""
	}
	return constraint.ReplaceAllString(c.RoutePattern(), "}")
}

// Client finds out the client's address: the peer's own, or, when the peer is
// one of the trusted proxies, the last one in X-Forwarded-For that is not.
// Whatever anybody else writes into such headers is taken off, and the catalog
// is told what was found.
func Client(trusted []netip.Prefix) func(http.Handler) http.Handler {
	find := middleware.ClientIPFromRemoteAddr
	if len(trusted) > 0 {
		cidrs := make([]string, len(trusted))
		for i, p := range trusted {
			cidrs[i] = p.String()
		}
		find = middleware.ClientIPFromXFF(cidrs...)
	}
	return func(next http.Handler) http.Handler {
		return find(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			clean(r, trustedPeer(r, trusted))
			next.ServeHTTP(w, r)
		}))
	}
}

func trustedPeer(r *http.Request, trusted []netip.Prefix) bool {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr := at.Addr().Unmap().WithZone("")
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Headers that only a trusted proxy, or nobody, may send us.
var (
	forwarded = []string{"X-Forwarded-Host", "X-Forwarded-Proto"}
	forged    = []string{
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server",
		"X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip",
	}
	hop = []string{
		"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}
)

// internalPrefix begins the names of the headers that our services send each
// other.
const internalPrefix = "Plugpack-"

func clean(r *http.Request, fromProxy bool) {
	h := r.Header
	for name := range strings.SplitSeq(strings.Join(h.Values("Connection"), ","), ",") {
		h.Del(strings.TrimSpace(name))
	}
	for _, name := range hop {
		h.Del(name)
	}
	for name := range h {
		if strings.HasPrefix(name, internalPrefix) {
			delete(h, name)
		}
	}
	for _, name := range forged {
		h.Del(name)
	}
	for _, name := range forwarded {
		if !fromProxy {
			h.Del(name)
		}
	}
	h.Set("X-Forwarded-For", peer(r))
	if h.Get("X-Forwarded-Host") == "" {
		h.Set("X-Forwarded-Host", r.Host)
	}
	if h.Get("X-Forwarded-Proto") == "" {
		proto := "http"
		if r.TLS != nil {
			proto = "https"
		}
		h.Set("X-Forwarded-Proto", proto)
	}
}

// peer gives the client's address; behind a proxy whose header makes no sense
// it is the proxy's.
func peer(r *http.Request) string {
	if addr := middleware.GetClientIPAddr(r.Context()); addr.IsValid() {
		return addr.String()
	}
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return at.Addr().Unmap().WithZone("").String()
	}
	return "unknown"
}

// ClientKey gives what an address counts as: an IPv4 address as itself, and an
// IPv6 one as its network of 64 bits, since one client has all of those.
func ClientKey(r *http.Request) string {
	key := peer(r)
	addr, err := netip.ParseAddr(key)
	if err != nil || addr.Is4() {
		return key
	}
	if p, err := addr.Prefix(64); err == nil {
		return p.String()
	}
	return key
}

// exportTime is how long the whole catalog may take.
const exportTime = 10 * time.Minute

// Bound limits a request's body and its time, but for an answer that goes on.
func Bound(maxBody int64, maxTime time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > maxBody {
				TooLarge(w, maxBody)
				return
			}
			if !api.Streams(r) {
				most := maxTime
				if r.URL.Path == api.ExportPath {
					most = exportTime
				}
				ctx, cancel := context.WithTimeout(r.Context(), most)
				defer cancel()
				r = r.WithContext(ctx)
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			next.ServeHTTP(w, r)
		})
	}
}

// TooLarge answers a request whose body is larger than limit bytes.
func TooLarge(w http.ResponseWriter, limit int64) {
	api.WriteStatus(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body may have at most %d bytes", limit))
}
