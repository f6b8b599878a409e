package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const selectMarketplaces = `
	SELECT m.id::text, m.key, m.name, m.description, m.owner, m.commit_sha, m.entries, m.skipped, m.state, m.last_error,
		m.scanned_at, m.failed_at, m.found_by, n.plugins, n.read,
		coalesce(r.host, '') AS host, coalesce(r.full_name, '') AS full_name,
		coalesce(r.license, '') AS license, coalesce(r.topics, '{}') AS topics, coalesce(r.stars, 0) AS stars,
		coalesce(r.forks, 0) AS forks, coalesce(r.open_issues, 0) AS open_issues, coalesce(r.archived, false) AS archived,
		r.pushed_at, coalesce(r.release, '') AS release, r.released_at
	FROM marketplaces m
	LEFT JOIN repositories r ON r.id = m.repository_id
	CROSS JOIN LATERAL (
		SELECT count(*)::int AS plugins, (count(*) FILTER (WHERE f.state = 'read'))::int AS read
		FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id
		WHERE p.marketplace_id = m.id AND p.removed_at IS NULL
	) n
	WHERE m.retired_at IS NULL`

type marketplaceColumns struct {
	ID          string
	Key         plugpack.MarketplaceKey
	Name        string
	Description string
	Owner       plugpack.Person
	CommitSha   string
	Entries     int
	Skipped     []plugpack.Skipped
	State       plugpack.ScanState
	LastError   string
	ScannedAt   *time.Time
	FailedAt    *time.Time
	FoundBy     string
	Plugins     int
	Read        int
	Host        string
	FullName    string
	License     string
	Topics      []string
	Stars       int
	Forks       int
	OpenIssues  int
	Archived    bool
	PushedAt    *time.Time
	Release     string
	ReleasedAt  *time.Time
}

func (c marketplaceColumns) noun() plugpack.Marketplace {
	return plugpack.Marketplace{
		ID: c.ID, Key: c.Key, Name: c.Name, Description: c.Description, Owner: c.Owner, Commit: c.CommitSha,
		Entries: c.Entries, Plugins: c.Plugins, Read: c.Read, FoundBy: c.FoundBy, Skipped: c.Skipped, State: c.State, LastError: c.LastError,
		ScannedAt: orZero(c.ScannedAt), FailedAt: orZero(c.FailedAt),
		Repository: plugpack.Repository{
			Host: c.Host, FullName: c.FullName, License: c.License, Topics: c.Topics, Stars: c.Stars, Forks: c.Forks,
			OpenIssues: c.OpenIssues, Archived: c.Archived, PushedAt: orZero(c.PushedAt),
			Release: c.Release, ReleasedAt: orZero(c.ReleasedAt),
		},
	}
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func collectMarketplaces(rows pgx.Rows, err error) ([]plugpack.Marketplace, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (plugpack.Marketplace, error) {
		c, err := pgx.RowToStructByName[marketplaceColumns](row)
		return c.noun(), err
	})
}

// MarketplaceFilter narrows a list of marketplaces; a zero field does not.
type MarketplaceFilter struct {
	State string
	Name  string
}

const (
	marketplaceConditions = ` WHERE m.retired_at IS NULL AND ($1 = '' OR m.state = $1) AND ($2 = '' OR m.name = $2)`
	countMarketplaces     = `SELECT count(*) FROM marketplaces m` + marketplaceConditions

	// The page is found first: of what is skipped no plugins are counted.
	listMarketplaces = selectMarketplaces + ` AND m.id IN (
		SELECT m.id FROM marketplaces m` + marketplaceConditions + ` AND ($3 = '' OR m.key > $3) ORDER BY m.key LIMIT $4 OFFSET $5)
		ORDER BY m.key`
)

// Marketplaces lists marketplaces by key, at most limit of those after the key
// after, having skipped skip.
func (s *Store) Marketplaces(ctx context.Context, f MarketplaceFilter, after string, skip, limit int) ([]plugpack.Marketplace, error) {
	ms, err := collectMarketplaces(s.pool.Query(ctx, listMarketplaces, f.State, f.Name, after, limit, skip))
	return ms, classify("list marketplaces", err)
}

// CountMarketplaces counts the marketplaces that match.
func (s *Store) CountMarketplaces(ctx context.Context, f MarketplaceFilter) (n int, err error) {
	err = s.pool.QueryRow(ctx, countMarketplaces, f.State, f.Name).Scan(&n)
	return n, classify("count marketplaces", err)
}

// MarketplaceByID gives one marketplace.
func (s *Store) MarketplaceByID(ctx context.Context, id string) (plugpack.Marketplace, error) {
	what := fmt.Sprintf("marketplace %s", id)
	ms, err := collectMarketplaces(s.pool.Query(ctx, selectMarketplaces+` AND m.id = $1::uuid`, id))
	if err != nil {
		return plugpack.Marketplace{}, classify(what, err)
	}
	if len(ms) == 0 {
		return plugpack.Marketplace{}, errs.New(errs.NotFound, "no %s is known", what)
	}
	return ms[0], nil
}
