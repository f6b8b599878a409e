package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// marketplaceRow is what Apply needs of a marketplace. touched holds the ids of
// plugins that changed while it was resolved.
type marketplaceRow struct {
	ID          string
	Key         plugpack.MarketplaceKey
	Repository  *string
	HostID      *int64
	Name        string
	FullName    string
	License     string
	Archived    bool
	Stars       *int
	Maintenance plugpack.Maintenance
	Names       []string
	HeldNames   []string
	ListedAt    time.Time
	ScannedAt   time.Time
	FailedAt    time.Time
	RetiredAt   time.Time
	GoneAt      time.Time
	NamedAt     time.Time
	OptedOut    bool

	touched []string
}

const selectMarketplaceRow = `
	SELECT m.id::text, m.key, m.repository_id::text AS repository, r.host_id, m.name,
		coalesce(r.full_name, '') AS full_name, coalesce(r.license, '') AS license, coalesce(r.archived, false) AS archived,
		r.stars, m.opted_out_at IS NOT NULL AS opted_out,
		coalesce(r.maintenance, 'unknown') AS maintenance, m.names, m.held_names,
		coalesce(m.listed_at, '0001-01-01Z') AS listed_at, coalesce(m.scanned_at, '0001-01-01Z') AS scanned_at,
		coalesce(m.failed_at, '0001-01-01Z') AS failed_at,
		coalesce(m.retired_at, '0001-01-01Z') AS retired_at, coalesce(m.gone_at, '0001-01-01Z') AS gone_at,
		coalesce(m.named_at, '0001-01-01Z') AS named_at
	FROM marketplaces m LEFT JOIN repositories r ON r.id = m.repository_id`

// givenUp says whether the repository that had the key went to another one, and
// none has taken it since.
func (m marketplaceRow) givenUp() bool { return m.HostID == nil && !m.RetiredAt.IsZero() }

// lost says whether the listing is from before its repository lost the name to
// another one, which retired it.
func (m marketplaceRow) lost(l plugpack.Listing) bool {
	return strings.HasPrefix(string(m.Key), string(l.Key)+"#") && l.ObservedAt.Before(m.RetiredAt)
}

func marketplaceByKey(ctx context.Context, tx pgx.Tx, k plugpack.MarketplaceKey) (marketplaceRow, bool, error) {
	return oneMarketplace(tx.Query(ctx, selectMarketplaceRow+` WHERE m.key = $1`, string(k)))
}

func oneMarketplace(rows pgx.Rows, err error) (m marketplaceRow, found bool, _ error) {
	if err != nil {
		return m, false, err
	}
	ms, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[marketplaceRow])
	if err != nil || len(ms) == 0 {
		return m, false, err
	}
	return ms[0], true, nil
}

const insertMarketplace = `INSERT INTO marketplaces (id, key, state) VALUES ($1, $2, 'pending')`

