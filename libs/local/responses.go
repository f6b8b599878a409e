package local

import (
	"context"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/plugpack/plugpack/libs/cache"
)

// MaxResponseBytes bounds the memory of the kept responses of a Cache.
const MaxResponseBytes = 16 << 20

// responses are the kept responses, by generation and key.
type responses struct {
	kept       *otter.Cache[string, cache.Response]
	generation atomic.Pointer[string]
}

func newResponses() *responses {
	r := &responses{kept: otter.Must(&otter.Options[string, cache.Response]{
		MaximumWeight: MaxResponseBytes,
		Weigher: func(key string, r cache.Response) uint32 {
			return uint32(400 + len(key) + len(r.Body) + 150*len(r.Shows))
		},
		ExpiryCalculator: otter.ExpiryWriting[string, cache.Response](cache.ResponseTTL),
	})}
	r.generation.Store(new(cache.Token()))
	return r
}

// Lookup gives the response at key and the generation.
func (c *Cache) Lookup(_ context.Context, key string) (cache.Response, string, bool, error) {
	generation := *c.responses.generation.Load()
	r, found := c.responses.kept.GetIfPresent(generation + key)
	if !found {
		return cache.Response{}, generation, false, nil
	}
	for _, s := range r.Shows {
		if e, ok := c.entries.GetIfPresent(cache.IDKey(s.ID)); ok && e.page.Revision > s.Revision {
			return cache.Response{}, generation, false, nil
		}
	}
	return r, generation, true, nil
}

// Keep marks what the response shows and keeps it.
func (c *Cache) Keep(ctx context.Context, key, generation string, r cache.Response) error {
	for _, s := range r.Shows {
		for _, at := range s.Keys() {
			if err := c.Raise(ctx, at, s.Revision); err != nil {
				return err
			}
		}
	}
	if generation == *c.responses.generation.Load() && len(r.Body) <= cache.MaxResponse {
		c.responses.kept.Set(generation+key, r)
	}
	return nil
}

// Move begins a new generation.
func (c *Cache) Move(context.Context) error {
	c.responses.generation.Store(new(cache.Token()))
	return nil
}
