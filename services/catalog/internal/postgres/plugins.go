package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// fromPlugins is what lists, counts and searches of plugins look at.
const fromPlugins = `
	FROM plugins p
	JOIN plugin_facts f ON f.plugin_id = p.id
	JOIN marketplaces m ON m.id = p.marketplace_id
	LEFT JOIN repositories r ON r.id = m.repository_id`

const selectPlugins = `
	SELECT p.id::text, p.name, p.slug, p.revision, p.removed_at IS NOT NULL AS removed,
		coalesce((SELECT s.slug FROM plugins s WHERE s.id = p.successor_id), '') AS successor,
		ARRAY(SELECT DISTINCT a.slug FROM plugin_aliases a WHERE a.plugin_id = p.id AND a.slug <> p.slug ORDER BY a.slug) AS aliases,
		p.featured, p.verified, p.stars, p.first_seen, p.updated_at,
		m.id::text AS marketplace_id, m.key AS marketplace_key, m.name AS marketplace_name,
		coalesce(r.full_name, '') AS marketplace_repository, coalesce(r.license, '') AS marketplace_license,
		coalesce(r.archived, false) AS marketplace_archived,
		f.display_name, f.description, f.version, f.author, f.homepage, f.repository, f.license, f.category,
		f.keywords, f.source, f.origin, f.state, f.state_reason, f.components, f.commit_sha, f.digest,
		f.files, f.bytes, f.requirements, f.verdicts, f.costs, f.declared` + fromPlugins

type pluginColumns struct {
	ID                    string
	Name                  string
	Slug                  string
	Revision              int64
	Removed               bool
	Successor             string
	Aliases               []string
	Featured              bool
	Verified              bool
	Stars                 int
	FirstSeen             time.Time
	UpdatedAt             time.Time
	MarketplaceID         string
	MarketplaceKey        plugpack.MarketplaceKey
	MarketplaceName       string
	MarketplaceRepository string
	MarketplaceLicense    string
	MarketplaceArchived   bool
	DisplayName           string
	Description           string
	Version               string
	Author                plugpack.Person
	Homepage              string
	Repository            string
	License               string
	Category              string
	Keywords              []string
	Source                plugpack.Source
	Origin                string
	State                 plugpack.State
	StateReason           string
	Components            []plugpack.Component
	CommitSha             string
	Digest                string
	Files                 int
	Bytes                 int64
	Requirements          *plugpack.Requirements
	Verdicts              *plugpack.Verdicts
	Costs                 *plugpack.Costs
	Declared              *plugpack.Declared
}

func (c pluginColumns) noun() plugpack.Plugin {
	p := plugpack.Plugin{
		ID: c.ID, Name: c.Name, Slug: c.Slug, Revision: c.Revision, Removed: c.Removed, Successor: c.Successor,
		Aliases: c.Aliases, Featured: c.Featured, Verified: c.Verified, Stars: c.Stars,
		FirstSeen: c.FirstSeen, UpdatedAt: c.UpdatedAt,
		Marketplace: plugpack.MarketplaceRef{
			ID: c.MarketplaceID, Key: c.MarketplaceKey, Name: c.MarketplaceName,
			Repository: c.MarketplaceRepository, License: c.MarketplaceLicense, Archived: c.MarketplaceArchived,
		},
		Facts: plugpack.Facts{
			DisplayName: c.DisplayName, Description: c.Description, Version: c.Version, Author: c.Author,
			Homepage: c.Homepage, Repository: c.Repository, License: c.License, Category: c.Category,
			Keywords: c.Keywords, Source: c.Source, Origin: c.Origin, State: c.State, StateReason: c.StateReason,
			Components: c.Components, Commit: c.CommitSha, Digest: c.Digest,
			Files: c.Files, Bytes: c.Bytes, Verdicts: c.Verdicts, Costs: c.Costs, Declared: c.Declared,
		},
	}
	if c.Requirements != nil {
		p.Facts.Requirements = *c.Requirements
	}
	return p
}

func collectPlugins(rows pgx.Rows, err error) ([]plugpack.Plugin, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (plugpack.Plugin, error) {
		c, err := pgx.RowToStructByName[pluginColumns](row)
		return c.noun(), err
	})
}

// PluginByID gives a plugin, removed or not.
func (s *Store) PluginByID(ctx context.Context, id string) (plugpack.Plugin, error) {
	return s.onePlugin(ctx, "plugin "+id, selectPlugins+` WHERE p.id = $1::uuid`, id)
}

// PluginBySlug gives the plugin that has the slug or had it before.
func (s *Store) PluginBySlug(ctx context.Context, slug string) (plugpack.Plugin, error) {
	p, err := s.onePlugin(ctx, "plugin "+slug, selectPlugins+` WHERE p.slug = $1`, slug)
	if errs.KindOf(err) != errs.NotFound {
		return p, err
	}
	return s.onePlugin(ctx, "plugin "+slug, selectPlugins+`
		WHERE p.id = (SELECT a.plugin_id FROM plugin_aliases a WHERE a.slug = $1 ORDER BY a.observed_at DESC LIMIT 1)`, slug)
}

func (s *Store) onePlugin(ctx context.Context, what, query string, arg string) (plugpack.Plugin, error) {
	ps, err := collectPlugins(s.pool.Query(ctx, query, arg))
	if err != nil {
		return plugpack.Plugin{}, classify(what, err)
	}
	if len(ps) == 0 {
		return plugpack.Plugin{}, errs.New(errs.NotFound, "no %s is known", what)
	}
	return ps[0], nil
}

// Filter narrows a list of plugins; a zero field does not narrow.
type Filter struct {
	Category    string
	Marketplace string // key, or the marketplace's own name
	Owner       string
	Has         string // a component kind
	License     string
	Featured    *bool
	Verified    *bool
	Text        string // words that all must be found
}

