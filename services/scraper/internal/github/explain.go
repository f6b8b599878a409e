package github

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

// explain turns what went wrong into a kind and a sentence. resp is nil when
// there was no answer.
func (c *Client) explain(q question, resp *http.Response, err error) error {
	repo := q.about
	if limit, ok := errors.AsType[*gh.RateLimitError](err); ok {
		return c.limited(q.resource, limit.Rate.Reset.Sub(c.now()), reasonLimit)
	}
	if limit, ok := errors.AsType[*gh.AbuseRateLimitError](err); ok {
		wait := secondaryWait
		if limit.RetryAfter != nil {
			wait = *limit.RetryAfter
		}
		return c.limited(q.resource, wait, reasonPause)
	}
	if outbound.Refused(err) {
		return errs.New(errs.Invalid, "GitHub's answer about %s leads to an address that is not on the public internet, and was not followed", repo)
	}
	if resp == nil {
		return errs.New(errs.Unavailable, "GitHub cannot be reached at %s (%s)", c.base.Redacted(), cause(err))
	}
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		return c.errBadToken()
	case status == http.StatusNotFound, status == http.StatusGone:
		return errs.New(errs.NotFound, "GitHub has no repository %s, or it is private", repo)
	case status == http.StatusUnavailableForLegalReasons:
		return errs.New(errs.NotFound, "GitHub may not show %s for legal reasons", repo)
	case q.resource != core && status == http.StatusUnprocessableEntity:
		return errs.New(errs.Invalid, "GitHub refuses a search, or has no such page of its results")
	case status == http.StatusConflict, status == http.StatusUnprocessableEntity:
		return errs.New(errs.Invalid, "%s is an empty repository", repo)
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && asksToWait(resp, err):
		return c.limited(q.resource, waitOf(resp, c.now()), reasonPause)
	case status == http.StatusForbidden:
		return errs.New(errs.Forbidden, "GitHub refuses access to %s", repo)
	case status >= 200 && status <= 299:
		return errs.New(errs.Unavailable, "GitHub's answer about %s is damaged (%s)", repo, cause(err))
	}
	return errs.New(errs.Unavailable, "GitHub answers %s about %s", strconv.Itoa(resp.StatusCode), repo)
}

func (c *Client) limited(r resource, wait time.Duration, why reason) error {
	wait = min(max(wait, minWait), maxWait)
	c.limits.block(r, c.now().Add(wait), why)
	return c.tooMany(r, wait, why)
}

func asksToWait(r *http.Response, err error) bool {
	if r.Header.Get("Retry-After") != "" || r.Header.Get("X-RateLimit-Remaining") == "0" {
		return true
	}
	answer, ok := errors.AsType[*gh.ErrorResponse](err)
	return ok && strings.Contains(strings.ToLower(answer.Message), "rate limit")
}

func waitOf(r *http.Response, now time.Time) time.Duration {
	if s, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil {
		return time.Duration(s) * time.Second
	}
	if s, err := strconv.ParseInt(r.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && r.Header.Get("X-RateLimit-Remaining") == "0" {
		return time.Unix(s, 0).Sub(now)
	}
	return secondaryWait
}

// cause gives the shortest useful words for a network error, without the whole
// address that net/http puts in.
func cause(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return "no answer in time"
	}
	if o, ok := errors.AsType[*net.OpError](err); ok {
		err = cmp.Or(o.Err, err)
	}
	return err.Error()
}
