package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// former is what the catalog holds of some plugins before they are observed.
type former struct {
	rows    map[string]pluginRow // by key
	givenUp map[string]time.Time // when a rename last left the key
	slugs   set                  // that the new ones would like and cannot have
}

type pluginRow struct {
	Key        string
	ID         string
	Slug       string
	ObservedAt time.Time
	Removed    bool
	Checksum   []byte
}

const (
	findPlugins = `
		SELECT p.key, p.id::text, p.slug, greatest(p.observed_at, m.named_at) AS observed_at, p.removed_at IS NOT NULL AS removed, f.checksum
		FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id JOIN marketplaces m ON m.id = p.marketplace_id
		WHERE p.key = ANY ($1)`
	keysGivenUp = `SELECT key, max(observed_at) FROM plugin_aliases WHERE key = ANY ($1) GROUP BY key`
	slugsTaken  = `
		SELECT slug FROM plugins WHERE slug = ANY ($1)
		UNION
		SELECT slug FROM plugin_aliases WHERE slug = ANY ($1)`
)

func pluginsBefore(ctx context.Context, tx pgx.Tx, os []plugpack.Observation) (former, error) {
	f := former{rows: map[string]pluginRow{}, givenUp: map[string]time.Time{}, slugs: set{}}
	keys := make([]string, len(os))
	for i, o := range os {
		keys[i] = o.Key().String()
	}
	rows, err := tx.Query(ctx, findPlugins, keys)
	if err != nil {
		return f, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[pluginRow])
	if err != nil {
		return f, err
	}
	for _, r := range found {
		f.rows[r.Key] = r
	}
	return f, f.readFree(ctx, tx, os)
}

// readFree reads whether new plugins may have their keys and slugs.
func (f former) readFree(ctx context.Context, tx pgx.Tx, os []plugpack.Observation) error {
	var keys, slugs []string
	for _, o := range os {
		if _, there := f.rows[o.Key().String()]; !there {
			keys, slugs = append(keys, o.Key().String()), append(slugs, o.Key().Slug(0))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, keysGivenUp, keys)
	if err != nil {
		return err
	}
	var (
		key string
		at  time.Time
	)
	if _, err := pgx.ForEachRow(rows, []any{&key, &at}, func() error { f.givenUp[key] = at; return nil }); err != nil {
		return err
	}
	taken, err := collectIDs(tx.Query(ctx, slugsTaken, slugs))
	f.slugs.add(taken...)
	return err
}

// freeSlug gives the first form of the key's slug that no plugin has or had.
func (f former) freeSlug(ctx context.Context, tx pgx.Tx, key plugpack.Key) (slug string, err error) {
	if slug = key.Slug(0); slug == "" || f.slugs.has(slug) {
		if slug, err = freeSlug(ctx, tx, key, f.slugs); err != nil {
			return "", err
		}
	}
	f.slugs.add(slug)
	return slug, nil
}

// freeSlug leaves out those that are taken besides what the database knows.
func freeSlug(ctx context.Context, tx pgx.Tx, key plugpack.Key, taken set) (string, error) {
	for attempt := range 11 {
		slug := key.Slug(attempt)
		if slug == "" || taken.has(slug) {
			continue
		}
		found, err := collectIDs(tx.Query(ctx, slugsTaken, []string{slug}))
		if err != nil || len(found) == 0 {
			return slug, err
		}
	}
	return "", fmt.Errorf("no slug is left for %s", key)
}
