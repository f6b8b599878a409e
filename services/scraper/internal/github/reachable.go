package github

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

// Reachable asks GitHub for the state of the limit, which costs nothing. The
// error is a sentence for whoever runs the scraper.
func (c *Client) Reachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := c.request("rate_limit", "application/vnd.github+json", "")
	if err != nil {
		return err
	}
	resp, err := c.send(ctx, c.api, req, "")
	if err != nil {
		return errs.New(errs.Unavailable, "GitHub cannot be reached at %s (%s)", c.base.Redacted(), cause(err))
	}
	defer resp.Body.Close()
	var answer struct {
		Resources struct{ Core standing }
	}
	decodeErr := json.NewDecoder(resp.Body).Decode(&answer)
	standing := answer.Resources.Core
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return c.errBadToken()
	case resp.StatusCode >= 500:
		return errs.New(errs.Unavailable, "GitHub cannot be reached at %s (it answers %s)", c.base.Redacted(), resp.Status)
	case decodeErr != nil: // such as a sign-in page of the network
		return errs.New(errs.Unavailable, "GitHub cannot be reached at %s (what answers there is not GitHub's API)", c.base.Redacted())
	}
	// GitHub Enterprise answers 404 where limits are turned off, and a limit
	// that is reached shows by itself.
	if standing.Limit <= 0 {
		return nil
	}
	c.limits.saw(core, standing)
	return c.leftFor(standing)
}

// leftFor says whether scheduled scans may go on.
func (c *Client) leftFor(s standing) error {
	what := "GitHub's hourly limit of %d requests is used up until %s"
	switch {
	case s.Remaining > 0 && s.Remaining < s.reserve():
		what = "what is left of GitHub's hourly limit of %d requests is kept for urgent scans until %s"
	case s.Remaining > 0:
		return nil
	}
	if what += ": wait"; c.token == "" {
		what += ", or set GITHUB_TOKEN, which lifts it to 5,000 requests"
	}
	reset := time.Unix(s.Reset, 0)
	return errs.RetryLater(errs.TooMany, max(reset.Sub(c.now()), time.Second), what, s.Limit, reset.UTC().Format("15:04 MST"))
}

func (c *Client) errBadToken() error {
	return errs.New(errs.Unauthorized, "GitHub refuses the token in %s: it is wrong, expired or revoked", c.tokenName)
}
