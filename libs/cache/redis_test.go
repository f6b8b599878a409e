package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/cache/cachetest"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/testkit"
)

func TestRedis(t *testing.T) {
	t.Parallel()
	r := testkit.Redis(t)
	cachetest.Run(t, func(t *testing.T) cachetest.Store {
		r.Server.FlushAll()
		return r.Pages(t)
	})
}

func TestRedisExpiry(t *testing.T) {
	t.Parallel()
	r := testkit.Redis(t)
	pages := cache.NewRedis(r.Client)
	if err := pages.Put(t.Context(), "k", cache.Page{Revision: 1, Status: 404}); err != nil {
		t.Fatal(err)
	}
	if got := r.Server.TTL("k"); got != cache.TTL {
		t.Errorf("time to live = %v, want %v", got, cache.TTL)
	}
	if err := pages.Raise(t.Context(), "raised", 3); err != nil {
		t.Fatal(err)
	}
	r.Server.FastForward(cache.TTL + time.Second)
	if keys := r.Server.Keys(); len(keys) != 0 {
		t.Errorf("keys %v are left after their time", keys)
	}
}

// A server that lost its marks gives nothing until all are written again.
func TestRedisTrust(t *testing.T) {
	t.Parallel()
	r := testkit.Redis(t)
	pages := cache.NewRedis(r.Client)
	res := cache.Response{Header: map[string]string{}, Body: []byte("[]"), Shows: []cache.Shown{{ID: "a", Slug: "s", Revision: 1}}}
	want := func(given bool) {
		t.Helper()
		if trusted, err := pages.Trusted(t.Context()); trusted != given || err != nil {
			t.Errorf("trusted %v, %v; want %v", trusted, err, given)
		}
		if err := pages.Put(t.Context(), "page:id:k", cache.Page{Revision: 1, Status: 404}); err != nil {
			t.Fatal(err)
		}
		if _, found, err := pages.Get(t.Context(), "page:id:k"); found != given || err != nil {
			t.Errorf("a page is given: %v, %v; want %v", found, err, given)
		}
		_, generation, _, err := pages.Lookup(t.Context(), "q")
		if err == nil {
			err = pages.Keep(t.Context(), "q", generation, res)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, _, found, err := pages.Lookup(t.Context(), "q"); found != given || err != nil {
			t.Errorf("a response is given: %v, %v; want %v", found, err, given)
		}
	}
	restore := func(fill func()) {
		t.Helper()
		if err := pages.Restore(t.Context(), func(context.Context) error { fill(); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	want(false)
	restore(func() { want(false) })
	if _, _, found, _ := pages.Lookup(t.Context(), "q"); found {
		t.Error("a response is given that was kept before the cache was trusted")
	}
	want(true)
	r.Server.FlushAll()
	want(false)
	restore(r.Server.FlushAll)
	want(false)
	restore(func() {})
	want(true)
	if err := pages.Restore(t.Context(), func(context.Context) error { return errs.New(errs.Unavailable, "no catalog") }); err == nil {
		t.Error("the fill's error is lost")
	}
	want(false)
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	r := testkit.Redis(t)
	pages := cache.NewRedis(r.Client)
	r.Server.Close()
	_, _, getErr := pages.Get(t.Context(), "k")
	for _, err := range []error{
		getErr,
		pages.Put(t.Context(), "k", cache.Page{Revision: 1, Status: 404}),
		pages.Raise(t.Context(), "k", 1),
	} {
		if errs.KindOf(err) != errs.Unavailable {
			t.Errorf("error %v is %v, want unavailable", err, errs.KindOf(err))
		}
	}
}

func TestRedisFull(t *testing.T) {
	t.Parallel()
	r := testkit.Redis(t)
	pages, key := r.Pages(t), cache.IDKey("k")
	for _, write := range []func() error{
		func() error { return pages.Put(t.Context(), key, cache.Page{Revision: 2, Status: 404}) },
		func() error { return pages.Raise(t.Context(), key, 2) },
		func() error {
			return pages.Keep(t.Context(), "other", "", cache.Response{Shows: []cache.Shown{{ID: "k", Slug: "s", Revision: 2}}})
		},
	} {
		if err := pages.Put(t.Context(), key, cache.Page{Revision: 1, Status: 404}); err != nil {
			t.Fatal(err)
		}
		_, generation, _, err := pages.Lookup(t.Context(), "q")
		if err == nil {
			err = pages.Keep(t.Context(), "q", generation, cache.Response{Body: []byte("[]"), Shows: []cache.Shown{{ID: "k", Slug: "s", Revision: 1}}})
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Full(true)
		if err := write(); err != nil {
			t.Errorf("write to a full Redis: %v", err)
		}
		r.Full(false)
		if p, found, err := pages.Get(t.Context(), key); found || err != nil {
			t.Errorf("revision %d is still given, %v", p.Revision, err)
		}
		if _, _, found, err := pages.Lookup(t.Context(), "q"); found || err != nil {
			t.Errorf("a response is given that may be older than a mark that was refused, %v", err)
		}
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	if _, err := cache.Connect("http://host"); errs.KindOf(err) != errs.Invalid {
		t.Errorf("an address of another kind: %v, want an Invalid error", err)
	}
	c, err := cache.Connect("redis://127.0.0.1:1/0")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
