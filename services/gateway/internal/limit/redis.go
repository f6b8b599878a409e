package limit

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/plugpack/plugpack/libs/errs"
)

// Redis counts in Redis, so that all gateways share one count.
type Redis struct{ limiter *redis_rate.Limiter }

// NewRedis makes a limiter of a client. Its keys begin with "rate:".
func NewRedis(client *redis.Client) *Redis { return &Redis{redis_rate.NewLimiter(client)} }

// Allow counts one request of client and gives what is left of its perMinute,
// or how long to wait.
func (l *Redis) Allow(ctx context.Context, client string, perMinute int) (remaining int, retryAfter time.Duration, err error) {
	res, err := l.limiter.Allow(ctx, client, redis_rate.PerMinute(perMinute))
	if err != nil {
		return 0, 0, errs.New(errs.Unavailable, "count requests in Redis: %w", err)
	}
	return res.Remaining, max(0, res.RetryAfter), nil
}
