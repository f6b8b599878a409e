package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// head is a listing that is to be written down, and its marketplace as it was
// before; its row may still have to be made.
type head struct {
	before  marketplaceRow
	listing plugpack.Listing
	outcome Outcome // Applied or Held
}

// after gives what the listing makes of the marketplace.
func (h head) after() marketplaceRow {
	m, l := h.before, h.listing
	m.Names, m.ListedAt, m.RetiredAt = l.Names, l.ObservedAt, time.Time{}
	m.Stars, m.Maintenance, m.OptedOut = &l.Repository.Stars, h.maintenance(), false
	return m
}

func (h head) maintenance() plugpack.Maintenance {
	return h.listing.Repository.MaintenanceAt(h.listing.ObservedAt)
}

// shows says whether plugins show a part of the marketplace that changed.
func (h head) shows() bool {
	m, l := h.before, h.listing
	return m.Maintenance != h.maintenance() || m.Name != l.Name || m.FullName != l.Repository.FullName ||
		m.License != l.Repository.License || m.Archived != l.Repository.Archived
}

func (h head) repository() repositoryHead {
	r, id := h.listing.Repository, uuid.Must(uuid.NewV7()).String()
	if h.before.Repository != nil {
		id = *h.before.Repository
	}
	return repositoryHead{
		ID: id, Host: r.Host, HostID: r.HostID, OwnerID: r.OwnerID, FullName: r.FullName, Description: r.Description,
		DefaultBranch: r.DefaultBranch, License: r.License, Topics: emptyIfNil(r.Topics), Stars: r.Stars, Forks: r.Forks,
		OpenIssues: r.OpenIssues, Archived: r.Archived, PushedAt: orNull(stored(r.PushedAt)), ObservedAt: stored(h.listing.ObservedAt),
		Maintenance: h.maintenance(), Release: r.Release, ReleasedAt: orNull(stored(r.ReleasedAt)),
	}
}

func (h head) marketplace(repository string) marketplaceHead {
	l := h.listing
	c := marketplaceHead{
		ID: h.before.ID, Key: h.before.Key, RepositoryID: repository, Name: l.Name, Description: l.Description, Owner: l.Owner,
		CommitSha: l.Commit, Entries: l.Entries, Names: emptyIfNil(l.Names), Skipped: emptyIfNil(l.Skipped), State: plugpack.ScanDone,
		ScannedAt: stored(l.ObservedAt), FoundBy: l.FoundBy, Owners: emptyIfNil(l.Owners),
	}
	if h.outcome == Held {
		c.State = plugpack.ScanHeld
		c.LastError = fmt.Sprintf("the listing of %s lacks more than a fifth of the plugins; nothing was removed until it is confirmed",
			l.ObservedAt.UTC().Format(time.RFC3339))
	}
	return c
}

// stored is the time as the database keeps it. What it gets as JSON it would
// round up, and then the event would be older than itself.
func stored(t time.Time) time.Time { return t.Truncate(time.Microsecond) }

// Rows go to the database as JSON, which takes all of a batch in one statement,
// arrays within rows too. The names are those of the tables' columns.
type (
	repositoryHead struct {
		ID            string               `json:"id"`
		Host          string               `json:"host"`
		HostID        int64                `json:"host_id"`
		OwnerID       int64                `json:"owner_id"`
		FullName      string               `json:"full_name"`
		Description   string               `json:"description"`
		DefaultBranch string               `json:"default_branch"`
		License       string               `json:"license"`
		Topics        []string             `json:"topics"`
		Stars         int                  `json:"stars"`
		Forks         int                  `json:"forks"`
		OpenIssues    int                  `json:"open_issues"`
		Archived      bool                 `json:"archived"`
		PushedAt      *time.Time           `json:"pushed_at"`
		ObservedAt    time.Time            `json:"observed_at"`
		Maintenance   plugpack.Maintenance `json:"maintenance"`
		Release       string               `json:"release"`
		ReleasedAt    *time.Time           `json:"released_at"`
	}
	marketplaceHead struct {
		ID           string                  `json:"id"`
		Key          plugpack.MarketplaceKey `json:"key"`
		RepositoryID string                  `json:"repository_id"`
		Name         string                  `json:"name"`
		Description  string                  `json:"description"`
		Owner        plugpack.Person         `json:"owner"`
		CommitSha    string                  `json:"commit_sha"`
		Entries      int                     `json:"entries"`
		Names        []string                `json:"names"`
		Skipped      []plugpack.Skipped      `json:"skipped"`
		State        plugpack.ScanState      `json:"state"`
		LastError    string                  `json:"last_error"`
		ScannedAt    time.Time               `json:"scanned_at"`
		FoundBy      string                  `json:"found_by"`
		Owners       []string                `json:"owners"`
	}
)

