package fetch

import (
	"context"
	"sync"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
)

// perHost is how much one host is asked at a time by this process.
const perHost = 4

// maxHosts is how many idle hosts are remembered.
const maxHosts = 1000

// hosts keep each host's share of connections and its wish for a pause.
type hosts struct {
	mu sync.Mutex
	of map[string]*host
}

type host struct {
	slots chan struct{}
	users int       // who hold a slot or wait for one
	until time.Time // of a pause
}

// enter waits for a slot. A host that wants a pause is TooMany at once, so that
// nobody waits for it.
func (h *hosts) enter(ctx context.Context, name string, now func() time.Time) (leave func(), err error) {
	at := h.join(name)
	select {
	case at.slots <- struct{}{}:
	case <-ctx.Done():
		h.leave(at)
		return nil, errs.New(errs.Unavailable, "%s was not asked in time: %w", name, ctx.Err())
	}
	if wait := h.pause(at).Sub(now()); wait > 0 {
		<-at.slots
		h.leave(at)
		return nil, errs.RetryLater(errs.TooMany, wait, "%s asks for a pause", name)
	}
	return func() { <-at.slots; h.leave(at) }, nil
}

func (h *hosts) join(name string) *host {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.of) > maxHosts {
		for other, at := range h.of {
			if at.users == 0 {
				delete(h.of, other)
			}
		}
	}
	if h.of == nil {
		h.of = map[string]*host{}
	}
	if h.of[name] == nil {
		h.of[name] = &host{slots: make(chan struct{}, perHost)}
	}
	h.of[name].users++
	return h.of[name]
}

func (h *hosts) leave(at *host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at.users--
}

func (h *hosts) pause(at *host) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return at.until
}

// rest keeps everybody away from a host until then.
func (h *hosts) rest(name string, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := h.of[name]; at != nil && until.After(at.until) {
		at.until = until
	}
}
