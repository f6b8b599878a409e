// Package github asks GitHub about repositories, through go-github, and turns
// its answers into PlugPack's nouns and error kinds.
//
// Every question about a repository can be conditional: with the ETag of an
// earlier answer an unchanged one costs nothing of the limit. A limit is never
// waited for here: it is a TooMany error that says when to come back, and until
// then nothing is asked.
package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const (
	// answerTimeout bounds a question and its whole answer, archives aside.
	answerTimeout = 30 * time.Second
	// archiveTimeout bounds a download.
	archiveTimeout = 10 * time.Minute
	// maxAnswer bounds a JSON answer.
	maxAnswer = 4 << 20
	maxHops   = 5
	userAgent = "plugpack (+https://github.com/plugpack/plugpack)"
)

// Options says where GitHub is and who asks.
type Options struct {
	BaseURL string // with or without a trailing slash
	Token   string // "" for the unauthenticated limits
	Now     func() time.Time
}

// Client asks one GitHub. It is safe for concurrent use.
type Client struct {
	gh      *gh.Client
	http    *http.Client
	base    *url.URL
	token   string
	now     func() time.Time
	blocked blocked
}

// New makes a client of its own connections.
func New(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(o.BaseURL, "/") + "/")
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" {
		return nil, errs.New(errs.Invalid, "GITHUB_API_URL: want an address such as https://api.github.com/")
	}
	c := &Client{base: base, token: o.Token, now: o.Now}
	if c.now == nil {
		c.now = time.Now
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           newGuard(base).dial,
			ForceAttemptHTTP2:     true,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 20 * time.Second,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   16,
		},
		CheckRedirect: c.checkRedirect,
	}
	limited := *c.http
	limited.Transport = limitBody{c.http.Transport}
	c.gh = gh.NewClient(&limited)
	c.gh.BaseURL, c.gh.UserAgent = base, userAgent
	return c, nil
}

// checkRedirect follows a few redirects, and none from https to http. The token
// stays behind when host or port change; net/http alone would hand it to another
// port of the same machine, and to hosts below the API's.
func (c *Client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxHops {
		return errors.New("too many redirects")
	}
	if c.base.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("redirected from https to " + req.URL.Scheme)
	}
	if req.URL.Host != c.base.Host {
		req.Header.Del("Authorization")
	}
	return nil
}

type limitBody struct{ http.RoundTripper }

func (l limitBody) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// Repository is an answer about a repository.
type Repository struct {
	plugpack.Repository
	ETag string
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
	resp, err := c.do(ctx, req, repo, &answer)
	if err != nil || resp.StatusCode == http.StatusNotModified {
		return r, false, err
	}
	r = Repository{Repository: repository(answer), ETag: resp.Header.Get("ETag")}
	if r.Host == "" || !strings.Contains(r.FullName, "/") || r.HostID == 0 {
		return r, false, errs.New(errs.Unavailable, "GitHub's answer about %s is not a repository", repo)
	}
	return r, true, nil
}

// Head gives the commit at the tip of the default branch. With the etag of an
// earlier answer it gives "" when that is still the same.
func (c *Client) Head(ctx context.Context, repo, etag string) (commit, newETag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := c.request("repos/"+repoPath(repo)+"/commits/HEAD", "application/vnd.github.sha", etag)
	if err != nil {
		return "", "", err
	}
	var b strings.Builder
	resp, err := c.do(ctx, req, repo, &b)
	if err != nil || resp.StatusCode == http.StatusNotModified {
		return "", etag, err
	}
	commit = strings.TrimSpace(b.String())
	if !commitID.MatchString(commit) {
		return "", "", errs.New(errs.Unavailable, "GitHub's answer about the head of %s is not a commit", repo)
	}
	return commit, resp.Header.Get("ETag"), nil
}

var commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// Archive opens the tar.gz of the repository at commit.
func (c *Client) Archive(ctx context.Context, repo, commit string) (io.ReadCloser, error) {
	req, err := c.request("repos/"+repoPath(repo)+"/tarball/"+url.PathEscape(commit), "application/vnd.github+json", "")
	if err != nil {
		return nil, err
	}
	// Otherwise net/http asks for gzip and would unpack what is meant to be packed.
	req.Header.Set("Accept-Encoding", "identity")
	if err := c.blocked.check(c.now()); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, archiveTimeout)
	resp, err := c.http.Do(req.WithContext(ctx))
	if err == nil {
		err = gh.CheckResponse(resp)
	}
	if err != nil {
		if resp != nil {
			_ = resp.Body.Close()
		}
		cancel()
		return nil, c.explain(repo, &gh.Response{Response: resp}, err)
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

// Reachable asks GitHub for the state of the limit, which costs nothing. The
// error is a sentence for whoever runs the scraper.
func (c *Client) Reachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := c.request("rate_limit", "application/vnd.github+json", "")
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		return errs.New(errs.Unavailable, "GitHub cannot be reached at %s (%s)", c.base.Redacted(), cause(err))
	}
	defer resp.Body.Close()
	var answer struct {
		Resources struct {
			Core struct {
				Limit, Remaining int
				Reset            int64
			}
		}
	}
	decodeErr := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer)
	core := answer.Resources.Core
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return errBadToken()
	case resp.StatusCode >= 500:
		return errs.New(errs.Unavailable, "GitHub cannot be reached at %s (it answers %s)", c.base.Redacted(), resp.Status)
	case decodeErr != nil: // such as a sign-in page of the network
		return errs.New(errs.Unavailable, "GitHub cannot be reached at %s (what answers there is not GitHub's API)", c.base.Redacted())
	case core.Limit > 0 && core.Remaining == 0:
		reset := time.Unix(core.Reset, 0)
		advice := ""
		if c.token == "" {
			advice = ", or set GITHUB_TOKEN, which lifts it to 5,000 requests"
		}
		return errs.RetryLater(errs.TooMany, max(reset.Sub(c.now()), time.Second),
			"GitHub's hourly limit of %d requests is used up until %s: wait%s", core.Limit, reset.UTC().Format("15:04 MST"), advice)
	}
	// GitHub Enterprise answers 404 where limits are turned off, and a limit
	// that is reached shows by itself.
	return nil
}

func errBadToken() error {
	return errs.New(errs.Unauthorized, "GitHub refuses the token in GITHUB_TOKEN: it is wrong, expired or revoked")
}

func repoPath(repo string) string {
	owner, name, _ := strings.Cut(repo, "/")
	return url.PathEscape(owner) + "/" + url.PathEscape(name)
}

// request sets the token on the request and not in the transport, so that
// checkRedirect can take it away.
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

// do gives the response for 2xx and 304, and an explained error for all else.
func (c *Client) do(ctx context.Context, req *http.Request, repo string, v any) (*gh.Response, error) {
	if err := c.blocked.check(c.now()); err != nil {
		return nil, err
	}
	resp, err := c.gh.Do(ctx, req, v)
	if resp != nil && resp.StatusCode == http.StatusNotModified {
		return resp, nil
	}
	if err != nil {
		return nil, c.explain(repo, resp, err)
	}
	return resp, nil
}

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