const (
	upsertRepositories = `
		INSERT INTO repositories (id, host, host_id, owner_id, full_name, description, default_branch, license, topics,
			stars, forks, open_issues, archived, pushed_at, observed_at, maintenance, release, released_at)
		SELECT id, host, nullif(host_id, 0), nullif(owner_id, 0), full_name, description, default_branch, license, topics,
			stars, forks, open_issues, archived, pushed_at, observed_at, maintenance, release, released_at
		FROM json_populate_recordset(NULL::repositories, $1)
		ON CONFLICT (id) DO UPDATE SET
			host_id = excluded.host_id, owner_id = excluded.owner_id, full_name = excluded.full_name,
			description = excluded.description, default_branch = excluded.default_branch, license = excluded.license,
			topics = excluded.topics, stars = excluded.stars, forks = excluded.forks,
			open_issues = excluded.open_issues, archived = excluded.archived, pushed_at = excluded.pushed_at,
			observed_at = excluded.observed_at, maintenance = excluded.maintenance,
			release = excluded.release, released_at = excluded.released_at`
	upsertStats = `
		INSERT INTO repository_stats (repository_id, day, stars, forks, open_issues)
		SELECT id, observed_at::date, stars, forks, open_issues FROM json_populate_recordset(NULL::repositories, $1)
		ON CONFLICT (repository_id, day) DO UPDATE SET
			stars = excluded.stars, forks = excluded.forks, open_issues = excluded.open_issues`
	// What a held listing lacks stays listed until it is confirmed. A listing that
	// comes late is still the last one, but not the last scan if one failed after it.
	upsertMarketplaces = `
		INSERT INTO marketplaces AS m (id, key, repository_id, name, description, owner, commit_sha, entries, names, skipped,
			state, last_error, listed_at, scanned_at, found_by, owners)
		SELECT id, key, repository_id, name, description, owner, commit_sha, entries, names, skipped,
			state, last_error, scanned_at, scanned_at, found_by, owners
		FROM json_populate_recordset(NULL::marketplaces, $1)
		ON CONFLICT (id) DO UPDATE SET
			repository_id = excluded.repository_id, retired_at = NULL, opted_out_at = NULL,
			name = excluded.name, description = excluded.description,
			owner = excluded.owner, commit_sha = excluded.commit_sha, entries = excluded.entries, skipped = excluded.skipped,
			state = CASE WHEN excluded.state <> 'held' AND m.failed_at > excluded.scanned_at THEN m.state ELSE excluded.state END,
			last_error = CASE WHEN excluded.state <> 'held' AND m.failed_at > excluded.scanned_at THEN m.last_error ELSE excluded.last_error END,
			names = CASE WHEN excluded.state = 'held' THEN m.names ELSE excluded.names END,
			listed_at = CASE WHEN excluded.state = 'held' THEN m.listed_at ELSE excluded.listed_at END,
			held_names = CASE WHEN excluded.state = 'held' THEN excluded.names END,
			scanned_at = excluded.scanned_at, found_by = excluded.found_by, gone_at = NULL, owners = excluded.owners`
)

// putHeads stores what files say of themselves and hosts of their repositories,
// and gives the plugins whose pages show a part that changed.
func putHeads(ctx context.Context, tx pgx.Tx, heads []head) ([]string, error) {
	if len(heads) == 0 {
		return nil, nil
	}
	var (
		repositories []repositoryHead
		marketplaces []marketplaceHead
	)
	for _, h := range heads {
		r := h.repository()
		repositories, marketplaces = append(repositories, r), append(marketplaces, h.marketplace(r.ID))
	}
	if err := putRows(ctx, tx, repositories, upsertRepositories, upsertStats); err != nil {
		return nil, err
	}
	if err := putRows(ctx, tx, marketplaces, upsertMarketplaces); err != nil {
		return nil, err
	}
	changed, err := followRepositories(ctx, tx, heads)
	if err != nil {
		return nil, err
	}
	return changed, followListings(ctx, tx, heads)
}

// putRows gives the rows to each of the statements.
func putRows[T any](ctx context.Context, tx pgx.Tx, rows []T, statements ...string) error {
	if len(rows) == 0 {
		return nil
	}
	data, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("encode rows: %w", err)
	}
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s, json.RawMessage(data)); err != nil {
			return err
		}
	}
	return nil
}

// followRepository gives a new revision to the plugins whose page changed: all
// of them, or those whose stars moved by a step (a twentieth, at least one).
// Without steps, every star would render every plugin of a repository anew.
const followRepository = `
	UPDATE plugins p SET revision = revision + 1, stars = l.stars, updated_at = greatest(p.updated_at, l.at),
		score = coalesce((f.scores ->> l.maintenance)::int, -1)
	FROM plugin_facts f, unnest($1::uuid[], $2::int[], $3::boolean[], $4::timestamptz[], $5::text[]) AS l (id, stars, changed, at, maintenance)
	WHERE p.marketplace_id = l.id AND p.removed_at IS NULL AND f.plugin_id = p.id
		AND (l.changed OR abs(p.stars - l.stars) >= greatest(1, p.stars / 20))
	RETURNING p.id::text`

func followRepositories(ctx context.Context, tx pgx.Tx, heads []head) ([]string, error) {
	var (
		ids, maintenance []string
		stars            []int
		changed          []bool
		times            []time.Time
	)
	for _, h := range heads {
		ids, maintenance = append(ids, h.before.ID), append(maintenance, string(h.maintenance()))
		stars, changed, times = append(stars, h.listing.Repository.Stars), append(changed, h.shows()), append(times, h.listing.ObservedAt)
	}
	return collectIDs(tx.Query(ctx, followRepository, ids, stars, changed, times, maintenance))
}
