package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

func repoPath(repo string) string {
	owner, name, _ := strings.Cut(repo, "/")
	return url.PathEscape(owner) + "/" + url.PathEscape(name)
}

// request sets the token on the request and not in the transport, so that
// a redirect can leave it behind.
func (c *Client) request(path, accept, etag string) (*http.Request, error) {
	req, err := c.gh.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask GitHub for %s: %w", path, err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", userAgent)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	return req, nil
}

// question is what an answer is about: which limit it counts against, and the
// repository or search that an error names.
type question struct {
	resource resource
	about    string
}

// do gives the response for 2xx and 304, and an explained error for all else.
func (c *Client) do(ctx context.Context, req *http.Request, q question, decode func(io.Reader) error) (*http.Response, error) {
	leave, err := enter(ctx, c.slots.questions)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := c.mayAsk(ctx, q.resource); err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, c.api, req, q.resource)
	if err != nil {
		return nil, c.explain(q, nil, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		return resp, nil
	}
	if err = gh.CheckResponse(resp); err == nil {
		err = decode(resp.Body)
	}
	if err != nil {
		return nil, c.explain(q, resp, err)
	}
	return resp, nil
}

// send asks and keeps count. Where a redirect led to another host, that host's
// word on limits counts for nothing.
func (c *Client) send(ctx context.Context, by *http.Client, req *http.Request, r resource) (*http.Response, error) {
	resp, err := by.Do(req.WithContext(ctx))
	if err != nil {
		c.metrics.asked(r, 0, req)
		return nil, err
	}
	c.metrics.asked(r, resp.StatusCode, req)
	if resp.Request.URL.Host == c.base.Host {
		c.limits.heard(r, resp.Header)
	}
	return resp, nil
}

// jsonInto decodes into v. An answer without a body leaves it as it is.
func jsonInto(v any) func(io.Reader) error {
	return func(r io.Reader) error {
		if err := json.NewDecoder(r).Decode(v); !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
}