// where gives the condition of live plugins that match, with its arguments;
// the first placeholder is the one after those of args.
func (f Filter) where(args []any) (string, []any) {
	conditions := []string{"p.removed_at IS NULL"}
	add := func(condition string, arg any) {
		args = append(args, arg)
		conditions = append(conditions, strings.ReplaceAll(condition, "$?", fmt.Sprintf("$%d", len(args))))
	}
	for _, c := range []struct{ condition, arg string }{
		{"f.category = $?", f.Category},
		{"(m.key = lower($?) OR m.key = $? OR m.name = $?)", f.Marketplace},
		{"m.key LIKE '%/' || lower(replace(replace(replace($?, '\\', '\\\\'), '%', '\\%'), '_', '\\_')) || '/%'", f.Owner},
		{"f.has @> ARRAY[$?::text]", f.Has},
		{"lower(coalesce(nullif(f.license, ''), r.license)) = lower($?)", f.License},
		{"f.search @@ websearch_to_tsquery('english', $?)", f.Text},
	} {
		if c.arg != "" {
			add(c.condition, c.arg)
		}
	}
	if f.Featured != nil {
		add("p.featured = $?", *f.Featured)
	}
	if f.Verified != nil {
		add("p.verified = $?", *f.Verified)
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

// Sort is an order of a list. Each ends with the id, so it is total.
type Sort string

// The sorts.
const (
	SortDefault Sort = ""        // featured, then stars
	SortStars   Sort = "stars"   // most first
	SortUpdated Sort = "updated" // newest first
	SortName    Sort = "name"    // a to z
)

// Position is a row's place in a sorted list: what the next page starts after.
type Position struct {
	Sort     Sort      `json:"s,omitempty"`
	Featured bool      `json:"f,omitempty"`
	Stars    int32     `json:"n,omitempty"`
	Updated  time.Time `json:"u,omitzero"`
	Name     string    `json:"m,omitempty"`
	ID       uuid.UUID `json:"i"`
}

// PositionOf gives p's place in a list sorted by sort.
func PositionOf(p plugpack.Plugin, sort Sort) Position {
	at := Position{Sort: sort, ID: uuid.MustParse(p.ID)}
	switch sort {
	case SortStars:
		at.Stars = int32(p.Stars)
	case SortUpdated:
		at.Updated = p.UpdatedAt
	case SortName:
		at.Name = p.Name
	default:
		at.Featured, at.Stars = p.Featured, int32(p.Stars)
	}
	return at
}

var orders = map[Sort]struct {
	by    string
	after string // compares with the placeholders from $1 on
	args  func(Position) []any
}{
	SortDefault: {
		"p.featured DESC, p.stars DESC, p.id DESC", "(p.featured, p.stars, p.id) < ($1, $2, $3)",
		func(a Position) []any { return []any{a.Featured, a.Stars, a.ID} },
	},
	SortStars: {
		"p.stars DESC, p.id DESC", "(p.stars, p.id) < ($1, $2)",
		func(a Position) []any { return []any{a.Stars, a.ID} },
	},
	SortUpdated: {
		"p.updated_at DESC, p.id DESC", "(p.updated_at, p.id) < ($1, $2)",
		func(a Position) []any { return []any{a.Updated, a.ID} },
	},
	SortName: {
		"lower(p.name) COLLATE \"C\", p.id", "(lower(p.name) COLLATE \"C\", p.id) > (lower($1), $2)",
		func(a Position) []any { return []any{a.Name, a.ID} },
	},
}

// Page says which part of a list is wanted. After wins over Skip.
type Page struct {
	Sort  Sort
	After *Position
	Skip  int
	Limit int
}

// Plugins lists live plugins.
func (s *Store) Plugins(ctx context.Context, f Filter, page Page) ([]plugpack.Plugin, error) {
	order, ok := orders[page.Sort]
	if !ok {
		return nil, errs.New(errs.Invalid, "sort: want stars, updated or name")
	}
	var args []any
	if page.After != nil {
		if page.After.Sort != page.Sort || page.After.ID == uuid.Nil {
			return nil, errs.New(errs.Invalid, "cursor: it is not of a list in this order")
		}
		args, page.Skip = order.args(*page.After), 0
	}
	where, args := f.where(args)
	if page.After != nil {
		where += " AND " + order.after
	}
	args = append(args, page.Limit, page.Skip)
	query := fmt.Sprintf("%s%s ORDER BY %s LIMIT $%d OFFSET $%d", selectPlugins, where, order.by, len(args)-1, len(args))
	ps, err := collectPlugins(s.pool.Query(ctx, query, args...))
	return ps, classify("list plugins", err)
}

const countPlugins = `SELECT count(*)` + fromPlugins

// CountPlugins counts the live plugins that match.
func (s *Store) CountPlugins(ctx context.Context, f Filter) (n int, err error) {
	where, args := f.where(nil)
	err = s.pool.QueryRow(ctx, countPlugins+where, args...).Scan(&n)
	return n, classify("count plugins", err)
}

// Tally is a value and how many live plugins have it.
type Tally struct {
	Name  string
	Count int
}

const selectCategories = `
	SELECT f.category AS name, count(*)::int AS count
	FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id
	WHERE p.removed_at IS NULL AND f.category <> ''
	GROUP BY f.category
	ORDER BY count DESC, f.category`

// Categories counts the live plugins of each category, most first.
func (s *Store) Categories(ctx context.Context) ([]Tally, error) {
	rows, err := s.pool.Query(ctx, selectCategories)
	if err != nil {
		return nil, classify("count categories", err)
	}
	ts, err := pgx.CollectRows(rows, pgx.RowToStructByName[Tally])
	return ts, classify("count categories", err)
}