// marketplaceFor gives the marketplace with the key and makes its row where
// there is none: when a stream is replayed into an empty database, a plugin may
// come before the listing it belongs to.
func marketplaceFor(ctx context.Context, tx pgx.Tx, k plugpack.MarketplaceKey) (marketplaceRow, error) {
	m, found, err := marketplaceByKey(ctx, tx, k)
	if found || err != nil {
		return m, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	_, err = tx.Exec(ctx, insertMarketplace, id, string(k))
	return marketplaceRow{ID: id, Key: k}, err
}

// resolveMarketplace finds or makes the listing's marketplace. The host's
// number for the repository decides who is who: the same number under a new name
// is a renamed marketplace and keeps its row; another number under a known name
// is a new marketplace, and the old one retires.
func resolveMarketplace(ctx context.Context, tx pgx.Tx, l plugpack.Listing) (marketplaceRow, error) {
	before, renamed, err := marketplaceBefore(ctx, tx, l)
	if err != nil || renamed && (l.ObservedAt.Before(before.ScannedAt) || before.lost(l)) {
		return before, err // a late message from before the rename
	}
	m, found, err := marketplaceByKey(ctx, tx, l.Key)
	if err != nil {
		return m, err
	}
	var touched []string
	takenOver := found && m.givenUp()
	if found && m.HostID != nil && l.Repository.HostID != 0 && *m.HostID != l.Repository.HostID {
		if l.ObservedAt.Before(m.ScannedAt) {
			return m, nil // a late message of the repository that had the name before
		}
		if touched, err = retire(ctx, tx, m, l.ObservedAt); err != nil {
			return m, err
		}
		found, takenOver = false, true
	}
	if renamed {
		ids, err := moveMarketplace(ctx, tx, before, m, found, l)
		if err != nil {
			return m, err
		}
		touched = append(touched, ids...)
	}
	if m, err = marketplaceFor(ctx, tx, l.Key); err != nil {
		return m, err
	}
	m.touched = touched
	if l.ObservedAt.Before(m.ScannedAt) {
		return m, nil
	}
	if renamed || takenOver {
		if _, err := tx.Exec(ctx, markNamed, m.ID, l.ObservedAt); err != nil {
			return m, err
		}
	}
	return m, nil
}

// Late observations of the repository that had the name before are not this one's.
const markNamed = `UPDATE marketplaces SET named_at = $2 WHERE id = $1`

// marketplaceBefore finds the listing's repository under another key, and holds
// back those who write under that key.
func marketplaceBefore(ctx context.Context, tx pgx.Tx, l plugpack.Listing) (marketplaceRow, bool, error) {
	find := func() (marketplaceRow, bool, error) {
		return oneMarketplace(tx.Query(ctx, selectMarketplaceRow+`
			WHERE r.host = $1 AND r.host_id = $2 AND m.key <> $3`, l.Repository.Host, l.Repository.HostID, string(l.Key)))
	}
	m, found, err := find()
	if err != nil || !found {
		return m, false, err
	}
	if err := lock(ctx, tx, m.Key); err != nil {
		return m, false, err
	}
	return find() // as they left it
}

const (
	retireMarketplace = `UPDATE marketplaces SET key = key || $2, retired_at = $3 WHERE id = $1`
	retirePlugins     = `UPDATE plugins SET key = $2 || ':' || name WHERE marketplace_id = $1`
)

// retire takes the key from a marketplace whose name now belongs to another
// repository, and removes its plugins.
func retire(ctx context.Context, tx pgx.Tx, m marketplaceRow, at time.Time) ([]string, error) {
	suffix := fmt.Sprintf("#%d", *m.HostID)
	_, taken, err := marketplaceByKey(ctx, tx, m.Key+plugpack.MarketplaceKey(suffix))
	if err != nil {
		return nil, err
	}
	if taken { // the repository lost the name before, and its plugins went on elsewhere
		suffix += "-" + m.ID
	}
	if _, err := tx.Exec(ctx, retireMarketplace, m.ID, suffix, at); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, retirePlugins, m.ID, string(m.Key)+suffix); err != nil {
		return nil, err
	}
	return removeAll(ctx, tx, m.ID, at)
}

