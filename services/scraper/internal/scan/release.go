package scan

import (
	"context"

	"github.com/plugpack/plugpack/libs/errs"
)

// release adds the newest release to what is known of repo, and gives its ETag.
// It is worth a scan's third counted request and no more: where the commit is new
// and its archive counts, as a private repository's does, that one is spent.
func (p *pass) release(ctx context.Context, source Source, repo *Repository, sameCommit bool) (etag string, err error) {
	if last := p.state.Listing; last != nil && last.Repository.HostID == repo.HostID {
		repo.Release, repo.ReleasedAt = last.Repository.Release, last.Repository.ReleasedAt
		etag = p.state.ReleaseETag
	}
	if repo.CountedArchive && !sameCommit {
		return etag, nil
	}
	newest, unchanged, err := source.Release(ctx, *repo, etag)
	switch {
	case errs.KindOf(err) == errs.TooMany:
		return "", err
	case err != nil:
		p.Log.WarnContext(ctx, "cannot ask for the newest release, the last one known stays", "marketplace", repo.Key, "err", err)
		return etag, nil
	case !unchanged:
		repo.Release, repo.ReleasedAt, etag = newest.Tag, newest.At, newest.ETag
	}
	return etag, nil
}
