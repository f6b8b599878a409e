package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
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
	outcomes, err := s.ApplyObservations(ctx, []plugpack.Observation{o})
	if err != nil {
		return "", err
	}
	return outcomes[0], nil
}

// ApplyObservations does that for several; see Apply.
func (s *Store) ApplyObservations(ctx context.Context, os []plugpack.Observation) ([]Outcome, error) {
	events := make([]Event, len(os))
	for i := range os {
		events[i].Observation = &os[i]
	}
	return s.Apply(ctx, events)
}

func (b *batch) apply(ctx context.Context, tx pgx.Tx, o plugpack.Observation) (Outcome, error) {
	covered, err := optedOut(ctx, tx, o.Marketplace, plugpack.Repository{}, plugpack.OriginKey(o.Facts.Origin))
	if err != nil {
		return "", err
	}
	row, found := b.rows[o.Key().String()]
	if covered {
		return OptedOut, b.removeCovered(ctx, tx, row, o)
	}
	checksum, err := factsChecksum(o.Facts)
	if err != nil {
		return "", err
	}
	if !found {
		return b.add(ctx, tx, o, checksum)
	}
	switch {
	case o.ObservedAt.Before(row.ObservedAt):
		return Older, nil
	case !row.Removed && slices.Equal(row.Checksum, checksum):
		b.touched, b.times = append(b.touched, row.ID), append(b.times, o.ObservedAt)
		return Unchanged, nil
	}
	if _, err := tx.Exec(ctx, updatePlugin, row.ID, o.ObservedAt); err != nil {
		return "", err
	}
	b.changed = append(b.changed, row.ID)
	return Applied, putFacts(ctx, tx, row.ID, o, checksum)
}

// removeCovered removes a plugin whose origin an opt-out covers: it may have had
// another one when it was listed first.
func (b *batch) removeCovered(ctx context.Context, tx pgx.Tx, row pluginRow, o plugpack.Observation) error {
	if row.ID == "" || row.Removed || o.ObservedAt.Before(row.ObservedAt) {
		return nil
	}
	removed, err := removePlugins(ctx, tx, []string{row.ID}, o.ObservedAt)
	b.changed = append(b.changed, removed...)
	return err
}

// The clock of a plugin never goes back, whatever order its marketplace's
// listings and its own observations come in.
const (
	touchPlugins = `
		UPDATE plugins p SET observed_at = t.observed_at
		FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, observed_at)
		WHERE p.id = t.id`
	// Listings do not bring the stars of removed ones up to date.
	updatePlugin = `
		UPDATE plugins p SET revision = revision + 1, observed_at = $2, updated_at = $2, removed_at = NULL, successor_id = NULL,
			stars = CASE WHEN p.removed_at IS NULL THEN p.stars ELSE coalesce((` + repositoryStars + `p.marketplace_id), p.stars) END
		WHERE p.id = $1`
	repositoryStars = `SELECT r.stars FROM marketplaces m JOIN repositories r ON r.id = m.repository_id WHERE m.id = `
	findPlugins     = `
		SELECT p.key, p.id::text, greatest(p.observed_at, m.named_at) AS observed_at, p.removed_at IS NOT NULL AS removed, f.checksum
		FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id JOIN marketplaces m ON m.id = p.marketplace_id
		WHERE p.key = ANY ($1)`
)

type pluginRow struct {
	Key        string
	ID         string
	ObservedAt time.Time
	Removed    bool
	Checksum   []byte
}

// pluginRows gives the rows of the plugins that are known, by key.
func pluginRows(ctx context.Context, tx pgx.Tx, os []plugpack.Observation) (map[string]pluginRow, error) {
	keys := make([]string, len(os))
	for i, o := range os {
		keys[i] = o.Key().String()
	}
	rows, err := tx.Query(ctx, findPlugins, keys)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[pluginRow])
	byKey := make(map[string]pluginRow, len(found))
	for _, r := range found {
		byKey[r.Key] = r
	}
	return byKey, err
}

// add makes a plugin's row, unless the observation is of a time that the
// catalog has left behind: its key, or its marketplace's, was given up since by
// a rename, or a newer listing of its marketplace does not have it any more.
func (b *batch) add(ctx context.Context, tx pgx.Tx, o plugpack.Observation, checksum []byte) (Outcome, error) {
	var gone bool
	if err := tx.QueryRow(ctx, keyGivenUp, o.Key().String(), o.ObservedAt).Scan(&gone); err != nil {
		return "", err
	}
	if gone {
		return Older, nil
	}
	m, err := marketplaceFor(ctx, tx, o.Marketplace)
	if err != nil {
		return "", err
	}
	if !o.ObservedAt.After(m.RetiredAt) || o.ObservedAt.Before(m.NamedAt) || m.ListedAt.After(o.ObservedAt) && !slices.Contains(m.Names, o.Name) {
		return Older, nil
	}
	slug, err := freeSlug(ctx, tx, o.Key())
	if err != nil {
		return "", err
	}
	id := uuid.Must(uuid.NewV7()).String()
	if _, err := tx.Exec(ctx, insertPlugin, id, m.ID, o.Key().String(), o.Name, slug, o.ObservedAt); err != nil {
		return "", err
	}
	b.changed = append(b.changed, id)
	return Applied, putFacts(ctx, tx, id, o, checksum)
}

