package github

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"code.dny.dev/ssrf"
	gh "github.com/google/go-github/v60/github"

	"github.com/plugpack/plugpack/libs/errs"
)

// Bounds of a wait that GitHub asks for. A reset is at most an hour away.
const (
	minWait       = time.Second
	maxWait       = 65 * time.Minute
	secondaryWait = time.Minute // GitHub's advice when it names no time
)

// blocked remembers until when GitHub wants no more questions, so that the
// other scans of this process do not ask either.
type blocked struct {
	mu     sync.Mutex
	until  time.Time
	reason string
}

func (b *blocked) check(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait := b.until.Sub(now); wait > 0 {
		return tooMany(wait, b.reason)
	}
	return nil
}

func (b *blocked) set(until time.Time, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.until) {
		b.until, b.reason = until, reason
	}
}

// tooMany adds some time, so that the scans that wait do not come back at once.
func tooMany(wait time.Duration, reason string) error {
	return errs.RetryLater(errs.TooMany, wait+rand.N(min(wait/4, 20*time.Second)+time.Second), "%s", reason)
}

// explain turns what went wrong into a kind and a sentence about repo.
func (c *Client) explain(repo string, resp *gh.Response, err error) error {
	if limit, ok := errors.AsType[*gh.RateLimitError](err); ok {
		return c.limited(limit.Rate.Reset.Sub(c.now()), "GitHub's hourly limit is used up")
	}
	if limit, ok := errors.AsType[*gh.AbuseRateLimitError](err); ok {
		wait := secondaryWait
		if limit.RetryAfter != nil {
			wait = *limit.RetryAfter
		}
		return c.limited(wait, "GitHub asks for a pause")
	}
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) {
		return errs.New(errs.Invalid, "GitHub's answer about %s leads to an address that is not on the public internet, and was not followed", repo)
	}
	if resp == nil || resp.Response == nil {
		return errs.New(errs.Unavailable, "GitHub cannot be reached at %s (%s)", c.base.Redacted(), cause(err))
	}
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		return errBadToken()
	case status == http.StatusNotFound, status == http.StatusGone:
		return errs.New(errs.NotFound, "GitHub has no repository %s, or it is private", repo)
	case status == http.StatusUnavailableForLegalReasons:
		return errs.New(errs.NotFound, "GitHub may not show %s for legal reasons", repo)
	case status == http.StatusConflict, status == http.StatusUnprocessableEntity:
		return errs.New(errs.Invalid, "%s is an empty repository", repo)
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && asksToWait(resp.Response, err):
		return c.limited(waitOf(resp.Response, c.now()), "GitHub asks for a pause")
	case status == http.StatusForbidden:
		return errs.New(errs.Forbidden, "GitHub refuses access to %s", repo)
	case status >= 200 && status <= 299:
		return errs.New(errs.Unavailable, "GitHub's answer about %s is damaged (%s)", repo, cause(err))
	}
	return errs.New(errs.Unavailable, "GitHub answers %s about %s", strconv.Itoa(resp.StatusCode), repo)
}

func (c *Client) limited(wait time.Duration, reason string) error {
	wait = min(max(wait, minWait), maxWait)
	c.blocked.set(c.now().Add(wait), reason)
	return tooMany(wait, reason)
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
