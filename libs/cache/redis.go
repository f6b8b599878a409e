package cache

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/plugpack/plugpack/libs/errs"
)

// MaxBody bounds a cached page's body in bytes. Of a larger page only the
// revision is kept, so that no older page survives it.
const MaxBody = 512 << 10

// Redis keeps pages in Redis, one hash a key: "rev" is the highest revision
// seen, and the other fields are the page of just that revision, if it is
// there. So whatever page is found is the newest known. All of its errors are
// Unavailable.
type Redis struct{ client redis.UniversalClient }

// Connect makes a client of the Redis server at url. It opens no connection
// yet; its timeouts are short, because a cache that is slower than the catalog
// is of no use.
func Connect(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errs.New(errs.Invalid, "REDIS_URL: want redis://host:port or rediss://host:port")
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = time.Second, 500*time.Millisecond, 500*time.Millisecond, time.Second
	o.MaxRetries, o.DialerRetries = 1, 1
	o.ContextTimeoutEnabled = true
	// Servers without these commands would make the client log each try.
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	logging.Disable() // its lines are not ours in form, and every error is returned as well
	return redis.NewClient(o), nil
}

// NewRedis makes a page store of a client.
func NewRedis(client redis.UniversalClient) *Redis { return &Redis{client} }

// Ping says whether the server answers.
func (r *Redis) Ping(ctx context.Context) error {
	if err := r.client.Ping(ctx).Err(); err != nil {
		return errs.New(errs.Unavailable, "ping Redis: %w", err)
	}
	return nil
}

// Get gives the page at key.
func (r *Redis) Get(ctx context.Context, key string) (Page, bool, error) {
	v, err := getScript.RunRO(ctx, r.client, []string{key, trustKey}).Slice()
	if err != nil {
		return Page{}, false, unavailable("get", key, err)
	}
	var fields [4]string
	for i := range fields {
		s, ok := v[i].(string)
		if !ok {
			return Page{}, false, nil
		}
		fields[i] = s
	}
	revision, err1 := strconv.ParseInt(fields[0], 10, 64)
	status, err2 := strconv.Atoi(fields[1])
	if err := errors.Join(err1, err2); err != nil {
		return Page{}, false, unavailable("get", key, err)
	}
	p := Page{Revision: revision, Status: status, Location: fields[2]}
	if fields[3] != "" {
		p.Body = []byte(fields[3])
	}
	return p, true, nil
}

// Put stores page at key unless a newer revision has been seen.
func (r *Redis) Put(ctx context.Context, key string, page Page) error {
	if len(page.Body) > MaxBody {
		return r.Raise(ctx, key, page.Revision)
	}
	return r.write(ctx, putScript, "put", key,
		page.Revision, TTL.Milliseconds(), page.Status, page.Location, page.Body)
}

// Raise marks that revision has been seen, and drops an older page.
func (r *Redis) Raise(ctx context.Context, key string, revision int64) error {
	return r.write(ctx, raiseScript, "raise", key, revision, TTL.Milliseconds())
}

// write runs one of the scripts. A full Redis refuses to write but not to
// delete.
func (r *Redis) write(ctx context.Context, script *redis.Script, verb, key string, args ...any) error {
	err := script.Run(ctx, r.client, []string{key}, args...).Err()
	if redis.IsOOMError(err) {
		err = r.forget(ctx, key)
	}
	return unavailable(verb, key, err)
}

// forget drops what could be older than a mark that was refused: the pages at
// the keys, and all responses. None is better than an old one.
func (r *Redis) forget(ctx context.Context, keys ...string) error {
	return r.client.Unlink(ctx, append(keys, generationKey)...).Err()
}

// Trust and page are read in one step, since the server can be lost between two.
var getScript = redis.NewScript(`
if redis.call('GET', KEYS[2]) ~= 'yes' then return {false, false, false, false} end
return redis.call('HMGET', KEYS[1], 'rev', 'status', 'location', 'body')`)

// The comparison and the write are one script, since between two commands
// another writer could slip in with a newer page.
var (
	putScript = redis.NewScript(`
local seen = tonumber(redis.call('HGET', KEYS[1], 'rev'))
if seen and tonumber(ARGV[1]) < seen then return 0 end
redis.call('HSET', KEYS[1], 'rev', ARGV[1], 'status', ARGV[3], 'location', ARGV[4], 'body', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`)
	raiseScript = redis.NewScript(`
local seen = tonumber(redis.call('HGET', KEYS[1], 'rev'))
if seen and tonumber(ARGV[1]) <= seen then return 0 end
redis.call('HSET', KEYS[1], 'rev', ARGV[1])
redis.call('HDEL', KEYS[1], 'status', 'location', 'body')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`)
)

func unavailable(verb, key string, err error) error {
	if err == nil {
		return nil
	}
	return errs.New(errs.Unavailable, "%s %s in Redis: %w", verb, key, err)
}