const (
	linkRepository = `UPDATE marketplaces SET repository_id = $2, retired_at = NULL, opted_out_at = NULL WHERE id = $1`

	rekeyMarketplace = `UPDATE marketplaces SET key = $2 WHERE id = $1`
	rekeyPlugins     = `UPDATE plugins SET key = $2 || ':' || name WHERE marketplace_id = $1`

	giveUpKey = `INSERT INTO marketplaces (id, key, state, retired_at) VALUES ($1, $2, 'pending', $3)`

	// Who claimed what makes room has claimed what goes on under that key. A claim
	// under way ends first, or the statement would not see it.
	awaitClaims = `SELECT FROM marketplaces WHERE id = $1 FOR UPDATE`
	dropEmpty   = `
		WITH dropped AS (
			DELETE FROM marketplaces m
			WHERE id = $1 AND repository_id IS NULL AND NOT EXISTS (SELECT FROM plugins p WHERE p.marketplace_id = m.id)
			RETURNING id
		), claims AS (
			DELETE FROM marketplace_owners o USING dropped d WHERE o.marketplace_id = d.id RETURNING o.user_id, o.proof, o.created_at
		), kept AS (
			INSERT INTO marketplace_owners (marketplace_id, user_id, proof, created_at)
			SELECT $2, user_id, proof, created_at FROM claims ON CONFLICT DO NOTHING
		)
		SELECT NOT EXISTS (SELECT FROM dropped)`
	giveUpRepository = `UPDATE marketplaces SET repository_id = NULL, retired_at = $2 WHERE id = $1`
	succeedByName    = `
		UPDATE plugins o SET successor_id = n.id
		FROM plugins n
		WHERE o.marketplace_id = $1 AND n.marketplace_id = $2 AND n.name = o.name AND o.removed_at IS NULL`
)

// moveMarketplace gives a renamed repository's marketplace its new key. The
// plugins keep their ids and slugs. The old key stays as a retired row, so late
// messages that use it are known to be old.
//
// A row that has the new key already and no plugins makes room: it is of a
// failed scan, or of a time when the repository had that name before. One with
// plugins, which happens only when a stream is replayed into an empty database
// and they came before their listing, goes on, and the old one's plugins point
// to their successors.
func moveMarketplace(ctx context.Context, tx pgx.Tx, from, to marketplaceRow, toExists bool, l plugpack.Listing) ([]string, error) {
	if toExists {
		if _, err := tx.Exec(ctx, awaitClaims, to.ID); err != nil {
			return nil, err
		}
		if err := tx.QueryRow(ctx, dropEmpty, to.ID, from.ID).Scan(&toExists); err != nil {
			return nil, err
		}
	}
	if !toExists {
		return nil, rekey(ctx, tx, from, l)
	}
	if _, err := tx.Exec(ctx, giveUpRepository, from.ID, l.ObservedAt); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, linkRepository, to.ID, *from.Repository); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, succeedByName, from.ID, to.ID); err != nil {
		return nil, err
	}
	return removeAll(ctx, tx, from.ID, l.ObservedAt)
}

func rekey(ctx context.Context, tx pgx.Tx, m marketplaceRow, l plugpack.Listing) error {
	if _, err := tx.Exec(ctx, rekeyMarketplace, m.ID, string(l.Key)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, rekeyPlugins, m.ID, string(l.Key)); err != nil {
		return err
	}
	if !m.RetiredAt.IsZero() { // its own key was taken from it before
		return nil
	}
	_, err := tx.Exec(ctx, giveUpKey, uuid.Must(uuid.NewV7()).String(), string(m.Key), l.ObservedAt)
	return err
}

func removeAll(ctx context.Context, tx pgx.Tx, marketplace string, at time.Time) ([]string, error) {
	live, err := livePlugins(ctx, tx, marketplace)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(live))
	for i, p := range live {
		ids[i] = p.ID
	}
	return removePlugins(ctx, tx, ids, at)
}

// applyRenames follows the file's "renames" map and gives the plugins that
// changed. An old name that is still listed was not renamed, and a new name
// that is not listed leads nowhere; both are ignored, as the client does.
func applyRenames(ctx context.Context, tx pgx.Tx, m marketplaceRow, l plugpack.Listing) ([]string, error) {
	olds, err := liveFirst(ctx, tx, m, l)
	if err != nil {
		return nil, err
	}
	names := newSet(l.Names)
	var changed []string
	for _, old := range olds {
		name := finalName(l.Renames, old)
		if names.has(old) || name != "" && !names.has(name) {
			continue
		}
		ids, err := renamePlugin(ctx, tx, m, l, old, name)
		if err != nil {
			return nil, fmt.Errorf("rename %q to %q: %w", old, name, err)
		}
		changed = append(changed, ids...)
	}
	return changed, nil
}

