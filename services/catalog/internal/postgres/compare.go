package postgres

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// digestPlugins reckons what events.Digest adds up.
const digestPlugins = `
	SELECT get_byte(uuid_send(id), 15) AS bucket, removed_at IS NULL AND NOT hidden AS live, count(*)::int AS n,
		bit_xor(('x' || left(md5(id::text || ':' || revision), 16))::bit(64)::bigint) AS sum
	FROM plugins
	GROUP BY bucket, live`

// Of packs, live is what readers may see.
const (
	digestPacks = `
	SELECT get_byte(uuid_send(id), 15) AS bucket, published AND removed_at IS NULL AS live, count(*)::int AS n,
		bit_xor(('x' || left(md5(id::text || ':' || revision), 16))::bit(64)::bigint) AS sum
	FROM packs
	GROUP BY bucket, live`

	packRevisions = `
	SELECT id::text AS id, revision, removed_at IS NOT NULL OR NOT published AS removed
	FROM packs
	WHERE get_byte(uuid_send(id), 15) = $1 AND id > $2::uuid
	ORDER BY id
	LIMIT $3`
)

// Digests sums up what of a kind is at which revision.
func (s *Store) Digests(ctx context.Context, k events.Kind) (d events.Digests, err error) {
	query := digestPlugins
	if k == events.KindPack {
		query = digestPacks
	}
	rows, err := s.pool.Query(ctx, query)
	if err != nil {
		return d, classify("digest plugins", err)
	}
	var (
		bucket int
		live   bool
		part   events.Digest
	)
	_, err = pgx.ForEachRow(rows, []any{&bucket, &live, &part.Count, &part.Sum}, func() error {
		merge(&d.All[bucket], part)
		if live {
			merge(&d.Live[bucket], part)
		}
		return nil
	})
	return d, classify("digest plugins", err)
}

func merge(d *events.Digest, part events.Digest) {
	d.Count += part.Count
	d.Sum ^= part.Sum
}

const pluginRevisions = `
	SELECT id::text AS id, revision, removed_at IS NOT NULL OR hidden AS removed
	FROM plugins
	WHERE get_byte(uuid_send(id), 15) = $1 AND id > $2::uuid
	ORDER BY id
	LIMIT $3`

// Revisions lists what of a kind is in a bucket, with the revisions.
func (s *Store) Revisions(ctx context.Context, k events.Kind, bucket int, after string) ([]events.Revision, error) {
	query := pluginRevisions
	if k == events.KindPack {
		query = packRevisions
	}
	if after == "" {
		after = uuid.Nil.String()
	}
	rows, err := s.pool.Query(ctx, query, bucket, after, events.MaxRevisions)
	if err != nil {
		return nil, classify("list revisions", err)
	}
	rs, err := pgx.CollectRows(rows, pgx.RowToStructByName[events.Revision])
	return rs, classify("list revisions", err)
}

const (
	statesAfter = ` WHERE p.id > $1::uuid ORDER BY p.id LIMIT $2`
	statesOf    = ` WHERE p.id = ANY ($1::uuid[]) AND p.id > $2::uuid ORDER BY p.id LIMIT $3`
)

// States gives the whole states of the plugins with the ids, or of all from
// after an id on, removed ones too, as many as one message can hold.
func (s *Store) States(ctx context.Context, ids []string, after string) (events.States, error) {
	if after == "" {
		after = uuid.Nil.String()
	}
	if _, err := uuid.Parse(after); err != nil {
		return events.States{}, errs.New(errs.Invalid, "states: after is no id")
	}
	query, args := statesAfter, []any{after, events.MaxStates}
	if ids != nil {
		query, args = statesOf, []any{ids, after, events.MaxStates}
	}
	plugins, err := collectPlugins(s.pool.Query(ctx, selectPlugins+query, args...))
	if err != nil {
		return events.States{}, classify("read states", err)
	}
	return fit(plugins, len(plugins) == events.MaxStates)
}

// PackStates gives the whole states of the packs with the ids, or of all from
// after an id on, removed ones too. Packs are few and small.
func (s *Store) PackStates(ctx context.Context, ids []string, after string) (out events.States, err error) {
	const step = 20 // of 200 plugins each they still fit into one message
	if after == "" {
		after = uuid.Nil.String()
	}
	out.Packs, err = readPacks(ctx, s.pool, selectPacks+` WHERE k.id > $1::uuid AND ($2::uuid[] IS NULL OR k.id = ANY ($2::uuid[])) ORDER BY k.id LIMIT $3`, after, ids, step)
	if len(out.Packs) == step {
		out.Next = out.Packs[step-1].ID
	}
	return out, classify("read packs", err)
}

// fit keeps as many of the plugins as one message can hold, at least one: each
// alone fits, since it was announced. more says that others follow them.
func fit(plugins []plugpack.Plugin, more bool) (events.States, error) {
	size := 0
	for i, p := range plugins {
		b, err := json.Marshal(p)
		if err != nil {
			return events.States{}, err
		}
		if size += len(b) + 1; size > events.MaxBytes && i > 0 {
			plugins, more = plugins[:i], true
			break
		}
	}
	out := events.States{Plugins: plugins}
	if more && len(plugins) > 0 {
		out.Next = plugins[len(plugins)-1].ID
	}
	return out, nil
}
