package cache

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// trustKey holds "yes" once all marks are there, and before that the token of
// whoever writes them. It stays as long as they do: none of them is written for
// longer than until the server is lost.
const trustKey = "page:trust"

var trustScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'yes')
redis.call('SET', KEYS[2], ARGV[2])
return 1`)

// Trusted says whether pages and responses are given.
func (r *Redis) Trusted(ctx context.Context) (bool, error) {
	held, err := r.client.Get(ctx, trustKey).Result()
	if err == redis.Nil {
		return false, nil
	}
	return held == "yes", unavailable("get", trustKey, err)
}

// Restore lets fill write all marks, and then lets pages and responses be given.
func (r *Redis) Restore(ctx context.Context, fill func(context.Context) error) error {
	token := Token()
	if err := r.client.Set(ctx, trustKey, token, 0).Err(); err != nil {
		return unavailable("set", trustKey, err)
	}
	if err := fill(ctx); err != nil {
		return err
	}
	// A token that is gone says that marks are gone with it.
	return unavailable("set", trustKey, trustScript.Run(ctx, r.client, []string{trustKey, generationKey}, token, Token()).Err())
}
