package testkit

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/plugpack/plugpack/libs/cache"
)

// RedisServer is a Redis of one test.
type RedisServer struct {
	URL    string
	Client *redis.Client
	// Server is the stand-in itself: its clock, its keys, and failing on
	// demand.
	Server *miniredis.Miniredis

	full atomic.Bool
}

// Redis starts a Redis of the test's own.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	s := miniredis.RunT(t)
	r := &RedisServer{URL: "redis://" + s.Addr(), Server: s}
	c, err := cache.Connect(r.URL)
	if err != nil {
		t.Fatalf("connect to Redis: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.AddHook(fullHook{r})
	r.Client = c
	return r
}

// Pages gives the cache in the server, trusted as after an indexer has filled
// it.
func (r *RedisServer) Pages(t testing.TB) *cache.Redis {
	t.Helper()
	pages := cache.NewRedis(r.Client)
	if err := pages.Restore(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Fatalf("begin with a trusted cache: %v", err)
	}
	return pages
}

// Full makes scripts fail for Client as they do in a server that has reached
// its maxmemory, or ends that. Reading and deleting go on.
func (r *RedisServer) Full(full bool) { r.full.Store(full) }

// fullHook refuses scripts while the server counts as full.
type fullHook struct{ server *RedisServer }

type errOOM struct{}

func (errOOM) Error() string { return "OOM command not allowed when used memory > 'maxmemory'." }

// RedisError marks it as the server's answer.
func (errOOM) RedisError() {}

// DialHook leaves dialing alone.
func (fullHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook refuses scripts.
func (h fullHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if h.server.full.Load() && strings.HasPrefix(cmd.Name(), "eval") {
			cmd.SetErr(errOOM{})
			return errOOM{}
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook leaves pipelines alone.
func (fullHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
