package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

// maxRefs bounds a host's list of branches and tags.
const maxRefs = 16 << 20

// git gets one commit without its history. The list of branches and tags, which
// comes first, tells whether it is a new one.
func (f *Fetcher) git(ctx context.Context, o marketplace.Origin, known Known, within []string) (Fetched, error) {
	session, refs, err := f.advertised(ctx, o)
	if err != nil {
		return Fetched{}, err
	}
	defer session.Close()
	commit, err := wantedCommit(refs, o)
	if err != nil {
		return Fetched{}, err
	}
	if commit.String() == known.Commit {
		return Fetched{}, errKnown
	}
	pack, err := f.pack(ctx, session, refs, commit, hostOf(o))
	if err != nil {
		return Fetched{}, err
	}
	dir, err := f.checkout(ctx, pack, commit, within)
	if err := errors.Join(err, remove(pack)); err != nil {
		return Fetched{}, err
	}
	return Fetched{Known{Commit: commit.String()}, dir}, nil
}

// advertised asks for the branches and tags. Some hosts want ".git" at the end
// of an address and some want it not, so both are tried.
func (f *Fetcher) advertised(ctx context.Context, o marketplace.Origin) (session transport.UploadPackSession, refs *packp.AdvRefs, err error) {
	client := *f.public
	client.Transport = gitTransport{f, client.Transport}
	for _, address := range []string{o.Address + ".git", o.Address} {
		endpoint, err := transport.NewEndpoint(address)
		if err != nil || endpoint.Protocol != "https" && endpoint.Protocol != "http" {
			return nil, nil, errs.New(errs.Forbidden, "its source is not at an https address")
		}
		if session, err = githttp.NewClient(&client).NewUploadPackSession(endpoint, nil); err != nil {
			return nil, nil, err
		}
		if refs, err = session.AdvertisedReferencesContext(ctx); err == nil {
			return session, refs, nil
		}
		if err = gitError(hostOf(o), err); errs.KindOf(err) != errs.NotFound {
			return nil, nil, err
		}
	}
	return nil, nil, errs.New(errs.NotFound, "%s has no repository there, or it is private", hostOf(o))
}

// gitTransport makes errors of answers and bounds them.
type gitTransport struct {
	f    *Fetcher
	next http.RoundTripper
}

// RoundTrip asks.
func (t gitTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", "git/"+userAgent)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 400 {
		_ = resp.Body.Close()
		return nil, t.f.refused(req.URL.Host, resp)
	}
	limit := t.f.limits.Compressed + 1<<20
	if req.Method == http.MethodGet {
		limit = maxRefs
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, limit), resp.Body}
	return resp, nil
}

func gitError(host string, err error) error {
	switch {
	case outbound.Refused(err):
		return unreachable(host, err)
	case errs.KindOf(err) != errs.Internal:
		return err
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return errs.New(errs.Invalid, "its repository at %s is empty", host)
	case errors.Is(err, transport.ErrRepositoryNotFound), errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return errs.New(errs.NotFound, "%s has no repository there, or it is private", host)
	case strings.Contains(err.Error(), "not our ref"):
		return errs.New(errs.NotFound, "%s no longer has the commit", host)
	}
	return unreachable(host, err)
}

// wantedCommit finds the commit that o means among the branches and tags.
func wantedCommit(refs *packp.AdvRefs, o marketplace.Origin) (plumbing.Hash, error) {
	if o.SHA != "" {
		if !handsOut(refs, o.SHA) {
			return plumbing.ZeroHash, errs.New(errs.Forbidden, "%s hands out the newest commits of its branches only, and no other one by its id", hostOf(o))
		}
		return plumbing.NewHash(o.SHA), nil
	}
	if o.Ref == "" && refs.Head != nil {
		return *refs.Head, nil
	}
	for _, name := range []string{"refs/heads/" + o.Ref, "refs/tags/" + o.Ref, o.Ref} {
		if hash, ok := refs.Peeled[name]; ok {
			return hash, nil
		}
		if hash, ok := refs.References[name]; ok {
			return hash, nil
		}
	}
	return plumbing.ZeroHash, errs.New(errs.NotFound, "there is no repository at %s%s", hostOf(o), with(o))
}

func handsOut(refs *packp.AdvRefs, sha string) bool {
	for _, c := range []capability.Capability{capability.AllowReachableSHA1InWant, "allow-any-sha1-in-want"} {
		if refs.Capabilities.Supports(c) {
			return true
		}
	}
	for _, hash := range refs.References {
		if hash.String() == sha {
			return true
		}
	}
	return refs.Head != nil && refs.Head.String() == sha
}

// pack downloads what the commit needs to a temporary file and looks through
// it before anything is made of it.
func (f *Fetcher) pack(ctx context.Context, session transport.UploadPackSession, refs *packp.AdvRefs, commit plumbing.Hash, host string) (*os.File, error) {
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	req.Wants = []plumbing.Hash{commit}
	if refs.Capabilities.Supports(capability.Shallow) {
		req.Depth = packp.DepthCommits(1)
		_ = req.Capabilities.Set(capability.Shallow)
	}
	if refs.Capabilities.Supports(capability.Filter) {
		req.Filter = packp.FilterBlobLimit(uint64(f.limits.File), packp.BlobLimitPrefixNone)
		_ = req.Capabilities.Set(capability.Filter)
	}
	resp, err := session.UploadPack(ctx, req)
	if err != nil {
		return nil, gitError(host, err)
	}
	defer resp.Close()
	var body io.Reader = resp
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		body = sideband.NewDemuxer(sideband.Sideband64k, resp)
	case req.Capabilities.Supports(capability.Sideband):
		body = sideband.NewDemuxer(sideband.Sideband, resp)
	}
	file, err := f.temp.File()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(file, io.LimitReader(body, f.limits.Compressed+1))
	switch {
	case err != nil:
		err = gitError(host, err)
	case n > f.limits.Compressed:
		err = f.limits.TooLarge()
	default:
		err = checkPack(file, f.limits)
	}
	if err != nil {
		return nil, errors.Join(err, remove(file))
	}
	return file, nil
}

// checkout writes the commit's files into a Dir.
func (f *Fetcher) checkout(ctx context.Context, pack *os.File, commit plumbing.Hash, within []string) (*archive.Dir, error) {
	folder, err := f.temp.Folder()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	objects := filesystem.NewStorageWithOptions(osfs.New(folder), cache.NewObjectLRU(8*cache.MiByte), filesystem.Options{LargeObjectThreshold: 1 << 20})
	defer objects.Close()
	if _, err := pack.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := packfile.UpdateObjectStorage(objects, pack); err != nil {
		return nil, errs.New(errs.Unavailable, "the repository's objects are damaged: %w", err)
	}
	c, err := object.GetCommit(objects, commit)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "the repository's objects are damaged: %w", err)
	}
	root, err := c.Tree()
	if err != nil {
		return nil, errs.New(errs.Unavailable, "the repository's objects are damaged: %w", err)
	}
	w, err := f.temp.NewWriter(f.limits, within...)
	if err != nil {
		return nil, err
	}
	t := treeWriter{ctx, w, objects}
	if err := t.write(root, within); err != nil {
		return nil, w.Abort(err)
	}
	return w.Done(), nil
}
