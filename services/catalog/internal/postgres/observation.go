package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Outcome says what became of an event.
type Outcome string

// The outcomes.
const (
	Applied   Outcome = "applied"
	Unchanged Outcome = "unchanged" // nothing new but the time
	Older     Outcome = "older"     // something newer was there already
	Held      Outcome = "held"      // a removal waits for confirmation
)

// ApplyObservation stores what a scan saw of a plugin, unless something newer
// was seen before. The time of an unchanged plugin is stored too: otherwise a
// late older message would still win over it.
func (s *Store) ApplyObservation(ctx context.Context, o plugpack.Observation) (Outcome, error) {
	return s.applyOne(ctx, Event{Observation: &o})
}

// observe applies observations of different plugins, whose marketplaces are
// known as far as they are there.
func (b *batch) observe(ctx context.Context, tx pgx.Tx, os []plugpack.Observation, known standing) ([]Outcome, error) {
	if len(os) == 0 {
		return nil, nil
	}
	before, err := pluginsBefore(ctx, tx, os)
	if err != nil {
		return nil, err
	}
	w := observing{standing: known, plugins: before}
	outcomes := make([]Outcome, len(os))
	for i, o := range os {
		if outcomes[i], err = w.see(ctx, tx, o); err != nil {
			return nil, err
		}
	}
	if err := w.write(ctx, tx); err != nil {
		return nil, err
	}
	b.changed = append(b.changed, w.removed...)
	for _, c := range w.changes {
		b.changed = append(b.changed, c.plugin.ID)
	}
	return outcomes, nil
}

// observing collects what observations make of plugins, until it is written.
type observing struct {
	standing
	plugins former
	begun   []marketplaceRow // that have no listing yet
	changes []change
	removed []string
	touched []string    // ids of unchanged plugins, with the times
	times   []time.Time // at which they were seen
}

// change is what an observation makes of a plugin.
type change struct {
	plugin      pluginRow
	fresh       bool
	observation plugpack.Observation
	marketplace marketplaceRow
	checksum    []byte
}

func (w *observing) see(ctx context.Context, tx pgx.Tx, o plugpack.Observation) (Outcome, error) {
	row, found := w.plugins.rows[o.Key().String()]
	if w.covers(o.Marketplace, plugpack.Repository{}, plugpack.OriginKey(o.Facts.Origin)) {
		return OptedOut, w.removeCovered(ctx, tx, row, o)
	}
	checksum, err := factsChecksum(o.Facts)
	if err != nil {
		return "", err
	}
	if !found {
		return w.add(ctx, tx, o, checksum)
	}
	switch {
	case o.ObservedAt.Before(row.ObservedAt):
		return Older, nil
	case !row.Removed && slices.Equal(row.Checksum, checksum):
		w.touched, w.times = append(w.touched, row.ID), append(w.times, o.ObservedAt)
		return Unchanged, nil
	}
	w.changes = append(w.changes, change{row, false, o, w.marketplaces[o.Marketplace], checksum})
	return Applied, nil
}

// removeCovered removes a plugin whose origin an opt-out covers: it may have had
// another one when it was listed first.
func (w *observing) removeCovered(ctx context.Context, tx pgx.Tx, row pluginRow, o plugpack.Observation) error {
	if row.ID == "" || row.Removed || o.ObservedAt.Before(row.ObservedAt) {
		return nil
	}
	removed, err := removePlugins(ctx, tx, []string{row.ID}, o.ObservedAt)
	w.removed = append(w.removed, removed...)
	return err
}

// add makes a plugin's row, unless the observation is of a time that the
// catalog has left behind: its key, or its marketplace's, was given up since by
// a rename, or a newer listing of its marketplace does not have it any more.
func (w *observing) add(ctx context.Context, tx pgx.Tx, o plugpack.Observation, checksum []byte) (Outcome, error) {
	if at, gone := w.plugins.givenUp[o.Key().String()]; gone && !at.Before(stored(o.ObservedAt)) {
		return Older, nil
	}
	m := w.begin(o.Marketplace)
	if !o.ObservedAt.After(m.RetiredAt) || o.ObservedAt.Before(m.NamedAt) || m.ListedAt.After(o.ObservedAt) && !slices.Contains(m.Names, o.Name) {
		return Older, nil
	}
	slug, err := w.plugins.freeSlug(ctx, tx, o.Key())
	if err != nil {
		return "", err
	}
	row := pluginRow{Key: o.Key().String(), ID: uuid.Must(uuid.NewV7()).String(), Slug: slug}
	w.changes = append(w.changes, change{row, true, o, m, checksum})
	return Applied, nil
}

