package scan

import (
	"context"
	"log/slog"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

// GitHub is the source of a GitHub's repositories.
type GitHub struct {
	Client *github.Client
	Temp   *archive.Temp
	Log    *slog.Logger
}

// Repository asks one conditional question.
func (g GitHub) Repository(ctx context.Context, k plugpack.MarketplaceKey, etag string) (Repository, bool, error) {
	r, ok, err := g.Client.Repository(ctx, k.Repository(), etag)
	if err != nil || !ok {
		return Repository{}, err == nil, err
	}
	// A bare owner/repo was taken to mean github.com; where the address leads
	// to a server of one's own, its host is meant.
	if r.Host != k.Host() && k.Host() != "github.com" {
		return Repository{}, false, errs.New(errs.Invalid, "%s is not at %s, which is where GITHUB_API_URL leads", k, r.Host)
	}
	return Repository{Repository: r.Repository, Key: plugpack.NewMarketplaceKey(r.Host, r.FullName), CountedArchive: r.CountedArchive, ETag: r.ETag}, false, nil
}

// Head asks one conditional question.
func (g GitHub) Head(ctx context.Context, r Repository, etag string) (string, string, error) {
	return g.Client.Head(ctx, r.FullName, etag)
}

// Release asks one conditional question.
func (g GitHub) Release(ctx context.Context, r Repository, etag string) (Release, bool, error) {
	tag, at, newETag, changed, err := g.Client.LatestRelease(ctx, r.FullName, etag)
	return Release{Tag: tag, At: at, ETag: newETag}, err == nil && !changed, err
}

// Open downloads and unpacks the archive.
func (g GitHub) Open(ctx context.Context, r Repository, commit string) (Files, error) {
	body, err := g.Client.Archive(ctx, r.FullName, commit)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	dir, err := g.Temp.Unpack(ctx, body, archive.DefaultLimits)
	if err != nil {
		return nil, err
	}
	if left := dir.Skipped(); len(left) > 0 {
		g.Log.InfoContext(ctx, "files of an archive were left out", "repository", r.FullName, "count", len(left),
			"first", left[0].Path, "reason", left[0].Reason)
	}
	return dir, nil
}
