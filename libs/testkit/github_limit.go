package testkit

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// gitHubBucket is one of GitHub's limits.
type gitHubBucket struct {
	limit, used int
	window      time.Duration
	began       time.Time
	// told says that answers carry the limit's headers.
	told bool
}

// gitHubBuckets gives the limits of an account with a token. The core limit is
// only told by /rate_limit, and nothing is counted against it, until
// LimitCore.
func gitHubBuckets() map[string]*gitHubBucket {
	return map[string]*gitHubBucket{
		"core":        {limit: 5000, window: time.Hour},
		"search":      {limit: 30, window: time.Minute, told: true},
		"code_search": {limit: 10, window: time.Minute, told: true},
	}
}

// LimitCore begins to count requests against a limit an hour, of which used
// are gone.
func (g *GitHubServer) LimitCore(limit, used int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.buckets["core"] = &gitHubBucket{limit: limit, used: used, window: time.Hour, began: g.now(), told: true}
}

// Exhaust makes /rate_limit say that nothing is left.
func (g *GitHubServer) Exhaust() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.buckets["core"].used, g.buckets["core"].began = g.buckets["core"].limit, g.now()
}

// SetNow gives the server another clock for its limits.
func (g *GitHubServer) SetNow(now func() time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = now
}

func (b *gitHubBucket) left(now time.Time) int {
	if now.Sub(b.began) >= b.window {
		b.began, b.used = now, 0
	}
	return b.limit - b.used
}

func (b *gitHubBucket) reset() time.Time { return b.began.Add(b.window) }

func (g *GitHubServer) standings() map[string]any {
	all := map[string]any{}
	for name, b := range g.buckets {
		left := b.left(g.now())
		all[name] = map[string]any{"limit": b.limit, "remaining": left, "reset": b.reset().Unix()}
	}
	return all
}

func resourceOf(path string) string {
	switch {
	case path == "/search/code":
		return "code_search"
	case strings.HasPrefix(path, "/search/"):
		return "search"
	case path == "/rate_limit" || strings.HasPrefix(path, "/codeload/") || strings.HasPrefix(path, "/login/oauth/"):
		return ""
	}
	return "core"
}

type answerer func(req *http.Request, path string) (int, http.Header, []byte)

// limited refuses what is over its limit, and counts all else but answers that
// nothing has changed.
func (g *GitHubServer) limited(req *http.Request, path string, answer answerer) (int, http.Header, []byte) {
	name := resourceOf(path)
	g.mu.Lock()
	b := g.buckets[name]
	if b == nil || !b.told {
		g.mu.Unlock()
		return answer(req, path)
	}
	refused := b.left(g.now()) <= 0
	g.mu.Unlock()
	if refused {
		status, header, body := message(http.StatusForbidden, "API rate limit exceeded for user ID 7.")
		g.mu.Lock()
		defer g.mu.Unlock()
		b.tell(name, header)
		header.Set("Retry-After", strconv.Itoa(int(b.reset().Sub(g.now()).Seconds())+1))
		return status, header, body
	}
	status, header, body := answer(req, path)
	g.mu.Lock()
	defer g.mu.Unlock()
	if etag := header.Get("ETag"); etag == "" || req.Header.Get("If-None-Match") != etag {
		b.used++
	}
	b.tell(name, header)
	return status, header, body
}

func (b *gitHubBucket) tell(name string, header http.Header) {
	header.Set("X-RateLimit-Resource", name)
	header.Set("X-RateLimit-Limit", strconv.Itoa(b.limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(max(b.limit-b.used, 0)))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(b.reset().Unix()+1, 10))
}
