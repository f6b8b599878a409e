package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// standing is what the catalog holds of the marketplaces of some events before
// these are applied.
type standing struct {
	optOuts      set // names
	repositories map[hostID]repositoryRow
	marketplaces map[plugpack.MarketplaceKey]marketplaceRow
	live         map[string][]livePlugin // of listed marketplaces, by id
}

// hostID is a repository's number at its host.
type hostID struct {
	host string
	id   int64
}

func hostIDOf(r plugpack.Repository) hostID { return hostID{r.Host, r.HostID} }

// repositoryRow is what is known of a listing's repository.
type repositoryRow struct {
	Host     string
	HostID   int64
	OptedOut bool
	Key      *plugpack.MarketplaceKey // of the marketplace in it
}

const (
	findOptOuts      = `SELECT name FROM opt_outs WHERE name = ANY ($1)`
	findRepositories = `
		SELECT l.host, l.id AS host_id, m.key,
			r.opted_out_at IS NOT NULL OR EXISTS (SELECT FROM opt_outs o WHERE o.host = l.host AND o.host_id = l.id) AS opted_out
		FROM unnest($1::text[], $2::bigint[]) AS l (host, id)
		LEFT JOIN repositories r ON r.host = l.host AND r.host_id = l.id
		LEFT JOIN marketplaces m ON m.repository_id = r.id`
)

func standingOf(ctx context.Context, tx pgx.Tx, events []Event) (standing, error) {
	s := standing{
		optOuts: set{}, repositories: map[hostID]repositoryRow{}, marketplaces: map[plugpack.MarketplaceKey]marketplaceRow{},
		live: map[string][]livePlugin{},
	}
	if err := s.readMarketplaces(ctx, tx, marketplacesOf(events)); err != nil {
		return s, err
	}
	if err := s.readOptOuts(ctx, tx, events); err != nil {
		return s, err
	}
	return s, s.readListed(ctx, tx, events)
}

func (s standing) readMarketplaces(ctx context.Context, tx pgx.Tx, keys []plugpack.MarketplaceKey) error {
	rows, err := tx.Query(ctx, selectMarketplaceRow+` WHERE m.key = ANY ($1)`, keys)
	if err != nil {
		return err
	}
	ms, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[marketplaceRow])
	for _, m := range ms {
		s.marketplaces[m.Key] = m
	}
	return err
}

func (s standing) readOptOuts(ctx context.Context, tx pgx.Tx, events []Event) error {
	names := set{}
	for _, e := range events {
		names.add(plugpack.OptOutNames(e.marketplace())...)
		if o := e.Observation; o != nil {
			names.add(plugpack.OptOutNames(plugpack.OriginKey(o.Facts.Origin))...)
		}
	}
	found, err := collectIDs(tx.Query(ctx, findOptOuts, names.list()))
	s.optOuts.add(found...)
	return err
}

// readListed reads what only listings ask for: where else their repositories
// are known, and which plugins may be missing from them.
func (s standing) readListed(ctx context.Context, tx pgx.Tx, events []Event) error {
	var (
		hosts []string
		ids   []int64
		known []string
	)
	for _, e := range events {
		if e.Listing == nil {
			continue
		}
		hosts, ids = append(hosts, e.Listing.Repository.Host), append(ids, e.Listing.Repository.HostID)
		if m, found := s.marketplaces[e.Listing.Key]; found {
			known = append(known, m.ID)
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, findRepositories, hosts, ids)
	if err != nil {
		return err
	}
	repositories, err := pgx.CollectRows(rows, pgx.RowToStructByName[repositoryRow])
	if err != nil {
		return err
	}
	for _, r := range repositories {
		s.repositories[hostID{r.Host, r.HostID}] = r
	}
	if len(known) == 0 {
		return nil
	}
	live, err := livePlugins(ctx, tx, known...)
	for _, p := range live {
		s.live[p.Marketplace] = append(s.live[p.Marketplace], p)
	}
	return err
}

// covers is optedOut for the marketplace with the key or the origin of one of its
// plugins.
func (s standing) covers(k plugpack.MarketplaceKey, repository plugpack.Repository, origin plugpack.MarketplaceKey) bool {
	for _, name := range append(plugpack.OptOutNames(k), plugpack.OptOutNames(origin)...) {
		if s.optOuts.has(name) {
			return true
		}
	}
	return s.repositories[hostIDOf(repository)].OptedOut || repository.HostID == 0 && s.marketplaces[k].OptedOut
}

// plain says whether the listing only has to be written down: it is news, its
// repository has the name that it had, and no plugin goes or moves.
func (s standing) plain(l plugpack.Listing) bool {
	m, known := s.marketplaces[l.Key]
	if r := s.repositories[hostIDOf(l.Repository)]; r.Key != nil && *r.Key != l.Key || s.covers(l.Key, l.Repository, "") {
		return false
	}
	if !known {
		return len(l.Renames) == 0
	}
	replaced := m.givenUp() || m.HostID != nil && l.Repository.HostID != 0 && *m.HostID != l.Repository.HostID
	late := l.ObservedAt.Before(m.ScannedAt) || l.ObservedAt.Before(m.GoneAt)
	return !replaced && !late && len(l.Renames) == 0 && len(absent(s.live[m.ID], l)) == 0
}

// marketplaceFor gives the marketplace with the key, with an id of its own if
// there is none yet.
func (s standing) marketplaceFor(k plugpack.MarketplaceKey) marketplaceRow {
	if m, found := s.marketplaces[k]; found {
		return m
	}
	return marketplaceRow{ID: uuid.Must(uuid.NewV7()).String(), Key: k, Maintenance: plugpack.MaintenanceUnknown}
}
