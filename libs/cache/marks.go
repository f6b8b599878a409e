package cache

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// scan is how many keys one step looks at.
const scan = 1000

// Marks gives the marks of those keys that have one.
func (r *Redis) Marks(ctx context.Context, keys []string) (map[string]Mark, error) {
	marks := make(map[string]Mark, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), scan)
		if err := r.marks(ctx, keys[:n], func(key string, m Mark) { marks[key] = m }); err != nil {
			return nil, err
		}
		keys = keys[n:]
	}
	return marks, nil
}

// EachMark tells every key that begins with prefix.
func (r *Redis) EachMark(ctx context.Context, prefix string, tell func(key string, m Mark)) error {
	for cursor := uint64(0); ; {
		keys, next, err := r.client.Scan(ctx, cursor, prefix+"*", scan).Result()
		if err != nil {
			return unavailable("scan", prefix, err)
		}
		if err := r.marks(ctx, keys, tell); err != nil {
			return err
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

func (r *Redis) marks(ctx context.Context, keys []string, tell func(key string, m Mark)) error {
	if len(keys) == 0 {
		return nil
	}
	pipe := r.client.Pipeline()
	answers := make([]*redis.SliceCmd, len(keys))
	for i, key := range keys {
		answers[i] = pipe.HMGet(ctx, key, "rev", "status")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return unavailable("get marks from", keys[0], err)
	}
	for i, answer := range answers {
		fields := answer.Val()
		text, there := fields[0].(string)
		if revision, err := strconv.ParseInt(text, 10, 64); there && err == nil {
			tell(keys[i], Mark{revision, fields[1] != nil})
		}
	}
	return nil
}

// Drop forgets what was seen at key.
func (r *Redis) Drop(ctx context.Context, key string) error {
	return unavailable("drop", key, r.client.Unlink(ctx, key).Err())
}
