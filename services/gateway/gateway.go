// Package gateway is the public door: every request from outside comes in here
// and is answered by the catalog, or from the cached pages that the indexer
// writes. It owns no data. In one process the catalog is a handler beside it;
// otherwise NewProxy makes one of its address.
package gateway

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/cors"
	"github.com/redis/go-redis/v9"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/services/gateway/internal/auth"
	"github.com/plugpack/plugpack/services/gateway/internal/compress"
	"github.com/plugpack/plugpack/services/gateway/internal/limit"
	"github.com/plugpack/plugpack/services/gateway/internal/pagecache"
	"github.com/plugpack/plugpack/services/gateway/internal/proxy"
	"github.com/plugpack/plugpack/services/gateway/internal/request"
	"github.com/plugpack/plugpack/services/gateway/internal/route"
)

const (
	// MaxBody bounds a request's body in bytes.
	MaxBody = 1 << 20
	// MaxTime bounds the time that one request may take; the export has ten minutes.
	MaxTime = 30 * time.Second
)

// Config is what the gateway reads from the environment.
type Config struct {
	service.Config
	Options

	CatalogURL config.URL `env:"CATALOG_URL,required" doc:"The catalog's address as seen from the gateway." want:"an address such as http://catalog:8000"`
	RedisURL   config.URL `env:"REDIS_URL,required" doc:"Redis server for cached pages and rate limits." want:"an address such as redis://host:6379"`
}

// Validate checks what types cannot.
func (c Config) Validate() error {
	return cmp.Or(c.Config.Validate(), c.Options.Validate(), c.CheckProduction(c.Production()))
}

// Options are the settings of the gateway's own behaviour.
type Options struct {
	identity.Options
	service.Public
	GitHubClientID     string        `env:"GITHUB_CLIENT_ID" doc:"Client id of the GitHub OAuth app by which people sign in; its callback is PUBLIC_URL with /auth/github/callback. Without one nobody can." want:"the client id of an OAuth app"`
	GitHubClientSecret config.Secret `env:"GITHUB_CLIENT_SECRET" doc:"Client secret of that app; required if its id is set." want:"the client secret of the same app"`
	GitHubAPIURL       config.URL    `env:"GITHUB_API_URL" envDefault:"https://api.github.com/" doc:"GitHub's API; that of a GitHub Enterprise server ends in /api/v3/." want:"an http or https address such as https://api.github.com/"`

	CORSOrigins    []string `env:"CORS_ORIGINS" envDefault:"*" doc:"Web origins that may call the API from a browser, separated by commas." want:"* or origins such as https://plugpack.example"`
	TrustedProxies []string `env:"TRUSTED_PROXIES" doc:"Proxies whose X-Forwarded-For counts, separated by commas; none by default." want:"networks such as 10.0.0.0/8,fd00::/8"`
	RateLimit      int      `env:"RATE_LIMIT" envDefault:"200" doc:"Requests a minute for one client; 0 is no limit." want:"a whole number, 0 or more"`
}

// Validate checks what types cannot.
func (o Options) Validate() error {
	for _, origin := range o.CORSOrigins {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" || u.RawQuery != "") {
			return errs.New(errs.Invalid, "CORS_ORIGINS: want * or origins such as https://plugpack.example")
		}
	}
	if _, err := o.trusted(); err != nil {
		return err
	}
	if o.RateLimit < 0 {
		return errs.New(errs.Invalid, "RATE_LIMIT: want a whole number, 0 or more")
	}
	if o.GitHubClientID != "" && o.GitHubClientSecret == "" {
		return errs.New(errs.Invalid, "GITHUB_CLIENT_SECRET is not set: GITHUB_CLIENT_ID needs it")
	}
	return cmp.Or(o.Options.Validate(), o.Public.Validate())
}

// CheckProduction refuses, in production, the key that everybody knows, and an
// address at which sessions would travel in clear.
func (o Options) CheckProduction(production bool) error {
	return cmp.Or(o.CheckHTTPS(production), o.CheckSecret(production))
}

