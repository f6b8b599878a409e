package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

const (
	// maxTokens bounds how many tokens are remembered; when it is reached, all
	// are forgotten and asked for again.
	maxTokens = 50_000
	// tokenLife is how long the catalog's word on a token is believed. Nothing
	// but the limit hangs on it.
	tokenLife = time.Minute
	// wordPatience is how long a request waits for that word. It goes on without it:
	// a stream of events has no end by itself.
	wordPatience = 2 * time.Second
)

// tokenHash stands for a token, which itself is not kept.
type tokenHash [16]byte

func hashOf(token string) (h tokenHash) {
	sum := sha256.Sum256([]byte(token))
	copy(h[:], sum[:])
	return h
}

// String gives the hash as the limiter's key has it.
func (h tokenHash) String() string { return hex.EncodeToString(h[:]) }

// tokens remembers what the catalog said of API tokens.
type tokens struct {
	now   func() time.Time
	mu    sync.Mutex
	known map[tokenHash]verdict
}

type verdict struct {
	good  bool
	until time.Time
}

func newTokens(now func() time.Time) *tokens {
	return &tokens{now: now, known: map[tokenHash]verdict{}}
}

func (t *tokens) get(h tokenHash) (v verdict, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, known = t.known[h]
	return v, known && t.now().Before(v.until)
}

func (t *tokens) accepted(h tokenHash) bool {
	v, known := t.get(h)
	return known && v.good
}

func (t *tokens) keep(h tokenHash, good bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) >= maxTokens {
		clear(t.known)
	}
	t.known[h] = verdict{good, t.now().Add(tokenLife)}
}

// Recognise asks the catalog, once a minute, whether it accepts the API token
// that the request brings. It comes after the limit, whose Client the answer is
// for.
func (a *Auth) Recognise(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := bearer(r); token != "" {
			h := hashOf(token)
			if _, known := a.tokens.get(h); !known {
				a.askFor(h, r)
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (a *Auth) askFor(h tokenHash, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), wordPatience)
	defer cancel()
	me := r.Clone(ctx)
	me.Method, me.Body, me.ContentLength = http.MethodGet, http.NoBody, 0
	me.URL.Path, me.URL.RawPath, me.URL.RawQuery = mePath, "", ""
	me.Header = http.Header{"Authorization": r.Header["Authorization"]}
	var answer status
	a.catalog.ServeHTTP(&answer, me)
	switch answer.code {
	case http.StatusOK:
		a.tokens.keep(h, true)
	case http.StatusUnauthorized, http.StatusForbidden:
		a.tokens.keep(h, false)
	}
}

// status is of an answer all that counts.
type status struct {
	code   int
	header http.Header
}

// Header gives headers that nobody reads.
func (s *status) Header() http.Header {
	if s.header == nil {
		s.header = http.Header{}
	}
	return s.header
}

// WriteHeader notes the status.
func (s *status) WriteHeader(code int) {
	if s.code == 0 && code >= http.StatusOK {
		s.code = code
	}
}

// Write drops a part of the body.
func (s *status) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return len(b), nil
}
