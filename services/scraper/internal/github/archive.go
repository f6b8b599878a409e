package github

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"

	gh "github.com/google/go-github/v60/github"

	"github.com/plugpack/plugpack/libs/errs"
)

// Archive opens the tar.gz of the repository at commit: where no limit counts
// it, as long as GitHub has such a place and shows the repository there, and
// else through the API.
func (c *Client) Archive(ctx context.Context, repo, commit string) (io.ReadCloser, error) {
	if c.archive != nil {
		body, err := c.freeArchive(ctx, repo, commit)
		if errs.KindOf(err) != errs.NotFound {
			return body, err
		}
	}
	return c.Tarball(ctx, repo, commit)
}

// freeArchive asks as anybody, without the token.
func (c *Client) freeArchive(ctx context.Context, repo, commit string) (io.ReadCloser, error) {
	req, err := http.NewRequest(http.MethodGet, c.archive(repo, commit), nil)
	if err != nil {
		return nil, errs.New(errs.Invalid, "%s cannot be the name of a repository", repo)
	}
	req.Header.Set("Accept", "application/x-gzip, */*")
	req.Header.Set("User-Agent", userAgent)
	return c.download(ctx, req, question{"", repo})
}

// Tarball opens the same through the API, which counts it, and which shows
// private repositories to their token.
func (c *Client) Tarball(ctx context.Context, repo, commit string) (io.ReadCloser, error) {
	req, err := c.request("repos/"+repoPath(repo)+"/tarball/"+url.PathEscape(commit), "application/vnd.github+json", "")
	if err != nil {
		return nil, err
	}
	return c.download(ctx, req, question{core, repo})
}

func (c *Client) download(ctx context.Context, req *http.Request, about question) (io.ReadCloser, error) {
	// Otherwise net/http asks for gzip and would unpack what is meant to be packed.
	req.Header.Set("Accept-Encoding", "identity")
	ctx, cancel := context.WithTimeout(ctx, archiveTimeout)
	leave, err := enter(ctx, c.slots.downloads)
	if err != nil {
		cancel()
		return nil, err
	}
	end := func() { leave(); cancel() }
	// A pause that GitHub asked for holds for its archives too.
	if err := c.mayAsk(ctx, core); err != nil {
		end()
		return nil, err
	}
	resp, err := c.send(ctx, c.http, req, about.resource)
	if err == nil {
		err = gh.CheckResponse(resp)
	}
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		end()
		return nil, c.explain(question{core, about.about}, resp, err)
	}
	return archiveBody{resp.Body, sync.OnceFunc(end)}, nil
}

type archiveBody struct {
	io.ReadCloser
	end func()
}

func (b archiveBody) Close() error {
	b.end()
	return b.ReadCloser.Close()
}
