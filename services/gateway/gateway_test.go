package gateway_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/klauspost/compress/zstd"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/local"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/gateway"
)

// key is what gateway and catalog share.
const key = "a secret of more than thirty-two characters"

// fixture is a gateway with everything around it in the test's hand.
type fixture struct {
	options gateway.Options
	catalog http.HandlerFunc
	pages   cache.Pages
	limiter gateway.Limiter
	log     bytes.Buffer

	once    sync.Once
	handler http.Handler
}

func newFixture(t testing.TB) *fixture {
	pages, limiter := local.NewCache(), local.NewLimiter(time.Now)
	t.Cleanup(pages.Close)
	t.Cleanup(limiter.Close)
	return &fixture{
		options: gateway.Options{
			Options: identity.Options{SecretKey: key}, Public: service.Public{PublicURL: "http://127.0.0.1:8000"},
			GitHubAPIURL: "https://api.github.com/", CORSOrigins: []string{"*"}, RateLimit: 1000,
		},
		catalog: func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprintf(w, "catalog %s", r.URL.Path) },
		pages:   pages, limiter: limiter,
	}
}

// do sends one request; f may change it first.
func (x *fixture) do(t *testing.T, method, path string, f func(*http.Request)) *http.Response {
	t.Helper()
	x.once.Do(func() {
		responses, _ := x.pages.(cache.Responses)
		g, err := gateway.New(x.options, gateway.Deps{
			Catalog: x.catalog, Pages: x.pages, Responses: responses, Limiter: x.limiter, Log: slog.New(slog.NewJSONHandler(&x.log, nil)),
		})
		if err != nil {
			t.Fatalf("new gateway: %v", err)
		}
		x.handler = g.Handler()
	})
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.RemoteAddr = "192.0.2.7:1234"
	if f != nil {
		f(r)
	}
	w := httptest.NewRecorder()
	x.handler.ServeHTTP(w, r)
	return w.Result()
}

func (x *fixture) get(t *testing.T, path string, headers ...string) *http.Response {
	t.Helper()
	return x.do(t, http.MethodGet, path, func(r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
	})
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantProblem(t *testing.T, res *http.Response, status int) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		t.Fatalf("not a problem document: %v", err)
	}
	if res.StatusCode != status || p.Status != status || p.Detail == "" || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answer %d %s %+v, want a problem document of %d", res.StatusCode, res.Header.Get("Content-Type"), p, status)
	}
	return p
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	for path, want := range map[string]int{
		"/health": 200, "/api": 200, "/api/": 200, "/api/plugins/": 200, "/api/plugins/count": 200, "/api/docs": 200,
		"/api/plugins/slug/a-b-c": 200, "/api/plugins/slug/UPPER": 200, "/api/plugins/not-a-uuid": 200,
		"/": 404, "/apix": 404, "/metrics": 404, "/health/x": 404,
	} {
		res := x.get(t, path)
		if res.StatusCode != want {
			t.Errorf("GET %s = %d, want %d", path, res.StatusCode, want)
		}
		if got := body(t, res); want == 200 && got != "catalog "+path {
			t.Errorf("GET %s = %q, want the catalog's answer", path, got)
		}
	}
}

