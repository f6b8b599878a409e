package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// fromPlugins joins all that is known of a plugin.
const fromPlugins = `
	FROM plugins p
	JOIN plugin_facts f ON f.plugin_id = p.id
	JOIN marketplaces m ON m.id = p.marketplace_id
	LEFT JOIN repositories r ON r.id = m.repository_id`

// headColumns are what lists show of a plugin, and selectPlugins adds what its
// page does. Neither has what only one plugin's report and documents need: the
// texts of documents, findings and checks are many times the rest.
const headColumns = `
	SELECT p.id::text, p.name, p.slug, p.revision, p.removed_at IS NOT NULL AS removed,
		p.featured, p.verified, p.stars, nullif(p.score, -1) AS score, p.first_seen, p.updated_at,
		m.id::text AS marketplace_id, m.key AS marketplace_key, m.name AS marketplace_name,
		coalesce(r.full_name, '') AS marketplace_repository, coalesce(r.license, '') AS marketplace_license,
		coalesce(r.archived, false) AS marketplace_archived, coalesce(r.maintenance, 'unknown') AS maintenance,
		f.display_name, f.description, f.version, f.author, f.homepage, f.repository, f.category,
		f.keywords, f.source, f.origin, f.state, f.state_reason, f.findings`

const selectPlugins = headColumns + `,
		coalesce((SELECT s.slug FROM plugins s WHERE s.id = p.successor_id), '') AS successor,
		ARRAY(SELECT DISTINCT a.slug FROM plugin_aliases a WHERE a.plugin_id = p.id AND a.slug <> p.slug ORDER BY a.slug) AS aliases,
		f.license, f.documents, f.excerpt, f.components, f.commit_sha, f.digest, f.files, f.bytes, f.requirements, f.verdicts, f.costs, f.declared,
		coalesce(c.official, false) AS official, coalesce(c.deprecated, '') AS deprecated, coalesce(c.hidden, '') AS hidden,
		rated.count AS reviews, rated.sum AS rating_sum` + fromPlugins + `
	LEFT JOIN curation c ON c.plugin_id = p.id
	LEFT JOIN LATERAL (
		SELECT count(*)::int AS count, coalesce(sum(v.rating), 0)::int AS sum FROM reviews v WHERE v.plugin_id = p.id AND v.state = 'shown'
	) rated ON true`

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
	Score                 *int
	FirstSeen             time.Time
	UpdatedAt             time.Time
	MarketplaceID         string
	MarketplaceKey        plugpack.MarketplaceKey
	MarketplaceName       string
	MarketplaceRepository string
	MarketplaceLicense    string
	MarketplaceArchived   bool
	Maintenance           plugpack.Maintenance
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
	Documents             *plugpack.Documents
	Excerpt               *string
	Findings              *plugpack.FindingCounts
	Official              bool
	Deprecated            string
	Hidden                string
	Reviews               int
	RatingSum             int
}

func (c pluginColumns) noun() plugpack.Plugin {
	p := plugpack.Plugin{
		ID: c.ID, Name: c.Name, Slug: c.Slug, Revision: c.Revision, Removed: c.Removed, Successor: c.Successor,
		Aliases: c.Aliases, Featured: c.Featured, Verified: c.Verified, Stars: c.Stars,
		Score: c.Score, Maintenance: c.Maintenance, FirstSeen: c.FirstSeen, UpdatedAt: c.UpdatedAt,
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
	if c.Documents != nil {
		p.Facts.Documents = *c.Documents
	}
	if r := p.Facts.Documents.Readme; r != nil && c.Excerpt != nil {
		r.Text, r.Cut = *c.Excerpt, r.Cut || r.Bytes > int64(len(*c.Excerpt))
	}
	if c.Findings != nil {
		p.Findings = *c.Findings
	}
	if c.Reviews > 0 {
		p.Rating = new(plugpack.NewRating(c.Reviews, c.RatingSum))
	}
	p.Official, p.Deprecated, p.Hidden = c.Official, c.Deprecated, c.Hidden
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
