package github

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

// Bounds of a wait that GitHub asks for. A reset is at most an hour away.
const (
	minWait       = time.Second
	maxWait       = 65 * time.Minute
	secondaryWait = time.Minute // GitHub's advice when it names no time
)

// resource is a part of GitHub's interface with a limit of its own, as the
// header X-RateLimit-Resource names it.
type resource string

const (
	core       resource = "core"
	search     resource = "search"
	codeSearch resource = "code_search"
)

// reason is why somebody is told to wait.
type reason string

const (
	reasonLimit   reason = "GitHub's hourly limit is used up"
	reasonSearch  reason = "GitHub's limit of searches a minute is used up"
	reasonPause   reason = "GitHub asks for a pause"
	reasonReserve reason = "what is left of GitHub's hourly limit is kept for urgent scans"
)

// label is the reason's short form, for metrics.
func (r reason) label() string {
	return map[reason]string{reasonLimit: "limit", reasonSearch: "search", reasonPause: "pause", reasonReserve: "reserve"}[r]
}

// standing is how much of a limit is left.
type standing struct {
	Limit, Remaining int
	Reset            int64
}

// reserve is what scheduled work leaves to urgent work.
func (s standing) reserve() int { return s.Limit / 10 }

// limits remember until when GitHub wants no more questions of a kind, so that
// the other scans of this process do not ask either.
type limits struct {
	host    string
	metrics *Metrics

	mu sync.Mutex
	of map[resource]*limit
}

type limit struct {
	standing
	until time.Time // after a refusal
	why   reason
}

func (l *limits) get(r resource) *limit {
	if l.of == nil {
		l.of = map[resource]*limit{}
	}
	if l.of[r] == nil {
		l.of[r] = &limit{}
	}
	return l.of[r]
}

// check says how long to wait and why; 0 for not at all.
func (l *limits) check(r resource, urgent bool, now time.Time) (time.Duration, reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.get(r)
	if wait := at.until.Sub(now); wait > 0 {
		return wait, at.why
	}
	wait := min(time.Unix(at.Reset, 0).Sub(now), maxWait)
	switch {
	case at.Limit <= 0 || wait <= 0:
	case at.Remaining <= 0 && r == core:
		return wait, reasonLimit
	case at.Remaining <= 0:
		return wait, reasonSearch
	case r == core && !urgent && at.Remaining < at.reserve():
		return wait, reasonReserve
	}
	return 0, ""
}

func (l *limits) block(r resource, until time.Time, why reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := l.get(r); until.After(at.until) {
		at.until, at.why = until, why
	}
}

// heard takes what an answer says of the limits.
func (l *limits) heard(r resource, h http.Header) {
	if named := resource(h.Get("X-RateLimit-Resource")); named == core || named == search || named == codeSearch {
		r = named
	}
	limit, err1 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if r != "" && err1 == nil && err2 == nil && err3 == nil {
		l.saw(r, standing{limit, remaining, reset})
	}
}

// saw takes the newer of two standings: answers may come in another order than
// GitHub counted them.
func (l *limits) saw(r resource, s standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.get(r)
	if s.Reset < at.Reset || s.Reset == at.Reset && s.Remaining > at.Remaining {
		return
	}
	at.standing = s
	l.metrics.left(l.host, r, s)
}

// urgentKey marks a context.
type urgentKey struct{}

// Urgent marks questions that may use the last of the limit.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// mayAsk gives the TooMany error for as long as nothing may be asked of r.
func (c *Client) mayAsk(ctx context.Context, r resource) error {
	urgent := ctx.Value(urgentKey{}) != nil
	if wait, why := c.limits.check(r, urgent, c.now()); wait > 0 {
		return c.tooMany(r, wait, why)
	}
	return nil
}

// tooMany adds some time, so that the scans that wait do not come back at once.
func (c *Client) tooMany(r resource, wait time.Duration, why reason) error {
	c.metrics.waits.WithLabelValues(why.label()).Inc()
	more := time.Second
	if r == core {
		more += min(wait/4, 20*time.Second)
	}
	return errs.RetryLater(errs.TooMany, wait+rand.N(more), "%s", why)
}

// HourlyLimit gives how many requests GitHub allows an hour, as far as it has
// said so, and else what it usually allows.
func (c *Client) HourlyLimit() int {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	switch n := c.limits.get(core).Limit; {
	case n > 0:
		return n
	case c.token == "":
		return 60
	}
	return 5000
}
