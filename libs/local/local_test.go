package local_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/cache/cachetest"
	"github.com/plugpack/plugpack/libs/local"
)

func TestCache(t *testing.T) {
	t.Parallel()
	cachetest.Run(t, func(t *testing.T) cachetest.Store {
		c := local.NewCache()
		t.Cleanup(c.Close)
		return c
	})
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := local.NewCache()
	t.Cleanup(c.Close)
	body := make([]byte, cache.MaxBody)
	for i := range 2 * local.MaxCacheBytes / cache.MaxBody {
		if err := c.Put(t.Context(), fmt.Sprint(i), cache.Page{Revision: 1, Status: 200, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.Bytes(); got > local.MaxCacheBytes {
		t.Errorf("the cache holds %d bytes, more than %d", got, local.MaxCacheBytes)
	}
}

type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_000_000, c.offset.Load()) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func TestLimiter(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*clock, func(client string, perMinute int) (int, time.Duration)) {
		c := &clock{}
		l := local.NewLimiter(c.now)
		t.Cleanup(l.Close)
		return c, func(client string, perMinute int) (int, time.Duration) {
			t.Helper()
			remaining, after, err := l.Allow(context.Background(), client, perMinute)
			if err != nil {
				t.Fatal(err)
			}
			return remaining, after
		}
	}
	t.Run("the share counts down, then requests are refused with the time to wait", func(t *testing.T) {
		_, allow := setup(t)
		for want := 5; want >= 0; want-- {
			if remaining, after := allow("a", 6); remaining != want || after != 0 {
				t.Fatalf("remaining %d, wait %v; want %d, 0", remaining, after, want)
			}
		}
		if _, after := allow("a", 6); after != 10*time.Second {
			t.Errorf("wait %v, want 10 s", after)
		}
	})
	t.Run("a refused request costs nothing", func(t *testing.T) {
		c, allow := setup(t)
		for range 20 {
			allow("a", 6)
		}
		c.advance(10 * time.Second)
		if _, after := allow("a", 6); after != 0 {
			t.Errorf("refused for %v after the wait", after)
		}
	})
	t.Run("clients do not share", func(t *testing.T) {
		_, allow := setup(t)
		allow("a", 1)
		if _, after := allow("b", 1); after != 0 {
			t.Errorf("b has to wait %v for a", after)
		}
	})
	t.Run("a changed share counts from now", func(t *testing.T) {
		_, allow := setup(t)
		for range 6 {
			allow("a", 6)
		}
		if _, after := allow("a", 600); after > 100*time.Millisecond {
			t.Errorf("wait %v, want the larger share's", after)
		}
	})
	t.Run("requests at the same moment get no more than the share", func(t *testing.T) {
		_, allow := setup(t)
		var (
			wg      sync.WaitGroup
			allowed atomic.Int64
		)
		for range 100 {
			wg.Go(func() {
				if _, after := allow("a", 30); after == 0 {
					allowed.Add(1)
				}
			})
		}
		wg.Wait()
		if allowed.Load() != 30 {
			t.Errorf("%d were let through, want 30", allowed.Load())
		}
	})
}
