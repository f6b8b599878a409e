package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugpack/plugpack/libs/errs"
)

const (
	// MaxResponse bounds a kept response's body in bytes.
	MaxResponse = 256 << 10
	// ResponseTTL is how long a response stays at most. It also bounds how many
	// different questions are kept.
	ResponseTTL = time.Minute
)

// Shown is a plugin or a pack in a response, at the revision at which it is
// shown. A pack has no slug here, since none of its answers is a page.
type Shown struct {
	ID, Slug string
	Revision int64
}

// Keys gives the keys at which it is marked.
func (s Shown) Keys() []string {
	if s.Slug == "" {
		return []string{IDKey(s.ID)}
	}
	return []string{IDKey(s.ID), SlugKey(s.Slug)}
}

// Response is the answer to a question about many plugins: a list, a count, a
// search, a pack.
type Response struct {
	Header map[string]string
	Body   []byte
	Shows  []Shown
}

// Responses keeps answers of the catalog's for the generation in which they
// were asked for. The indexer moves the generation when a change that can
// affect them is applied, and what was kept before is not given any more.
// Neither is what shows a plugin or a pack at a revision older than one that was
// seen of it. Losing all of it costs speed only.
type Responses interface {
	// Lookup gives the response at key and, to be handed on to Keep, the
	// generation, which is "" when nothing can be kept.
	Lookup(ctx context.Context, key string) (r Response, generation string, found bool, err error)
	// Keep marks that what the response shows is about to be seen, and keeps it
	// unless the generation has moved or it is too large.
	Keep(ctx context.Context, key, generation string, r Response) error
	// Move begins a new generation.
	Move(ctx context.Context) error
}

// Token makes the name of a generation. It is random, so that what was kept
// under a name that was lost is never found again.
func Token() string { return rand.Text()[:13] }

// Lookup gives the response at key.
func (r *Redis) Lookup(ctx context.Context, key string) (Response, string, bool, error) {
	v, err := lookupScript.Run(ctx, r.client, nil, key, Token()).Slice()
	if redis.IsOOMError(err) {
		return Response{}, "", false, nil
	}
	if err != nil {
		return Response{}, "", false, unavailable("look up", key, err)
	}
	fields := make([]string, len(v))
	for i := range v {
		fields[i], _ = v[i].(string)
	}
	if len(fields) < 4 {
		return Response{}, fields[0], false, nil
	}
	out := Response{Body: []byte(fields[3])}
	if err := json.Unmarshal([]byte(fields[2]), &out.Header); err != nil {
		return Response{}, fields[0], false, unavailable("look up", key, err)
	}
	out.Shows, err = parseShows(fields[1])
	if err != nil {
		return Response{}, fields[0], false, unavailable("look up", key, err)
	}
	return out, fields[0], true, nil
}

// Keep marks what the response shows and keeps it.
func (r *Redis) Keep(ctx context.Context, key, generation string, res Response) error {
	if len(res.Body) > MaxResponse {
		generation = ""
	}
	head, err := json.Marshal(res.Header)
	if err != nil {
		return fmt.Errorf("keep %s: %w", key, err)
	}
	args := []any{generation, key, ResponseTTL.Milliseconds(), writeShows(res.Shows), head, res.Body, TTL.Milliseconds()}
	if generation == "" {
		args[5] = ""
	}
	var keys []string
	for _, s := range res.Shows {
		for _, at := range s.Keys() {
			keys = append(keys, at)
			args = append(args, s.Revision)
		}
	}
	err = keepScript.Run(ctx, r.client, keys, args...).Err()
	if redis.IsOOMError(err) {
		err = nil
		if len(keys) > 0 {
			err = r.forget(ctx, keys...)
		}
	}
	return unavailable("keep", key, err)
}

// Move begins a new generation. A full Redis refuses to write but not to
// delete, and without a generation nothing is found.
func (r *Redis) Move(ctx context.Context) error {
	err := r.client.Set(ctx, generationKey, Token(), 0).Err()
	if redis.IsOOMError(err) {
		err = r.client.Unlink(ctx, generationKey).Err()
	}
	return unavailable("move", generationKey, err)
}

const generationKey = "list:generation"

var (
	lookupScript = redis.NewScript(`
local generation = redis.call('GET', 'list:generation')
if not generation then
  redis.call('SET', 'list:generation', ARGV[2])
  return {ARGV[2]}
end
if redis.call('GET', 'page:trust') ~= 'yes' then return {generation} end
local kept = redis.call('HMGET', 'list:' .. generation .. ':' .. ARGV[1], 'shows', 'head', 'body')
if not kept[3] then return {generation} end
for id, revision in string.gmatch(kept[1], '(%S+) %S+ (%d+)') do
  local seen = tonumber(redis.call('HGET', 'page:id:' .. id, 'rev'))
  if seen and seen > tonumber(revision) then return {generation} end
end
return {generation, kept[1], kept[2], kept[3]}`)

	keepScript = redis.NewScript(`
for i, key in ipairs(KEYS) do
  local revision = tonumber(ARGV[7 + i])
  local seen = tonumber(redis.call('HGET', key, 'rev'))
  if not seen or revision > seen then
    redis.call('HSET', key, 'rev', ARGV[7 + i])
    redis.call('HDEL', key, 'status', 'location', 'body')
    redis.call('PEXPIRE', key, ARGV[7])
  end
end
if ARGV[1] ~= '' and redis.call('GET', 'list:generation') == ARGV[1] then
  local key = 'list:' .. ARGV[1] .. ':' .. ARGV[2]
  redis.call('HSET', key, 'shows', ARGV[4], 'head', ARGV[5], 'body', ARGV[6])
  redis.call('PEXPIRE', key, ARGV[3])
end
return 1`)
)

// noSlug stands for the slug of what has none.
const noSlug = "-"

func writeShows(shows []Shown) string {
	var b strings.Builder
	for _, s := range shows {
		fmt.Fprintf(&b, "%s %s %d ", s.ID, cmp.Or(s.Slug, noSlug), s.Revision)
	}
	return b.String()
}

func parseShows(text string) (shows []Shown, err error) {
	fields := strings.Fields(text)
	for i := 0; i+2 < len(fields); i += 3 {
		revision, err := strconv.ParseInt(fields[i+2], 10, 64)
		if err != nil {
			return nil, errs.New(errs.Unavailable, "a kept response is spoilt: %w", err)
		}
		s := Shown{fields[i], fields[i+1], revision}
		if s.Slug == noSlug {
			s.Slug = ""
		}
		shows = append(shows, s)
	}
	return shows, nil
}