// finalName follows a chain of renames to its end; "" is a deliberate removal.
// A loop ends where it began, which is a name that is not listed.
func finalName(renames map[string]string, old string) string {
	name := old
	for range len(renames) {
		next, ok := renames[name]
		if !ok {
			break
		}
		if name = next; name == "" {
			break
		}
	}
	return name
}

// liveFirst gives the old names, and first those of plugins that are live: of
// several that lead to one name, such a plugin is the one that goes on.
func liveFirst(ctx context.Context, tx pgx.Tx, m marketplaceRow, l plugpack.Listing) ([]string, error) {
	if len(l.Renames) == 0 {
		return nil, nil
	}
	plugins, err := livePlugins(ctx, tx, m.ID)
	if err != nil {
		return nil, err
	}
	live, removed := set{}, set{}
	for old := range l.Renames {
		removed.add(old)
	}
	for _, p := range plugins {
		if removed.has(p.Name) {
			delete(removed, p.Name)
			live.add(p.Name)
		}
	}
	return append(live.list(), removed.list()...), nil
}

const (
	findNamed = `
		SELECT id::text, key, slug, removed_at IS NOT NULL AS removed, coalesce(successor_id::text, '') AS successor
		FROM plugins WHERE marketplace_id = $1 AND name = $2 AND key = $3`
	setSuccessor = `
		UPDATE plugins SET successor_id = $2, revision = revision + 1, updated_at = $3, observed_at = greatest(observed_at, $3),
			removed_at = coalesce(removed_at, $3)
		WHERE id = $1`
	renameRow = `
		UPDATE plugins SET name = $2, key = $3, slug = $4, revision = revision + 1, observed_at = $5, updated_at = $5
		WHERE id = $1`
	rememberKey = `
		INSERT INTO plugin_aliases (key, slug, plugin_id, observed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key, slug) DO UPDATE SET plugin_id = excluded.plugin_id, observed_at = excluded.observed_at`
	takeBackSlug = `DELETE FROM plugin_aliases WHERE slug = $1 AND plugin_id = $2`
)

type namedPlugin struct {
	ID        string
	Key       string
	Slug      string
	Removed   bool
	Successor string
}

func findByName(ctx context.Context, tx pgx.Tx, m marketplaceRow, name string) (*namedPlugin, error) {
	rows, err := tx.Query(ctx, findNamed, m.ID, name, m.Key.Plugin(name).String())
	if err != nil {
		return nil, err
	}
	ps, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[namedPlugin])
	if err != nil || len(ps) == 0 {
		return nil, err
	}
	return ps[0], nil
}

// renamePlugin moves the row to its new name, or, where a plugin of that name
// is known already, lets the old one point to it.
func renamePlugin(ctx context.Context, tx pgx.Tx, m marketplaceRow, l plugpack.Listing, old, name string) ([]string, error) {
	from, err := findByName(ctx, tx, m, old)
	if err != nil || from == nil {
		return nil, err
	}
	if name == "" {
		return removePlugins(ctx, tx, []string{from.ID}, l.ObservedAt)
	}
	to, err := findByName(ctx, tx, m, name)
	if err != nil {
		return nil, err
	}
	if to != nil {
		if from.Successor == to.ID {
			return nil, nil
		}
		_, err := tx.Exec(ctx, setSuccessor, from.ID, to.ID, l.ObservedAt)
		return []string{from.ID}, err
	}
	key := m.Key.Plugin(name)
	if _, err := tx.Exec(ctx, takeBackSlug, key.Slug(0), from.ID); err != nil {
		return nil, err
	}
	slug, err := freeSlug(ctx, tx, key, nil)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, rememberKey, from.Key, from.Slug, from.ID, l.ObservedAt); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, renameRow, from.ID, name, key.String(), slug, l.ObservedAt)
	return []string{from.ID}, err
}
