package github

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Repository is an answer about a repository.
type Repository struct {
	plugpack.Repository
	// CountedArchive: it is private, or at a server without public archives, so
	// that its archive is to be had through the API only.
	CountedArchive bool
	ETag           string
}

// Repository asks about owner/repo. With the etag of an earlier answer it gives
// ok false when nothing has changed since.
func (c *Client) Repository(ctx context.Context, repo, etag string) (r Repository, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := c.request("repos/"+repoPath(repo), "application/vnd.github+json", etag)
	if err != nil {
		return r, false, err
	}
	var answer gh.Repository
	resp, err := c.do(ctx, req, question{core, repo}, jsonInto(&answer))
	if err != nil || resp.StatusCode == http.StatusNotModified {
		return r, false, err
	}
	r = Repository{Repository: repository(answer), CountedArchive: c.archive == nil || answer.GetPrivate(), ETag: resp.Header.Get("ETag")}
	if r.Host == "" || !strings.Contains(r.FullName, "/") || r.HostID == 0 {
		return r, false, errs.New(errs.Unavailable, "GitHub's answer about %s is not a repository", repo)
	}
	return r, true, nil
}

// Head gives the commit at the tip of the default branch. With the etag of an
// earlier answer it gives "" when that is still the same.
func (c *Client) Head(ctx context.Context, repo, etag string) (commit, newETag string, err error) {
	return c.commit(ctx, repo, "HEAD", etag)
}

// refName is a branch, tag or commit that an address can hold as it is.
var refName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*$`)

// Commit gives the commit that a branch or tag leads to, or that an abbreviation
// stands for.
func (c *Client) Commit(ctx context.Context, repo, ref string) (string, error) {
	if len(ref) > plugpack.MaxShort || !refName.MatchString(ref) {
		return "", errs.New(errs.Invalid, "%.100q is not the name of a branch, tag or commit", ref)
	}
	commit, _, err := c.commit(ctx, repo, ref, "")
	return commit, err
}

func (c *Client) commit(ctx context.Context, repo, ref, etag string) (commit, newETag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := c.request("repos/"+repoPath(repo)+"/commits/"+ref, "application/vnd.github.sha", etag)
	if err != nil {
		return "", "", err
	}
	var b strings.Builder
	resp, err := c.do(ctx, req, question{core, repo}, func(r io.Reader) error {
		_, err := io.Copy(&b, r)
		return err
	})
	if err != nil || resp.StatusCode == http.StatusNotModified {
		return "", etag, err
	}
	commit = strings.TrimSpace(b.String())
	if !commitID.MatchString(commit) {
		return "", "", errs.New(errs.Unavailable, "GitHub's answer about %s of %s is not a commit", ref, repo)
	}
	return commit, resp.Header.Get("ETag"), nil
}

var commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

var repoName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}$`)

func repository(r gh.Repository) plugpack.Repository {
	host := ""
	if u, err := url.Parse(r.GetHTMLURL()); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	license := ""
	if id := r.GetLicense().GetSPDXID(); id != "NOASSERTION" {
		license = id
	}
	topics := make([]string, 0, len(r.Topics))
	for _, t := range r.Topics {
		if len(topics) < plugpack.MaxKeywords {
			topics = append(topics, bounded(t, plugpack.MaxName))
		}
	}
	return plugpack.Repository{
		Host: host, FullName: bounded(r.GetFullName(), plugpack.MaxShort),
		HostID: r.GetID(), OwnerID: r.GetOwner().GetID(),
		Description:   bounded(r.GetDescription(), plugpack.MaxDescription),
		DefaultBranch: bounded(r.GetDefaultBranch(), plugpack.MaxShort),
		License:       bounded(license, plugpack.MaxShort), Topics: topics,
		Stars: r.GetStargazersCount(), Forks: r.GetForksCount(), OpenIssues: r.GetOpenIssuesCount(),
		Archived: r.GetArchived(), PushedAt: r.GetPushedAt().Time,
	}
}

func bounded(s string, n int) string { return plugpack.Cut(plugpack.Clean(s), n) }
