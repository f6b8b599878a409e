package github

import (
	"context"
	"io"
	"net/url"
	"sync"

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
	ctx, cancel := context.WithTimeout(ctx, archiveTimeout)
	leave, err := enter(ctx, c.slots.downloads)
	if err != nil {
		cancel()
		return nil, err
	}
	end := func() { leave(); cancel() }
	if err := c.mayAsk(ctx, core); err != nil {
		end()
		return nil, err
	}
	resp, err := c.send(ctx, c.http, req, core)
	if err == nil {
		err = gh.CheckResponse(resp)
	}
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		end()
		return nil, c.explain(about, resp, err)
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
