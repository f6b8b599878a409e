package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const selectPacks = `
	SELECT k.id::text, k.slug, k.name, k.description, k.difficulty, k.tags, k.minutes, k.curator, k.featured, k.published,
		k.edition, k.revision, k.removed_at IS NOT NULL AS removed, k.created_at, k.updated_at
	FROM packs k`

type packColumns struct {
	ID          string
	Slug        string
	Name        string
	Description string
	Difficulty  plugpack.Difficulty
	Tags        []string
	Minutes     int
	Curator     string
	Featured    bool
	Published   bool
	Edition     int64
	Revision    int64
	Removed     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func (c packColumns) noun() plugpack.Pack {
	return plugpack.Pack{
		ID: c.ID, Slug: c.Slug, Featured: c.Featured, Published: c.Published, Edition: c.Edition, Revision: c.Revision,
		Removed: c.Removed, CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(), Plugins: []plugpack.PackPlugin{},
		PackText: plugpack.PackText{
			Name: c.Name, Description: c.Description, Difficulty: c.Difficulty, Tags: c.Tags, Minutes: c.Minutes, Curator: c.Curator,
		},
	}
}

// A removed plugin that something took the place of stands for its successor.
const selectPackPlugins = `
	SELECT t.pack_id::text, p.id::text AS plugin_id, p.slug, p.name, t.phase, t.description, t.commands_to_run,
		p.removed_at IS NOT NULL AS gone
	FROM pack_plugins t
	JOIN plugins o ON o.id = t.plugin_id
	JOIN plugins p ON p.id = CASE WHEN o.removed_at IS NULL THEN o.id ELSE coalesce(o.successor_id, o.id) END
	WHERE t.pack_id = ANY ($1::uuid[])
	ORDER BY t.pack_id, t.phase_order, t.plugin_order`

type packPluginColumns struct {
	PackID        string
	PluginID      string
	Slug          string
	Name          string
	Phase         string
	Description   string
	CommandsToRun []string
	Gone          bool
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// readPacks gives the packs of a query with their plugins.
func readPacks(ctx context.Context, q querier, query string, args ...any) ([]plugpack.Pack, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByName[packColumns])
	if err != nil {
		return nil, err
	}
	packs, place, ids := make([]plugpack.Pack, len(columns)), map[string]int{}, make([]string, len(columns))
	for i, c := range columns {
		packs[i], place[c.ID], ids[i] = c.noun(), i, c.ID
	}
	if rows, err = q.Query(ctx, selectPackPlugins, ids); err != nil {
		return nil, err
	}
	members, err := pgx.CollectRows(rows, pgx.RowToStructByName[packPluginColumns])
	for _, m := range members {
		p := &packs[place[m.PackID]]
		p.Plugins = append(p.Plugins, plugpack.PackPlugin{
			PluginID: m.PluginID, Slug: m.Slug, Name: m.Name, Phase: m.Phase, Description: m.Description, Commands: m.CommandsToRun, Gone: m.Gone,
		})
	}
	return packs, err
}

// PackFilter narrows a list of packs; a zero field does not.
type PackFilter struct {
	Featured   *bool
	Difficulty plugpack.Difficulty
}

const (
	packConditions = ` WHERE k.published AND k.removed_at IS NULL
		AND ($1::boolean IS NULL OR k.featured = $1) AND ($2 = '' OR k.difficulty = $2)`
	countPacks = `SELECT count(*) FROM packs k` + packConditions
	listPacks  = selectPacks + packConditions + ` ORDER BY k.featured DESC, k.updated_at DESC, k.id DESC LIMIT $3 OFFSET $4`
)

// Packs lists published packs, featured ones and then the newest first.
func (s *Store) Packs(ctx context.Context, f PackFilter, skip, limit int) ([]plugpack.Pack, error) {
	packs, err := readPacks(ctx, s.pool, listPacks, f.Featured, f.Difficulty, limit, skip)
	return packs, classify("list packs", err)
}

// CountPacks counts the published packs that match.
func (s *Store) CountPacks(ctx context.Context, f PackFilter) (n int, err error) {
	err = s.pool.QueryRow(ctx, countPacks, f.Featured, f.Difficulty).Scan(&n)
	return n, classify("count packs", err)
}

// PackByID gives a pack, published or not, removed or not.
func (s *Store) PackByID(ctx context.Context, id string) (plugpack.Pack, error) {
	return s.onePack(ctx, "the id "+id, selectPacks+` WHERE k.id = $1::uuid`, id)
}

// PackBySlug gives a pack, published or not, removed or not.
func (s *Store) PackBySlug(ctx context.Context, slug string) (plugpack.Pack, error) {
	return s.onePack(ctx, "the slug "+slug, selectPacks+` WHERE k.slug = $1`, slug)
}

func (s *Store) onePack(ctx context.Context, what, query string, args ...any) (plugpack.Pack, error) {
	packs, err := readPacks(ctx, s.pool, query, args...)
	if err != nil {
		return plugpack.Pack{}, classify("read pack", err)
	}
	if len(packs) == 0 {
		return plugpack.Pack{}, errs.New(errs.NotFound, "no pack has %s", what)
	}
	return packs[0], nil
}

const pluginsInOrder = selectPlugins + ` WHERE p.id = ANY ($1::uuid[]) ORDER BY array_position($1::uuid[], p.id)`

// PluginsOf gives the plugins of a pack in its order, removed ones too.
func (s *Store) PluginsOf(ctx context.Context, p plugpack.Pack) ([]plugpack.Plugin, error) {
	ids := make([]string, len(p.Plugins))
	for i, m := range p.Plugins {
		ids[i] = m.PluginID
	}
	plugins, err := collectPlugins(s.pool.Query(ctx, pluginsInOrder, ids))
	return plugins, classify("read the plugins of pack "+p.Slug, err)
}

const (
	pluginsOfKeys = selectPlugins + ` WHERE p.key = ANY ($1) ORDER BY p.key`
	maxNeeded     = 200 // plugins that one pack pulls in
)

// Needed gives what the plugins need of their own marketplaces, what that needs
// too, and so on, as far as the catalog has it; of more than a pack may pull in,
// the nearest.
func (s *Store) Needed(ctx context.Context, plugins []plugpack.Plugin) (needed []plugpack.Plugin, err error) {
	asked := set{}
	for _, p := range plugins {
		asked.add(p.Key().String())
	}
	for next := plugins; len(next) > 0 && len(needed) < maxNeeded; needed = append(needed, next...) {
		var keys []string
		for _, p := range next {
			for _, d := range p.Facts.Requirements.Dependencies {
				if key := p.Marketplace.Key.Plugin(d.Name).String(); !asked.has(key) {
					asked.add(key)
					keys = append(keys, key)
				}
			}
		}
		if len(keys) == 0 {
			return needed, nil
		}
		if next, err = collectPlugins(s.pool.Query(ctx, pluginsOfKeys, keys[:min(len(keys), maxNeeded)])); err != nil {
			return nil, classify("read what plugins need", err)
		}
	}
	return needed, nil
}

// A pack is found by any of the words, the one with most of them first: there
// are few packs, and their words are chosen with care.
const (
	packMatches = ` FROM packs k, (SELECT replace(plainto_tsquery('english', $1)::text, ' & ', ' | ')::tsquery AS query) q
		WHERE k.published AND k.removed_at IS NULL AND k.search @@ q.query`
	searchPackIDs = `SELECT k.id::text` + packMatches + ` ORDER BY ts_rank(k.search, q.query) DESC, k.id DESC LIMIT $2`
	countMatching = `SELECT count(*)::int` + packMatches
	packsInOrder  = selectPacks + ` WHERE k.id = ANY ($1::uuid[]) ORDER BY array_position($1::uuid[], k.id)`
)

// SearchPacks finds published packs by text, best first, and counts them all.
func (s *Store) SearchPacks(ctx context.Context, text string, limit int) (packs []plugpack.Pack, total int, err error) {
	text = inPairs(text)
	if err := s.pool.QueryRow(ctx, countMatching, text).Scan(&total); err != nil || total == 0 {
		return []plugpack.Pack{}, 0, classify("search packs", err)
	}
	ids, err := collectIDs(s.pool.Query(ctx, searchPackIDs, text, limit))
	if err == nil {
		packs, err = readPacks(ctx, s.pool, packsInOrder, ids)
	}
	return packs, total, classify("search packs", err)
}

// Answer is what a search found: plugins that the filter lets through, and
// packs, which have no filter and are on each page the same.
type Answer struct {
	Found
	Packs      []plugpack.Pack
	TotalPacks int
}

// PacksInOrder gives the published packs among those with the ids, in their
// order.
func (s *Store) PacksInOrder(ctx context.Context, ids []string) ([]plugpack.Pack, error) {
	packs, err := readPacks(ctx, s.pool, packsInOrder, ids)
	return slices.DeleteFunc(packs, func(p plugpack.Pack) bool { return !p.Live() }), classify("read packs", err)
}

const (
	extentOfPacks = `
		SELECT count(*)::int, coalesce(max(updated_at), '1970-01-01Z') FROM packs WHERE published AND removed_at IS NULL`
	suggestPacks = `
		SELECT k.name FROM packs k
		WHERE k.published AND k.removed_at IS NULL AND ' ' || lower(k.name) LIKE '% ' || $1 || '%'
		ORDER BY k.featured DESC, k.updated_at DESC, k.id DESC LIMIT $2`
)

// ExtentOfPacks says how many packs readers may see, and when one of them
// changed last.
func (s *Store) ExtentOfPacks(ctx context.Context) (packs int, changed time.Time, err error) {
	err = s.pool.QueryRow(ctx, extentOfPacks).Scan(&packs, &changed)
	return packs, changed, classify("look at the packs' extent", err)
}

// SuggestPacks gives the names of published packs in which the text begins a
// word.
func (s *Store) SuggestPacks(ctx context.Context, text string, limit int) ([]string, error) {
	names, err := collectIDs(s.pool.Query(ctx, suggestPacks, likeLiterally(strings.ToLower(strings.TrimSpace(text))), limit))
	return names, classify("suggest packs", err)
}

const (
	keepFile = `INSERT INTO marketplace_files (digest, subject, body) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING`
	fileKept = `SELECT EXISTS (SELECT FROM marketplace_files WHERE digest = $1)`
	readFile = `SELECT body FROM marketplace_files WHERE digest = $1 AND subject = $2`
)

// KeepFile keeps a marketplace's file for ever, by its digest.
func (s *Store) KeepFile(ctx context.Context, digest, subject string, body []byte) error {
	var kept bool
	if err := s.pool.QueryRow(ctx, fileKept, digest).Scan(&kept); err != nil || kept {
		return classify("keep marketplace file", err)
	}
	_, err := s.pool.Exec(ctx, keepFile, digest, subject, body)
	return classify("keep marketplace file", err)
}

// File gives the marketplace's file with the digest.
func (s *Store) File(ctx context.Context, digest, subject string) ([]byte, error) {
	rows, err := s.pool.Query(ctx, readFile, digest, subject)
	if err != nil {
		return nil, classify("read marketplace file", err)
	}
	bodies, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err == nil && len(bodies) == 0 {
		return nil, errs.New(errs.NotFound, "no file of %s with that digest was given out", subject)
	}
	if err != nil {
		return nil, classify("read marketplace file", err)
	}
	return bodies[0], nil
}