func (o Options) auth() auth.Options {
	return auth.Options{
		Address: o.Address(), ClientID: o.GitHubClientID, ClientSecret: string(o.GitHubClientSecret), GitHubAPI: string(o.GitHubAPIURL),
		Origins:  slices.DeleteFunc(slices.Clone(o.CORSOrigins), func(origin string) bool { return origin == "*" }),
		Identity: o.Options, Now: time.Now,
	}
}

// trusted reads the networks; a single address is a network of one.
func (o Options) trusted() ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range o.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, errs.New(errs.Invalid, "TRUSTED_PROXIES: want networks such as 10.0.0.0/8,fd00::/8")
		}
		prefixes = append(prefixes, p.Masked())
	}
	return prefixes, nil
}

// Limiter counts requests by client. Allow gives what is left of the client's
// perMinute requests, and a wait above 0 when this one is refused.
type Limiter interface {
	Allow(ctx context.Context, client string, perMinute int) (remaining int, retryAfter time.Duration, err error)
}

// NewRedisLimiter makes a limiter that all gateways on one Redis share.
func NewRedisLimiter(client *redis.Client) Limiter { return limit.NewRedis(client) }

// Catalog is the catalog in another process.
type Catalog interface {
	http.Handler
	// Ping says whether it answers.
	Ping(ctx context.Context) error
}

// NewProxy makes the catalog at address.
func NewProxy(address config.URL, log *slog.Logger) (Catalog, error) {
	return proxy.New(string(address), log)
}

// Deps are what the gateway works with.
type Deps struct {
	Catalog   http.Handler
	Pages     cache.Pages
	Responses cache.Responses // nil: answers about many plugins are not kept
	Limiter   Limiter
	Log       *slog.Logger
}

// Gateway answers the public's requests.
type Gateway struct{ handler http.Handler }

// New makes a gateway.
func New(o Options, d Deps) (*Gateway, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	trusted, err := o.trusted()
	if err != nil {
		return nil, err
	}
	compressed, err := compress.New()
	if err != nil {
		return nil, err
	}
	catalog := route.Catalog(d.Catalog)
	people, err := auth.New(o.auth(), catalog, d.Log)
	if err != nil {
		return nil, err
	}
	pages := pagecache.New(d.Pages, catalog, d.Log)
	return &Gateway{route.New(catalog, people, pages, d.Responses,
		request.Log(d.Log), // outermost, so that every answer is logged
		request.Client(trusted),
		allowOrigins(o.CORSOrigins), // before the limit, so that a browser may read a refusal
		people.Identify,
		limit.Handler(o.RateLimit, people.Client, d.Limiter.Allow, d.Log),
		request.Bound(MaxBody, MaxTime),
		people.Recognise,
		compressed,
	)}, nil
}

// Handler answers requests.
func (g *Gateway) Handler() http.Handler { return g.handler }

// allowOrigins lets browsers on other sites call. Cookies go only to sites
// that are named.
func allowOrigins(origins []string) func(http.Handler) http.Handler {
	if len(origins) == 0 {
		origins = []string{"*"}
	}
	return cors.Handler(cors.Options{
		AllowedOrigins:   origins,
		AllowedMethods:   []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"},
		AllowedHeaders:   []string{"Accept", "Authorization", "Content-Type", "If-None-Match", request.HeaderID, "Traceparent", "Tracestate"},
		AllowCredentials: !slices.Contains(origins, "*"),
		ExposedHeaders: []string{
			"ETag", "Link", "X-Total-Count", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
			request.HeaderID, request.HeaderCache, api.HeaderRevision,
			api.HeaderDiscoveryFound, api.HeaderDiscoveryTotal, api.HeaderDiscoveryIncomplete, api.HeaderDiscoveryFinished,
		},
		MaxAge: 600,
	})
}
