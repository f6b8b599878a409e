// Package local stands in for Redis on one machine: a page cache and a rate
// limiter in the process's own memory, behind the same interfaces. Both are
// bounded. They lose to a real Redis in two ways: other processes do not see
// them, and a restart empties them.
package local

import (
	"context"
	"strings"

	"github.com/maypok86/otter/v2"

	"github.com/plugpack/plugpack/libs/cache"
)

// MaxCacheBytes bounds the memory of a Cache.
const MaxCacheBytes = 64 << 20

// Cache keeps pages and responses in memory. It implements cache.Pages,
// cache.Marks, cache.Responses and cache.Trust.
type Cache struct {
	entries   *otter.Cache[string, entry]
	responses *responses
}

// entry holds the highest revision seen at a key and, if it is there, that
// revision's page.
type entry struct {
	page  cache.Page
	there bool
}

// NewCache makes an empty cache.
func NewCache() *Cache {
	return &Cache{responses: newResponses(), entries: otter.Must(&otter.Options[string, entry]{
		MaximumWeight:    MaxCacheBytes,
		Weigher:          weigh,
		ExpiryCalculator: otter.ExpiryWriting[string, entry](cache.TTL),
	})}
}

// weigh counts what an entry takes with its bookkeeping, about.
func weigh(key string, e entry) uint32 {
	return uint32(200 + len(key) + len(e.page.Location) + len(e.page.Body))
}

// Get gives the page at key. The caller must not change its body.
func (c *Cache) Get(_ context.Context, key string) (cache.Page, bool, error) {
	e, ok := c.entries.GetIfPresent(key)
	if !ok || !e.there {
		return cache.Page{}, false, nil
	}
	return e.page, true, nil
}

// Put stores page at key unless a newer revision has been seen. The caller
// must not change the body any more.
func (c *Cache) Put(ctx context.Context, key string, page cache.Page) error {
	if len(page.Body) > cache.MaxBody {
		return c.Raise(ctx, key, page.Revision)
	}
	c.write(key, func(old entry) (entry, bool) {
		return entry{page, true}, page.Revision >= old.page.Revision
	})
	return nil
}

// Raise marks that revision has been seen, and drops an older page.
func (c *Cache) Raise(_ context.Context, key string, revision int64) error {
	c.write(key, func(old entry) (entry, bool) {
		return entry{page: cache.Page{Revision: revision}}, revision > old.page.Revision
	})
	return nil
}

// write compares and replaces in one step, as the scripts in Redis do.
func (c *Cache) write(key string, f func(old entry) (updated entry, replace bool)) {
	c.entries.Compute(key, func(old entry, _ bool) (entry, otter.ComputeOp) {
		if updated, replace := f(old); replace {
			return updated, otter.WriteOp
		}
		return old, otter.CancelOp
	})
}

// Marks gives the marks of those keys that have one.
func (c *Cache) Marks(_ context.Context, keys []string) (map[string]cache.Mark, error) {
	marks := make(map[string]cache.Mark, len(keys))
	for _, key := range keys {
		if e, ok := c.entries.GetIfPresent(key); ok {
			marks[key] = cache.Mark{Revision: e.page.Revision, Page: e.there}
		}
	}
	return marks, nil
}

// EachMark tells every key that begins with prefix.
func (c *Cache) EachMark(_ context.Context, prefix string, tell func(key string, m cache.Mark)) error {
	for key, e := range c.entries.All() {
		if strings.HasPrefix(key, prefix) {
			tell(key, cache.Mark{Revision: e.page.Revision, Page: e.there})
		}
	}
	return nil
}

// Drop forgets what was seen at key.
func (c *Cache) Drop(_ context.Context, key string) error {
	c.entries.Invalidate(key)
	return nil
}

// Trusted says that all marks are there: they are lost with the process only.
func (c *Cache) Trusted(context.Context) (bool, error) { return true, nil }

// Restore has nothing to do.
func (c *Cache) Restore(context.Context, func(context.Context) error) error { return nil }

// Close frees the cache and ends its goroutine.
func (c *Cache) Close() {
	c.entries.InvalidateAll()
	c.entries.StopAllGoroutines()
	c.responses.kept.InvalidateAll()
	c.responses.kept.StopAllGoroutines()
}

// Bytes says about how much memory the pages take.
func (c *Cache) Bytes() uint64 {
	c.entries.CleanUp()
	return c.entries.WeightedSize()
}
