package github

import (
	"context"
	"net/http"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// LatestRelease gives the newest release's tag and time, or "" for a repository
// without one. With the etag of an earlier answer it gives changed false when
// that still holds.
func (c *Client) LatestRelease(ctx context.Context, repo, etag string) (tag string, at time.Time, newETag string, changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := c.request("repos/"+repoPath(repo)+"/releases/latest", "application/vnd.github+json", etag)
	if err != nil {
		return "", at, "", false, err
	}
	var answer gh.RepositoryRelease
	resp, err := c.do(ctx, req, question{core, repo}, jsonInto(&answer))
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return "", at, "", true, nil
	case err != nil:
		return "", at, "", false, err
	case resp.StatusCode == http.StatusNotModified:
		return "", at, etag, false, nil
	}
	return bounded(answer.GetTagName(), plugpack.MaxShort), answer.GetPublishedAt().UTC(), resp.Header.Get("ETag"), true, nil
}

// HasFile says whether the default branch has a file at path. With the etag of
// an earlier answer that found one, the same answer is free.
func (c *Client) HasFile(ctx context.Context, repo, path, etag string) (has bool, newETag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := c.request("repos/"+repoPath(repo)+"/contents/"+path, "application/vnd.github+json", etag)
	if err != nil {
		return false, "", err
	}
	// The file itself is not wanted yet.
	req.Method = http.MethodHead
	resp, err := c.do(ctx, req, question{core, repo}, jsonInto(&struct{}{}))
	switch {
	case errs.KindOf(err) == errs.NotFound:
		return false, "", nil
	case err != nil:
		return false, "", err
	case resp.StatusCode == http.StatusNotModified:
		return true, etag, nil
	}
	return true, resp.Header.Get("ETag"), nil
}