// In one process the catalog's router is called with the gateway's request.
func TestCatalogWithARouterOfItsOwn(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	r := chi.NewRouter()
	r.Use(middleware.StripSlashes)
	r.Get("/api/plugins", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "list") })
	r.Get("/api/plugins/slug/{slug}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, chi.URLParam(r, "slug")+" "+chi.RouteContext(r.Context()).RoutePattern())
	})
	x.catalog = r.ServeHTTP
	for path, want := range map[string]string{"/api/plugins/": "list", "/api/plugins/slug/a-b": "a-b /api/plugins/slug/{slug}"} {
		if got := body(t, x.get(t, path)); got != want {
			t.Errorf("GET %s = %q, want %q", path, got, want)
		}
	}
	if !strings.Contains(x.log.String(), `"route":"/api/plugins"`) {
		t.Errorf("log = %s", x.log.String())
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	x.catalog = func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("X-Request-Id")) }
	for _, tt := range []struct {
		name, given string
		kept        bool
	}{
		{"a client's id is kept", "abc-123", true},
		{"no id gets one", "", false},
		{"an id that would forge log lines is replaced", "a\tb {\"x\":1}", false},
		{"an endless id is replaced", strings.Repeat("a", 500), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := x.get(t, "/api/", "X-Request-Id", tt.given)
			got := res.Header.Get("X-Request-Id")
			if (got == tt.given) != tt.kept || got == "" {
				t.Errorf("id = %q", got)
			}
			if passed := body(t, res); passed != got {
				t.Errorf("the catalog got %q, the client %q", passed, got)
			}
		})
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	if err := x.pages.Put(t.Context(), cache.SlugKey("a"), cache.Page{Revision: 1, Status: 200, Body: []byte("{}\n")}); err != nil {
		t.Fatal(err)
	}
	res := x.get(t, "/api/plugins/slug/a", "X-Request-Id", "req-1")
	_ = body(t, res)
	var line map[string]any
	if err := json.Unmarshal(x.log.Bytes(), &line); err != nil {
		t.Fatalf("want exactly one line, got %q: %v", x.log.String(), err)
	}
	for name, want := range map[string]any{
		"msg": "request", "level": "INFO", "method": "GET", "status": 200.0, "bytes": 3.0, "client": "192.0.2.7",
		"request_id": "req-1", "cache": "hit", "route": "/api/plugins/slug/{slug}", "path": "/api/plugins/slug/a",
	} {
		if line[name] != want {
			t.Errorf("%s = %v, want %v", name, line[name], want)
		}
	}
	if _, ok := line["dur_ms"].(float64); !ok {
		t.Errorf("dur_ms = %v", line["dur_ms"])
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	x.catalog = func(http.ResponseWriter, *http.Request) { panic("secret detail") }
	p := wantProblem(t, x.get(t, "/api/"), 500)
	if strings.Contains(p.Detail, "secret") {
		t.Errorf("the client sees %q", p.Detail)
	}
	if !strings.Contains(x.log.String(), "secret detail") || !strings.Contains(x.log.String(), `"level":"ERROR"`) {
		t.Errorf("log = %s", x.log.String())
	}
}

