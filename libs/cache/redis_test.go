package cache_test

import (
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
		return cache.NewRedis(r.Client)
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
	pages := cache.NewRedis(r.Client)
	for _, write := range []func() error{
		func() error { return pages.Put(t.Context(), "k", cache.Page{Revision: 2, Status: 404}) },
		func() error { return pages.Raise(t.Context(), "k", 2) },
	} {
		if err := pages.Put(t.Context(), "k", cache.Page{Revision: 1, Status: 404}); err != nil {
			t.Fatal(err)
		}
		r.Full(true)
		if err := write(); err != nil {
			t.Errorf("write to a full Redis: %v", err)
		}
		r.Full(false)
		if p, found, err := pages.Get(t.Context(), "k"); found || err != nil {
			t.Errorf("revision %d is still given, %v", p.Revision, err)
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
