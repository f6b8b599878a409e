package github

import (
	"context"
	"io"
	"net/url"

	gh "github.com/google/go-github/v60/github"
)

// Archive opens the tar.gz of the repository at commit.
func (c *Client) Archive(ctx context.Context, repo, commit string) (io.ReadCloser, error) {
	req, err := c.request("repos/"+repoPath(repo)+"/tarball/"+url.PathEscape(commit), "application/vnd.github+json", "")
	if err != nil {
		return nil, err
	}
	// Otherwise net/http asks for gzip and would unpack what is meant to be packed.
	req.Header.Set("Accept-Encoding", "identity")
	about := question{core, repo}
	if err := c.mayAsk(ctx, core); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, archiveTimeout)
	resp, err := c.send(ctx, c.http, req, core)
	if err == nil {
		err = gh.CheckResponse(resp)
	}
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		cancel()
		return nil, c.explain(about, resp, err)
	}
	return archiveBody{resp.Body, cancel}, nil
}

type archiveBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b archiveBody) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}
