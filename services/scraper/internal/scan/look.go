package scan

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// found is what a pass has to announce.
type found struct {
	listing   plugpack.Listing
	content   marketplace.Content // its plugins are read while they are published
	unchanged bool                // the files are as before
	// failure is set instead when the files are not a marketplace.
	failure                    *plugpack.Failure
	repoETag, headETag, commit string
	releaseETag                string
}

// look asks what changed and reads it. It publishes nothing but progress.
func (p *pass) look(ctx context.Context) (f found, err error) {
	// A panic here is a manifest that trips a bug: it must cost its own
	// marketplace a scan and no other one anything.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading panicked: %v\n%s", r, debug.Stack())
		}
	}()
	source := p.GitHub
	if p.request.Marketplace.Local() {
		source = p.Folders
	}
	p.tell(events.ScanProgress{Step: "fetching"})
	last := p.state.Listing
	known := p.state.Commit != "" && (last != nil || p.state.Failure != nil)
	if known && len(p.state.Origins) > 0 {
		var moved bool
		if moved, p.state.Origins = p.Origins.Moved(ctx, p.listedAs(), p.state.Origins); moved {
			known = false
		}
	}
	etag := ""
	if known {
		etag = p.state.RepoETag
	}
	repo, same, err := p.repository(ctx, source, etag)
	if err != nil {
		p.away = errs.KindOf(err) == errs.NotFound && !p.request.Marketplace.Local()
		return f, err
	}
	if same {
		return p.again(nil), nil
	}
	if p.Excluded != nil && p.Excluded(repo.Key, repo.HostID) {
		return f, &optedOut{repo: repo, reason: "whoever runs this hub was asked not to list it"}
	}
	etag = ""
	if known && p.sameRepository(repo) {
		etag = p.state.HeadETag
	}
	p.observe()
	commit, headETag, err := source.Head(ctx, repo, etag)
	if err != nil {
		return f, err
	}
	same = commit == "" || known && etag != "" && commit == p.state.Commit
	releaseETag, err := p.release(ctx, source, &repo, same)
	if err != nil {
		return f, err
	}
	if same {
		f, commit = p.again(&repo), p.state.Commit
	} else {
		f, err = p.read(ctx, source, repo, commit)
	}
	f.repoETag, f.headETag, f.releaseETag, f.commit = repo.ETag, headETag, releaseETag, commit
	return f, err
}

// repository asks for it under the name that it had last: an older one costs a
// redirect each time. Only the schedule's requests mean the same repository as
// before; a person means the one that has the name now.
func (p *pass) repository(ctx context.Context, source Source, etag string) (Repository, bool, error) {
	last := p.state.Listing
	if last != nil && last.Key != p.request.Marketplace && p.request.After != "" {
		repo, same, err := source.Repository(ctx, last.Key, etag)
		switch {
		case err == nil && (same || repo.HostID == last.Repository.HostID):
			return repo, same, nil
		case err != nil && errs.KindOf(err) != errs.NotFound:
			return repo, same, err
		}
	}
	return source.Repository(ctx, p.request.Marketplace, etag)
}

// sameRepository tells a repository from another one that has taken its name,
// and from itself under a new name: both have other plugin keys or identities,
// so all has to be published.
func (p *pass) sameRepository(r Repository) bool {
	last := p.state.Listing
	return last == nil || last.Key == r.Key && last.Repository.HostID == r.HostID
}

// again announces what is known, with what may have changed of the repository.
func (p *pass) again(repo *Repository) found {
	f := found{
		unchanged: true, repoETag: p.state.RepoETag, headETag: p.state.HeadETag, releaseETag: p.state.ReleaseETag, commit: p.state.Commit,
	}
	if p.state.Failure != nil {
		failure := *p.state.Failure
		f.failure = &failure
		return f
	}
	f.listing = *p.state.Listing
	if repo != nil {
		f.listing.Repository, f.listing.Key = repo.Repository, repo.Key
	}
	return f
}

func (p *pass) read(ctx context.Context, source Source, repo Repository, commit string) (f found, err error) {
	files, err := source.Open(ctx, repo, commit)
	if err != nil {
		return f, err
	}
	p.files = files
	p.tell(events.ScanProgress{Step: "reading"})
	tree, err := files.Tree(ctx)
	if err != nil {
		return f, err
	}
	if _, err := fs.Stat(files.FS(), OptOutFile); err == nil {
		return f, &optedOut{repo: repo, reason: "its owner asked for that with the file " + OptOutFile}
	}
	content, err := marketplace.Read(marketplace.Input{FS: files.FS(), Tree: tree, Key: repo.Key, Commit: commit, License: repo.License})
	if rejected, ok := errors.AsType[*marketplace.Rejected](err); ok {
		f.failure = &plugpack.Failure{Key: repo.Key, Reason: rejected.Error(), Entries: rejected.Entries}
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.content = content
	f.listing = plugpack.Listing{
		Key: repo.Key, Name: content.Name, Description: content.Description, Owner: content.Owner, Version: content.Version,
		Repository: repo.Repository, Commit: commit, Entries: content.Entries, Names: content.Names,
		Skipped: content.Skipped, Renames: content.Renames, Owners: marketplace.Owners(files.FS()),
	}
	return f, nil
}