// begin gives the plugin's marketplace. When a stream is replayed into an empty
// database, a plugin may come before the listing it belongs to.
func (w *observing) begin(k plugpack.MarketplaceKey) marketplaceRow {
	m, found := w.marketplaces[k]
	if !found {
		m = w.marketplaceFor(k)
		w.marketplaces[k], w.begun = m, append(w.begun, m)
	}
	return m
}

const beginMarketplaces = `INSERT INTO marketplaces (id, key, state) SELECT id, key, 'pending' FROM unnest($1::uuid[], $2::text[]) AS m (id, key)`

// The clock of a plugin never goes back, whatever order its marketplace's
// listings and its own observations come in.
const touchPlugins = `
	UPDATE plugins p SET observed_at = t.observed_at
	FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, observed_at)
	WHERE p.id = t.id`

func (w *observing) write(ctx context.Context, tx pgx.Tx) error {
	if len(w.touched) > 0 {
		if _, err := tx.Exec(ctx, touchPlugins, w.touched, w.times); err != nil {
			return err
		}
	}
	if len(w.begun) > 0 {
		var ids, keys []string
		for _, m := range w.begun {
			ids, keys = append(ids, m.ID), append(keys, string(m.Key))
		}
		if _, err := tx.Exec(ctx, beginMarketplaces, ids, keys); err != nil {
			return err
		}
	}
	if len(w.changes) == 0 {
		return nil
	}
	if err := putPlugins(ctx, tx, w.changes); err != nil {
		return err
	}
	if err := putFacts(ctx, tx, w.changes); err != nil {
		return err
	}
	return rememberVersions(ctx, tx, w.changes)
}

const (
	insertPlugins = `
		INSERT INTO plugins (id, marketplace_id, key, name, slug, revision, observed_at, stars, score, first_seen, updated_at)
		SELECT id, marketplace_id, key, name, slug, 1, at, coalesce(stars, 0), score, at, at
		FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int[], $8::int[])
			AS p (id, marketplace_id, key, name, slug, at, stars, score)`
	// Listings do not bring the stars of removed ones up to date.
	updatePlugins = `
		UPDATE plugins p
		SET revision = revision + 1, observed_at = c.at, updated_at = c.at, removed_at = NULL, successor_id = NULL, score = c.score,
			stars = CASE WHEN p.removed_at IS NULL THEN p.stars ELSE coalesce(c.stars, p.stars) END
		FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::int[]) AS c (id, at, score, stars)
		WHERE p.id = c.id`
)

// putPlugins writes the rows themselves.
func putPlugins(ctx context.Context, tx pgx.Tx, changes []change) error {
	var (
		b          pgx.Batch
		fresh, old columns
	)
	for _, c := range changes {
		if c.fresh {
			fresh.add(c)
		} else {
			old.add(c)
		}
	}
	if f := fresh; len(f.ids) > 0 {
		b.Queue(insertPlugins, f.ids, f.marketplaces, f.keys, f.names, f.slugs, f.times, f.stars, f.scores)
	}
	if len(old.ids) > 0 {
		b.Queue(updatePlugins, old.ids, old.times, old.scores, old.stars)
	}
	return tx.SendBatch(ctx, &b).Close()
}

// columns are those of plugins, one slice each.
type columns struct {
	ids, marketplaces, keys, names, slugs []string
	times                                 []time.Time
	stars                                 []*int
	scores                                []int
}

func (c *columns) add(a change) {
	c.ids, c.marketplaces, c.keys = append(c.ids, a.plugin.ID), append(c.marketplaces, a.marketplace.ID), append(c.keys, a.plugin.Key)
	c.names, c.slugs, c.times = append(c.names, a.observation.Name), append(c.slugs, a.plugin.Slug), append(c.times, a.observation.ObservedAt)
	c.stars, c.scores = append(c.stars, a.marketplace.Stars), append(c.scores, a.score())
}

// score gives that in the state which the repository is in now. -1 stands for
// none, as in plugin_index, which copies it.
func (c change) score() int {
	score, ok := scores(c.observation.Facts.Quality)[c.marketplace.Maintenance]
	if !ok {
		return -1
	}
	return score
}

func emptyIfNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
