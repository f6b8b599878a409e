package main

import (
	"context"
	"strconv"
	"testing"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/testkit"
)

// A Redis that is killed comes back from its disk with most of what it held.
// Since the last marks may be missing, the cache is not trusted any more.
func TestRedisFromDiskIsNotTrusted(t *testing.T) {
	t.Parallel()
	port := strconv.Itoa(freePort(t))
	server := run(t, "redis", nil, redisProgram(t), "--port", port, "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--dir", t.TempDir())
	client, err := cache.Connect("redis://127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	pages := cache.NewRedis(client)
	put := func(ctx context.Context) error {
		return pages.Put(ctx, "page:id:k", cache.Page{Revision: 1, Status: 404})
	}
	testkit.Eventually(t, "Redis to answer", func(ctx context.Context) bool { return pages.Ping(ctx) == nil })
	if err := pages.Restore(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	if trusted, err := pages.Trusted(t.Context()); !trusted || err != nil {
		t.Fatalf("trusted %v, %v after it was filled", trusted, err)
	}
	server.kill()
	testkit.Eventually(t, "Redis, back and not trusted", func(ctx context.Context) bool {
		trusted, err := pages.Trusted(ctx)
		return err == nil && !trusted
	})
	if marks, err := pages.Marks(t.Context(), []string{"page:id:k"}); err != nil || len(marks) != 1 {
		t.Errorf("marks %v, %v: it came back without its disk", marks, err)
	}
	if _, found, err := pages.Get(t.Context(), "page:id:k"); found || err != nil {
		t.Errorf("a page is given, %v", err)
	}
}
