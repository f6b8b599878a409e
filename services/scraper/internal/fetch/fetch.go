// Package fetch gets the files of a plugin whose marketplace does not hold
// them: from a GitHub, another Git host, an npm registry or a zip archive.
//
// Everything goes through internal/outbound and within internal/archive's
// limits. A host is asked a few things at a time; one that asks for a pause gets
// it, and nobody waits: the origin is then read at a later scan. Origins are
// named by strangers, so no token goes with a question, save one: that of the
// marketplace that lists the origin, to its own host, for a repository of its
// own owner.
package fetch

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

// timeout bounds one fetch, download and unpacking.
const timeout = 5 * time.Minute

const userAgent = "plugpack (+https://github.com/plugpack/plugpack)"

// Known is what an earlier fetch of an origin that is not pinned gave.
type Known struct {
	Commit string // or an npm version, or a zip's SHA-256
	ETag   string
}

// Fetched is an origin's whole repository, package or archive.
type Fetched struct {
	Known
	// Dir is nil when what is known still holds.
	Dir *archive.Dir
}

// Fetcher fetches. It is safe for concurrent use.
type Fetcher struct {
	clients *github.Clients
	temp    *archive.Temp
	log     *slog.Logger
	now     func() time.Time
	hosts   hosts
	public  *http.Client
	sites   map[string]site // by host
	limits  archive.Limits
	timeout time.Duration
}

// New makes a fetcher that knows the GitHubs of clients.
func New(clients *github.Clients, temp *archive.Temp, log *slog.Logger, now func() time.Time) *Fetcher {
	f := &Fetcher{clients: clients, temp: temp, log: log, now: now, limits: archive.DefaultLimits, timeout: timeout, sites: map[string]site{}}
	usual := clients.Usual().Address()
	// A stranger's origin never has the trust of the operator's own server; where
	// that is on this machine, so may be the others.
	var development []*url.URL
	if outbound.IsLoopback(usual.Hostname()) {
		development = append(development, usual)
	}
	f.public = outbound.New(development...).Client()
	f.sites[clients.UsualHost()] = newSite(clients.UsualHost(), usual)
	for host, client := range clients.Servers() {
		f.sites[host] = newSite(host, client.Address())
	}
	return f
}

// Scope says for whom the answers of a fetch are: "" for everybody, or the
// marketplace by whose token they may have been given.
func (f *Fetcher) Scope(o marketplace.Origin, from plugpack.MarketplaceKey) string {
	if f.credential(o, from) != nil {
		return string(from)
	}
	return ""
}

// Fetch gets the folders within of what o names, or all of it, for the
// marketplace from. Errors are kinds of marketplace.Opener.
func (f *Fetcher) Fetch(ctx context.Context, o marketplace.Origin, from plugpack.MarketplaceKey, known Known, within []string) (Fetched, error) {
	u, err := url.Parse(o.Address)
	if err != nil || u.Host == "" {
		return Fetched{}, errs.New(errs.Forbidden, "its source is no address")
	}
	leave, err := f.hosts.enter(ctx, u.Host, f.now)
	if err != nil {
		return Fetched{}, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	got, err := f.fetch(ctx, u, o, from, known, within)
	if errors.Is(err, errKnown) {
		return Fetched{Known: known}, nil
	}
	if errors.Is(err, context.DeadlineExceeded) && errs.KindOf(err) == errs.Internal {
		err = errs.New(errs.Unavailable, "%s takes too long", u.Host)
	}
	return got, err
}

func (f *Fetcher) fetch(ctx context.Context, u *url.URL, o marketplace.Origin, from plugpack.MarketplaceKey, known Known, within []string) (Fetched, error) {
	switch o.Kind {
	case plugpack.SourceNPM:
		return f.npm(ctx, o, known)
	case plugpack.SourceArchive:
		return f.zip(ctx, o, known)
	}
	if s, ok := f.sites[strings.ToLower(u.Host)]; ok {
		return f.gitHub(ctx, s, o, from, known, within)
	}
	return f.git(ctx, o, known, within)
}

// errKnown says that what is known still holds.
var errKnown = errors.New("nothing new")

func hostOf(o marketplace.Origin) string {
	u, err := url.Parse(o.Address)
	if err != nil {
		return ""
	}
	return u.Host
}
