package cache

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// trustKey holds "yes" once all marks are there, and before that the token of
// whoever writes them. It is lost with them. A server that kept all but the
// last of them on disk, or another one that took its place with a copy, is told
// by its run, which is held beside it.
const (
	trustKey = "page:trust"
	runKey   = "page:trust:run"
)

var trustScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'yes')
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], ARGV[3])
return 1`)

// Trusted says whether pages and responses are given. What another run of the
// server vouched for it takes back.
func (r *Redis) Trusted(ctx context.Context) (bool, error) {
	run, err := r.run(ctx)
	if err != nil {
		return false, err
	}
	held, err := r.client.MGet(ctx, trustKey, runKey).Result()
	switch {
	case err != nil:
		return false, unavailable("get", trustKey, err)
	case held[0] != "yes":
		return false, nil
	case held[1] == run:
		return true, nil
	}
	return false, unavailable("drop", trustKey, r.client.Unlink(ctx, trustKey).Err())
}

// Restore lets fill write all marks, and then lets pages and responses be given.
func (r *Redis) Restore(ctx context.Context, fill func(context.Context) error) error {
	run, err := r.run(ctx)
	if err != nil {
		return err
	}
	token := Token()
	if err := r.client.Set(ctx, trustKey, token, 0).Err(); err != nil {
		return unavailable("set", trustKey, err)
	}
	if err := fill(ctx); err != nil {
		return err
	}
	// A token that is gone says that marks are gone with it.
	return unavailable("set", trustKey, trustScript.Run(ctx, r.client, []string{trustKey, generationKey, runKey}, token, Token(), run).Err())
}

// run names the server's run, "" of a server that does not tell it.
func (r *Redis) run(ctx context.Context) (string, error) {
	info, err := r.client.Info(ctx, "server").Result()
	if refused := redis.Error(nil); errors.As(err, &refused) {
		return "", nil
	}
	if err != nil {
		return "", unavailable("ask", "its run", err)
	}
	_, rest, _ := strings.Cut(info, "run_id:")
	run, _, _ := strings.Cut(rest, "\r\n")
	return run, nil
}
