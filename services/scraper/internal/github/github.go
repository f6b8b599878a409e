// Package github asks GitHub about repositories and searches it, with
// go-github's types, and turns its answers into PlugPack's nouns and error
// kinds.
//
// Every question about a repository can be conditional: with the ETag of an
// earlier answer an unchanged one costs nothing of the limit. GitHub counts the
// core interface, the search and the code search apart, and so does a Client: a
// limit that is reached stops only questions to its own resource. For the core
// it is a TooMany error that says when to come back, and until then nothing is
// asked; a search waits for it by itself. The last tenth of the core limit is
// kept for those who ask with an Urgent context.
package github

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

const (
	// answerTimeout bounds a question and its whole answer, archives aside.
	answerTimeout = 30 * time.Second
	// archiveTimeout bounds a download.
	archiveTimeout = 10 * time.Minute
	// maxAnswer bounds a JSON answer.
	maxAnswer = 4 << 20
	userAgent = "plugpack (+https://github.com/plugpack/plugpack)"
)

// Options says where GitHub is and who asks.
type Options struct {
	BaseURL string // with or without a trailing slash
	Token   string // "" for the unauthenticated limits
	// TokenName is the variable that holds the token; "" for GITHUB_TOKEN.
	TokenName string
	Now       func() time.Time
	// Wait waits for a search's limit; nil for the clock's own time.
	Wait func(ctx context.Context, d time.Duration) error
	// Metrics counts what is asked; nil to count nothing.
	Metrics *Metrics
}

// Client asks one GitHub. It is safe for concurrent use.
type Client struct {
	gh    *gh.Client   // makes requests, and never sends them
	http  *http.Client // for archives
	api   *http.Client // for all else: the answers are bounded
	base  *url.URL
	token string
	// archive is where no limit counts an archive; nil where there is no such
	// place that everybody may ask.
	archive ArchiveAddress
	// tokenName is for the person who has to set another one.
	tokenName string
	now       func() time.Time
	wait      func(ctx context.Context, d time.Duration) error
	limits    limits
	slots     *slots
	metrics   *Metrics
	waited    atomic.Int64 // nanoseconds
}

// New makes a client of its own connections.
func New(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(o.BaseURL, "/") + "/")
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" {
		return nil, errs.New(errs.Invalid, "GITHUB_API_URL: want an address such as https://api.github.com/")
	}
	c := &Client{base: base, token: o.Token, tokenName: cmp.Or(o.TokenName, "GITHUB_TOKEN"), now: o.Now, wait: o.Wait, metrics: o.Metrics}
	if c.now == nil {
		c.now = time.Now
	}
	if c.wait == nil {
		c.wait = wait
	}
	if c.metrics == nil {
		c.metrics = NewMetrics(nil)
	}
	if host := hostAt(base); host == PublicHost {
		c.archive = Archives(host, base)[0]
	}
	c.limits, c.slots = limits{host: base.Host, metrics: c.metrics}, newSlots()
	c.http = outbound.New(base).Client()
	c.http.Transport = stopwatch{c.http.Transport, &c.waited}
	limited := *c.http
	limited.Transport = limitBody{c.http.Transport}
	c.api = &limited
	c.gh = gh.NewClient(nil)
	c.gh.BaseURL, c.gh.UserAgent = base, userAgent
	return c, nil
}

// Address gives the API's.
func (c *Client) Address() *url.URL { u := *c.base; return &u }

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

// wait waits for d by the real clock.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
