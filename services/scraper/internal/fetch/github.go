package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

// site is a GitHub: where its archives are without a question to its API, which
// would count.
type site struct {
	host   string
	own    bool // a server of the operator's, for its own marketplaces only
	client *http.Client
	// archives give the addresses of a repository's archive, the next one for
	// where the one before has nothing.
	archives []github.ArchiveAddress
}

func newSite(host string, api *url.URL) site {
	s := site{host: host, client: outbound.New(api).Client(), archives: github.Archives(host, api)}
	if s.own = host != github.PublicHost && !outbound.IsLoopback(api.Hostname()); s.own {
		// A server may have its archives on a host of their own.
		s.client = outbound.New(api, &url.URL{Scheme: "https", Host: "codeload." + host}).Client()
	}
	return s
}

// gitHub gets an archive. Its commit is in the archive's head, so that one
// question answers both what the newest commit is and what is in it; where that
// is known, the rest is not downloaded.
func (f *Fetcher) gitHub(ctx context.Context, s site, o marketplace.Origin, from plugpack.MarketplaceKey, known Known, within []string) (Fetched, error) {
	if s.own && from.Host() != s.host {
		return Fetched{}, errs.New(errs.Forbidden, "its source is at %s, which is read for its own marketplaces only", s.host)
	}
	_, repo, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(o.Address, "https://"), "http://"), "/")
	if strings.Count(repo, "/") != 1 {
		return Fetched{}, errs.New(errs.NotFound, "%s has no repository %s", s.host, repo)
	}
	ref := "HEAD"
	if o.SHA != "" {
		ref = o.SHA
	} else if o.Ref != "" {
		ref = o.Ref
	}
	body, etag, err := f.openArchive(ctx, s, repo, ref, known.ETag)
	if errs.KindOf(err) == errs.NotFound {
		if client := f.credential(o, from); client != nil {
			body, err = client.Tarball(ctx, repo, ref)
		}
	}
	if errs.KindOf(err) == errs.NotFound {
		return Fetched{}, errs.New(errs.NotFound, "%s has no repository %s%s, or it is private", s.host, repo, with(o))
	}
	if err != nil {
		return Fetched{}, err
	}
	defer body.Close()
	dir, err := f.temp.Unpack(ctx, body, f.limits, archive.Wanted{Within: within, Known: known.Commit})
	if errors.Is(err, archive.ErrKnown) {
		return Fetched{Known: Known{known.Commit, etag}}, nil
	}
	if err != nil {
		return Fetched{}, err
	}
	commit := dir.Commit()
	if commit == "" {
		commit = o.SHA
	}
	if commit == "" || o.SHA != "" && commit != o.SHA {
		return Fetched{}, errors.Join(errs.New(errs.Unavailable, "%s gave an archive of another commit", s.host), dir.Close())
	}
	return Fetched{Known{commit, etag}, dir}, nil
}

func (f *Fetcher) openArchive(ctx context.Context, s site, repo, ref, etag string) (body io.ReadCloser, newETag string, err error) {
	for _, address := range s.archives {
		resp, getErr := f.get(ctx, s.client, address(repo, ref), "application/x-gzip, */*", etag)
		if err = getErr; err == nil {
			return resp.Body, resp.Header.Get("ETag"), nil
		}
		if errs.KindOf(err) != errs.NotFound {
			break
		}
	}
	return nil, "", err
}

// credential gives the client with the token of the marketplace that lists o,
// if o is of the same owner at the same host and there is such a token.
func (f *Fetcher) credential(o marketplace.Origin, from plugpack.MarketplaceKey) *github.Client {
	u, err := url.Parse(o.Address)
	if err != nil || o.Kind != plugpack.SourceURL || from.Local() {
		return nil
	}
	at := plugpack.NewMarketplaceKey(u.Host, u.Path)
	if strings.HasPrefix(u.Path, "/") {
		at = plugpack.NewMarketplaceKey(u.Host, u.Path[1:])
	}
	if at.Host() != from.Host() || at.Owner() != from.Owner() || strings.Count(string(at), "/") != 2 {
		return nil
	}
	return f.clients.Own(from)
}

// with names what was asked for of a repository.
func with(o marketplace.Origin) string {
	switch {
	case o.SHA != "":
		return " with the commit " + o.SHA[:min(len(o.SHA), 12)]
	case o.Ref != "":
		return " with the branch or tag " + plugpack.Cut(plugpack.Clean(o.Ref), 100)
	}
	return ""
}