func TestHeadersFromOutside(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		trusted []string
		send    map[string]string
		want    map[string]string // at the catalog
	}{
		{
			"internal and forwarding headers of strangers do not pass", nil,
			map[string]string{
				"Plugpack-Revision": "99", "Plugpack-User": "admin", "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https",
				"X-Forwarded-Host": "evil", "Forwarded": "for=10.0.0.1", "X-Real-Ip": "10.0.0.1", "True-Client-Ip": "10.0.0.1",
				"Connection": "X-Secret", "X-Secret": "1", "Upgrade": "websocket",
			},
			map[string]string{
				"Plugpack-Revision": "", "Plugpack-User": "", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http",
				"X-Forwarded-Host": "example.com", "Forwarded": "", "X-Real-Ip": "", "True-Client-Ip": "",
				"Connection": "", "X-Secret": "", "Upgrade": "",
			},
		},
		{
			"a trusted proxy tells the client and the scheme", []string{"192.0.2.0/24"},
			map[string]string{"X-Forwarded-For": "198.51.100.1, 203.0.113.9, 192.0.2.8", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "plugpack.example", "Plugpack-Revision": "9"},
			map[string]string{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "plugpack.example", "Plugpack-Revision": ""},
		},
		{
			"nonsense from a trusted proxy makes the proxy the client", []string{"192.0.2.7"},
			map[string]string{"X-Forwarded-For": "203.0.113.9, what"},
			map[string]string{"X-Forwarded-For": "192.0.2.7"},
		},
		{
			"the trace goes on", nil,
			map[string]string{"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
			map[string]string{"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newFixture(t)
			x.options.TrustedProxies = tt.trusted
			var got http.Header
			x.catalog = func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }
			x.do(t, http.MethodGet, "http://example.com/api/", func(r *http.Request) {
				for name, v := range tt.send {
					r.Header.Set(name, v)
				}
			})
			for name, want := range tt.want {
				if got.Get(name) != want {
					t.Errorf("the catalog got %s: %q, want %q", name, got.Get(name), want)
				}
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	limiters := map[string]func(t *testing.T) gateway.Limiter{
		"in memory": func(t *testing.T) gateway.Limiter {
			l := local.NewLimiter(time.Now)
			t.Cleanup(l.Close)
			return l
		},
		"in Redis": func(t *testing.T) gateway.Limiter { return gateway.NewRedisLimiter(testkit.Redis(t).Client) },
	}
	for name, limiter := range limiters {
		setup := func(t *testing.T) *fixture {
			x := newFixture(t)
			x.options.RateLimit, x.limiter = 3, limiter(t)
			return x
		}
		from := func(addr string) func(*http.Request) {
			return func(r *http.Request) { r.RemoteAddr = addr }
		}
		t.Run(name+"/a client over its share waits", func(t *testing.T) {
			t.Parallel()
			x := setup(t)
			for want := 2; want >= 0; want-- {
				res := x.get(t, "/api/")
				if res.StatusCode != 200 || res.Header.Get("RateLimit-Limit") != "3" || res.Header.Get("RateLimit-Remaining") != strconv.Itoa(want) {
					t.Fatalf("answer %d, headers %v; want %d left", res.StatusCode, res.Header, want)
				}
				if reset, err := strconv.Atoi(res.Header.Get("RateLimit-Reset")); err != nil || reset != 20*(3-want) {
					t.Errorf("RateLimit-Reset = %q", res.Header.Get("RateLimit-Reset"))
				}
			}
			res := x.get(t, "/api/", "Origin", "https://elsewhere.dev")
			after, err := strconv.Atoi(res.Header.Get("Retry-After"))
			if err != nil || after < 1 || after > 20 {
				t.Errorf("Retry-After = %q", res.Header.Get("Retry-After"))
			}
			if res.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("a browser may not read the refusal")
			}
			wantProblem(t, res, 429)
		})
		t.Run(name+"/others and health checks do not wait", func(t *testing.T) {
			t.Parallel()
			x := setup(t)
			for range 5 {
				x.get(t, "/api/")
			}
			if res := x.do(t, http.MethodGet, "/api/", from("192.0.2.8:1")); res.StatusCode != 200 {
				t.Errorf("another client got %d", res.StatusCode)
			}
			for _, path := range []string{"/health", "/api/health"} {
				if res := x.get(t, path); res.StatusCode != 200 || res.Header.Get("RateLimit-Limit") != "" {
					t.Errorf("%s got %d %v", path, res.StatusCode, res.Header)
				}
			}
		})
		t.Run(name+"/a made-up X-Forwarded-For is no other client", func(t *testing.T) {
			t.Parallel()
			x := setup(t)
			last := 0
			for i := range 5 {
				last = x.get(t, "/api/", "X-Forwarded-For", fmt.Sprintf("10.0.0.%d", i)).StatusCode
			}
			if last != 429 {
				t.Errorf("the fifth request got %d, want 429", last)
			}
		})
		t.Run(name+"/addresses of one IPv6 network are one client", func(t *testing.T) {
			t.Parallel()
			x := setup(t)
			last := 0
			for i := range 5 {
				last = x.do(t, http.MethodGet, "/api/", from(fmt.Sprintf("[2001:db8:0:1::%x]:80", i+1))).StatusCode
			}
			if last != 429 {
				t.Errorf("the fifth request got %d, want 429", last)
			}
			if res := x.do(t, http.MethodGet, "/api/", from("[2001:db8:0:2::1]:80")); res.StatusCode != 200 {
				t.Errorf("another network got %d", res.StatusCode)
			}
		})
	}
	t.Run("a limiter that is away lets requests through, with one line in the log", func(t *testing.T) {
		t.Parallel()
		x := newFixture(t)
		r := testkit.Redis(t)
		x.limiter = gateway.NewRedisLimiter(r.Client)
		r.Server.SetError("LOADING")
		for range 20 {
			if res := x.get(t, "/api/"); res.StatusCode != 200 {
				t.Fatalf("answer %d", res.StatusCode)
			}
		}
		if n := strings.Count(x.log.String(), "dependency is away"); n != 1 {
			t.Errorf("%d lines say so, want 1", n)
		}
		r.Server.SetError("")
		testkit.Eventually(t, "requests are counted again", func(context.Context) bool {
			return x.get(t, "/api/").Header.Get("RateLimit-Limit") != ""
		})
		if !strings.Contains(x.log.String(), "dependency is back") {
			t.Error("no line says that it is back")
		}
	})
	t.Run("0 is no limit", func(t *testing.T) {
		t.Parallel()
		x := newFixture(t)
		x.options.RateLimit = 0
		if res := x.get(t, "/api/"); res.StatusCode != 200 || res.Header.Get("RateLimit-Limit") != "" {
			t.Errorf("answer %d %v", res.StatusCode, res.Header)
		}
	})
}

func TestCORS(t *testing.T) {
	t.Parallel()
	preflight := func(origin string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "Content-Type, Authorization")
		}
	}
	for _, tt := range []struct {
		name                string
		origins             []string
		origin, want, creds string
	}{
		{"everyone", []string{"*"}, "https://a.dev", "*", ""},
		{"a named site, with cookies", []string{"https://a.dev"}, "https://a.dev", "https://a.dev", "true"},
		{"another site", []string{"https://a.dev"}, "https://b.dev", "", ""},
		{"nothing said is everyone, without cookies", nil, "https://a.dev", "*", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newFixture(t)
			x.options.CORSOrigins = tt.origins
			x.options.RateLimit = 1
			x.catalog = func(http.ResponseWriter, *http.Request) { t.Error("a preflight reached the catalog") }
			for range 3 {
				res := x.do(t, http.MethodOptions, "/api/submissions", preflight(tt.origin))
				if res.StatusCode != 200 {
					t.Fatalf("preflight = %d", res.StatusCode)
				}
				if got := res.Header.Get("Access-Control-Allow-Origin"); got != tt.want {
					t.Errorf("Access-Control-Allow-Origin = %q, want %q", got, tt.want)
				}
				if got := res.Header.Get("Access-Control-Allow-Credentials"); got != tt.creds {
					t.Errorf("Access-Control-Allow-Credentials = %q, want %q", got, tt.creds)
				}
			}
		})
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	long := []byte(`{"text":"` + strings.Repeat("plugin ", 2000) + "\"}\n")
	tag := api.ETag(long)
	x := newFixture(t)
	x.catalog = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(long)
	}
	if err := x.pages.Put(t.Context(), cache.SlugKey("cached"), cache.Page{Revision: 1, Status: 200, Body: long}); err != nil {
		t.Fatal(err)
	}
	decode := map[string]func(io.Reader) (io.Reader, error){
		"":     func(r io.Reader) (io.Reader, error) { return r, nil },
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	}
	for _, path := range []string{"/api/plugins/", "/api/plugins/slug/cached"} {
		for encoding, open := range decode {
			t.Run(path+" "+encoding, func(t *testing.T) {
				res := x.get(t, path, "Accept-Encoding", encoding)
				if got := res.Header.Get("Content-Encoding"); got != encoding {
					t.Fatalf("Content-Encoding = %q, want %q", got, encoding)
				}
				r, err := open(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, long) {
					t.Errorf("body of %d bytes, %v; want %d", len(got), err, len(long))
				}
				if !strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "Accept-Encoding") {
					t.Errorf("Vary = %v", res.Header.Values("Vary"))
				}
				wantTag := tag
				if encoding != "" {
					wantTag = "W/" + tag
				}
				if got := res.Header.Get("ETag"); got != wantTag {
					t.Errorf("ETag = %s, want %s", got, wantTag)
				}
				again := x.get(t, path, "Accept-Encoding", encoding, "If-None-Match", res.Header.Get("ETag"))
				if b := body(t, again); again.StatusCode != 304 || b != "" {
					t.Errorf("with its own tag: %d, %d bytes; want 304", again.StatusCode, len(b))
				}
			})
		}
	}
	t.Run("short answers stay as they are", func(t *testing.T) {
		res := x.get(t, "/nothing", "Accept-Encoding", "gzip")
		if res.Header.Get("Content-Encoding") != "" {
			t.Error("a short answer was compressed")
		}
	})
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	x := newFixture(t)
	read := errors.New("not read")
	x.catalog = func(_ http.ResponseWriter, r *http.Request) { _, read = io.ReadAll(r.Body) }
	post := func(n int, length int64) *http.Response {
		return x.do(t, http.MethodPost, "/api/submissions", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, n))), length
		})
	}
	wantProblem(t, post(gateway.MaxBody+1, gateway.MaxBody+1), 413)
	post(gateway.MaxBody+1, -1)
	if _, ok := errors.AsType[*http.MaxBytesError](read); !ok {
		t.Errorf("the catalog read all of a body without a length: %v", read)
	}
	if post(gateway.MaxBody, gateway.MaxBody); read != nil {
		t.Errorf("a body of the limit's size: %v", read)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	ok := []string{"CATALOG_URL=http://catalog:8000", "REDIS_URL=redis://h:6379"}
	for _, tt := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"the least", ok, ""},
		{"everything", append(ok, "CORS_ORIGINS=https://a.dev,http://localhost:5173", "TRUSTED_PROXIES=10.0.0.0/8,fd00::1", "RATE_LIMIT=0"), ""},
		{"no catalog", ok[1:], "CATALOG_URL"},
		{"no Redis", ok[:1], "REDIS_URL"},
		{"a bad origin", append(ok, "CORS_ORIGINS=a.dev"), "CORS_ORIGINS: want"},
		{"a bad network", append(ok, "TRUSTED_PROXIES=10.0.0.0/8,proxy"), "TRUSTED_PROXIES: want"},
		{"a bad limit", append(ok, "RATE_LIMIT=-1"), "RATE_LIMIT: want"},
		{"a limit in words", append(ok, "RATE_LIMIT=many"), "RATE_LIMIT: want"},
		{"sign-in without its secret", append(ok, "GITHUB_CLIENT_ID=x"), "GITHUB_CLIENT_SECRET is not set"},
		{"a short key", append(ok, "APP_SECRET_KEY=short"), "APP_SECRET_KEY: want"},
		{"no public address", append(ok, "PUBLIC_URL=redis://x"), "PUBLIC_URL: want"},
		{"production on the key that everybody knows", append(ok, "APP_ENV=production", "PUBLIC_URL=https://plugpack.example"), "APP_SECRET_KEY is not set"},
		{"production in clear", append(ok, "APP_ENV=production", "APP_SECRET_KEY="+key), "PUBLIC_URL: want an https"},
		{"production", append(ok, "APP_ENV=production", "APP_SECRET_KEY="+key, "PUBLIC_URL=https://plugpack.example"), ""},
		{"a bad stage", append(ok, "APP_ENV=x"), "APP_ENV: want"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var cfg gateway.Config
			err := config.LoadFrom(&cfg, tt.environ)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("error %v, want one line with %s", err, tt.want)
			}
		})
	}
	var cfg gateway.Config
	if err := config.LoadFrom(&cfg, ok); err != nil || cfg.RateLimit != 200 || len(cfg.CORSOrigins) != 1 || cfg.CORSOrigins[0] != "*" || cfg.TrustedProxies != nil {
		t.Errorf("defaults = %+v, %v", cfg.Options, err)
	}
}
