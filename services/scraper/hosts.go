package scraper

import (
	"context"
	"log/slog"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/scan"
)

// hosts is the scan's source of all GitHubs: each repository is asked for with
// the client of its own.
type hosts struct {
	clients *github.Clients
	temp    *archive.Temp
	log     *slog.Logger
}

func (h hosts) of(k plugpack.MarketplaceKey) scan.GitHub {
	return scan.GitHub{Client: h.clients.For(k), Temp: h.temp, Log: h.log}
}

// Repository asks one conditional question.
func (h hosts) Repository(ctx context.Context, k plugpack.MarketplaceKey, etag string) (scan.Repository, bool, error) {
	return h.of(k).Repository(ctx, k, etag)
}

// Head asks one conditional question.
func (h hosts) Head(ctx context.Context, r scan.Repository, etag string) (string, string, error) {
	return h.of(r.Key).Head(ctx, r, etag)
}

// Release asks one conditional question.
func (h hosts) Release(ctx context.Context, r scan.Repository, etag string) (scan.Release, bool, error) {
	return h.of(r.Key).Release(ctx, r, etag)
}

// Open downloads and unpacks the archive.
func (h hosts) Open(ctx context.Context, r scan.Repository, commit string) (scan.Files, error) {
	return h.of(r.Key).Open(ctx, r, commit)
}