const (
	keyGivenUp = `SELECT EXISTS (SELECT FROM plugin_aliases WHERE key = $1 AND observed_at >= $2)`

	insertPlugin = `
		INSERT INTO plugins (id, marketplace_id, key, name, slug, revision, observed_at, stars, first_seen, updated_at)
		VALUES ($1, $2, $3, $4, $5, 1, $6,
			coalesce((` + repositoryStars + `$2), 0),
			$6, $6)`

	slugTaken = `
		SELECT EXISTS (SELECT FROM plugins WHERE slug = $1) OR EXISTS (SELECT FROM plugin_aliases WHERE slug = $1)`
)

// freeSlug gives the first form of the key's slug that no plugin has or had.
func freeSlug(ctx context.Context, tx pgx.Tx, k plugpack.Key) (string, error) {
	for attempt := range 11 {
		slug := k.Slug(attempt)
		var taken bool
		if err := tx.QueryRow(ctx, slugTaken, slug).Scan(&taken); err != nil {
			return "", err
		}
		if !taken && slug != "" {
			return slug, nil
		}
	}
	return "", fmt.Errorf("no slug is left for %s", k)
}

const upsertFacts = `
	INSERT INTO plugin_facts (
		plugin_id, checksum, display_name, description, version, author, homepage, repository, license, category,
		keywords, source, origin, state, state_reason, components, has, commit_sha, digest,
		files, bytes, requirements, verdicts, costs, declared,
		documents, excerpt, readme, changelog, security, findings, quality, scores, version_digest)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
		$26, $27, $28, $29, $30, $31, $32, $33, $34)
	ON CONFLICT (plugin_id) DO UPDATE SET
		checksum = excluded.checksum, display_name = excluded.display_name, description = excluded.description,
		version = excluded.version, author = excluded.author, homepage = excluded.homepage,
		repository = excluded.repository, license = excluded.license, category = excluded.category,
		keywords = excluded.keywords, source = excluded.source, origin = excluded.origin, state = excluded.state,
		state_reason = excluded.state_reason, components = excluded.components, has = excluded.has,
		commit_sha = excluded.commit_sha, digest = excluded.digest,
		files = excluded.files, bytes = excluded.bytes, requirements = excluded.requirements,
		verdicts = excluded.verdicts, costs = excluded.costs, declared = excluded.declared,
		documents = excluded.documents, excerpt = excluded.excerpt, readme = excluded.readme,
		changelog = excluded.changelog, security = excluded.security, findings = excluded.findings,
		quality = excluded.quality, scores = excluded.scores, version_digest = excluded.version_digest`

func putFacts(ctx context.Context, tx pgx.Tx, id string, o plugpack.Observation, checksum []byte) error {
	f := o.Facts
	_, err := tx.Exec(ctx, upsertFacts, id, checksum, f.DisplayName, f.Description, f.Version, f.Author, f.Homepage,
		f.Repository, f.License, f.Category, emptyIfNil(f.Keywords), f.Source, f.Origin, f.State, f.StateReason,
		emptyIfNil(f.Components), kinds(f.Components), f.Commit, f.Digest,
		f.Files, f.Bytes, f.Requirements, f.Verdicts, f.Costs, f.Declared,
		withoutTexts(f.Documents), excerpt(f.Documents.Readme), textOf(f.Documents.Readme), textOf(f.Documents.Changelog),
		f.Security, f.Security.Counts(), f.Quality, scores(f.Quality), f.VersionDigest())
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, takeScore, id); err != nil {
		return err
	}
	return rememberVersion(ctx, tx, id, o)
}

func kinds(components []plugpack.Component) []string {
	has := []string{}
	for _, k := range plugpack.ComponentKinds {
		if slices.ContainsFunc(components, func(c plugpack.Component) bool { return c.Kind == k }) {
			has = append(has, string(k))
		}
	}
	return has
}

// factsChecksum leaves out the commit: a plugin that a commit did not touch is
// the same plugin.
func factsChecksum(f plugpack.Facts) ([]byte, error) {
	f.Commit = ""
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode facts: %w", err)
	}
	sum := sha256.Sum256(b)
	return sum[:], nil
}

func emptyIfNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
