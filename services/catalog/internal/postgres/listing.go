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

// ApplyListing stores a marketplace's listing: its head, renames first, then
// removals. Absence counts as removal only when the listing is complete and
// believable: an empty one, or one that lacks more than a fifth of the
// plugins, removes nothing and is held until a person confirms it (ConfirmScan)
// or a later scan brings the plugins back.
func (s *Store) ApplyListing(ctx context.Context, l plugpack.Listing) (Outcome, error) {
	return s.applyOne(ctx, Event{Listing: &l})
}

// applyListing gives the ids of the plugins that it changed, which are to be
// announced.
func applyListing(ctx context.Context, tx pgx.Tx, l plugpack.Listing) (Outcome, []string, error) {
	covered, err := optedOut(ctx, tx, l.Key, l.Repository)
	if err != nil {
		return "", nil, err
	}
	if covered {
		removed, err := refuse(ctx, tx, l)
		return OptedOut, removed, err
	}
	m, err := resolveMarketplace(ctx, tx, l)
	if err != nil {
		return "", nil, err
	}
	if l.ObservedAt.Before(m.ScannedAt) || l.ObservedAt.Before(m.GoneAt) || m.lost(l) {
		return Older, m.touched, nil // a rename may be news though its listing is not
	}
	changed := newSet(m.touched)
	moved, err := applyRenames(ctx, tx, m, l)
	if err != nil {
		return "", nil, err
	}
	changed.add(moved...)

	outcome := Applied
	live, err := livePlugins(ctx, tx, m.ID)
	if err != nil {
		return "", nil, err
	}
	gone := absent(live, l)
	if tooMany(len(gone), len(live), m, l) {
		outcome = Held
	} else {
		removed, err := removePlugins(ctx, tx, gone, l.ObservedAt)
		if err != nil {
			return "", nil, err
		}
		changed.add(removed...)
	}
	shown, err := putHeads(ctx, tx, []head{{m, l, outcome}})
	if err != nil {
		return "", nil, err
	}
	changed.add(shown...)
	return outcome, changed.list(), nil
}

// tooMany is the removal guard. A marketplace's first listing has none before
// it to be compared with, so it is believed unless it is empty. One that is held
// stays so when it is delivered again, however many plugins came with it.
func tooMany(gone, live int, m marketplaceRow, l plugpack.Listing) bool {
	if m.HeldNames != nil && l.ObservedAt.Equal(m.ScannedAt) {
		return true
	}
	if len(l.Names) == 0 {
		return gone > 0
	}
	return !m.ListedAt.IsZero() && gone*5 > live
}

type livePlugin struct {
	ID          string
	Marketplace string // id
	Name        string
	ObservedAt  time.Time
}

const selectLive = `
	SELECT id::text, marketplace_id::text AS marketplace, name, observed_at
	FROM plugins WHERE marketplace_id = ANY ($1::uuid[]) AND removed_at IS NULL`

// livePlugins gives the plugins of the marketplaces with the ids.
func livePlugins(ctx context.Context, tx pgx.Tx, marketplaces ...string) ([]livePlugin, error) {
	rows, err := tx.Query(ctx, selectLive, marketplaces)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[livePlugin])
}

// absent gives the plugins that the listing does not have and that were not
// seen after it.
func absent(live []livePlugin, l plugpack.Listing) []string {
	names := newSet(l.Names)
	var gone []string
	for _, p := range live {
		if !names.has(p.Name) && !p.ObservedAt.After(l.ObservedAt) {
			gone = append(gone, p.ID)
		}
	}
	return gone
}

const markRemoved = `
	UPDATE plugins SET revision = revision + 1, removed_at = $2, observed_at = $2, updated_at = $2
	WHERE id = ANY ($1::uuid[]) AND removed_at IS NULL
	RETURNING id::text`

func removePlugins(ctx context.Context, tx pgx.Tx, ids []string, at time.Time) ([]string, error) {
	return collectIDs(tx.Query(ctx, markRemoved, ids, at))
}

func collectIDs(rows pgx.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// ConfirmScan applies the removals that the guard held back, and says how many
// plugins were removed.
func (s *Store) ConfirmScan(ctx context.Context, k plugpack.MarketplaceKey) (removed int, err error) {
	err = s.tx(ctx, "confirm scan of "+string(k), func(tx pgx.Tx) error {
		if err := lock(ctx, tx, k); err != nil {
			return err
		}
		m, found, err := marketplaceByKey(ctx, tx, k)
		if err != nil {
			return err
		}
		if !found {
			return errs.New(errs.NotFound, "no marketplace %s is known", k)
		}
		if m.HeldNames == nil {
			return errs.New(errs.Conflict, "no scan of %s waits for confirmation", k)
		}
		live, err := livePlugins(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		ids, err := removePlugins(ctx, tx, absent(live, plugpack.Listing{Names: m.HeldNames, ObservedAt: m.ScannedAt}), m.ScannedAt)
		if err != nil {
			return err
		}
		removed = len(ids)
		if _, err := tx.Exec(ctx, releaseHeld, m.ID); err != nil {
			return err
		}
		return announce(ctx, tx, ids)
	})
	return removed, err
}

const releaseHeld = `
	UPDATE marketplaces
	SET names = held_names, listed_at = scanned_at, held_names = NULL,
		state = CASE WHEN gone_at IS NULL THEN 'scanned' ELSE 'failed' END, last_error = CASE WHEN gone_at IS NULL THEN '' ELSE last_error END
	WHERE id = $1`

// ApplyFailure notes that a scan could not read the marketplace. Its plugins
// stay as they are, as they do in the client, unless its repository is gone.
func (s *Store) ApplyFailure(ctx context.Context, f plugpack.Failure) (outcome Outcome, err error) {
	err = s.tx(ctx, "apply failed scan of "+string(f.Key), func(tx pgx.Tx) error {
		if err := lock(ctx, tx, f.Key); err != nil {
			return err
		}
		covered, err := optedOut(ctx, tx, f.Key, plugpack.Repository{})
		if err != nil {
			return err
		}
		if covered {
			outcome = OptedOut
			return nil
		}
		m, err := marketplaceFor(ctx, tx, f.Key)
		if err != nil {
			return err
		}
		if f.ObservedAt.Before(m.ScannedAt) || f.ObservedAt.Before(m.FailedAt) || !f.ObservedAt.After(m.RetiredAt) {
			outcome = Older
			return nil
		}
		if err := followFailure(ctx, tx, f); err != nil {
			return err
		}
		if f.Gone && !m.ListedAt.IsZero() {
			outcome, err = applyGone(ctx, tx, m, f)
			return err
		}
		outcome = Applied
		_, err = tx.Exec(ctx, markFailed, m.ID, plugpack.Cut(plugpack.Clean(f.Reason), plugpack.MaxDescription), f.ObservedAt, f.Entries, f.FoundBy)
		return err
	})
	if outcome == Held {
		s.log.ErrorContext(ctx, "a marketplace is gone with many others of its host: run catalog confirm-scan if that is right", "marketplace", f.Key)
	}
	return outcome, err
}

const markFailed = `
	UPDATE marketplaces
	SET state = 'failed', last_error = $2, failed_at = $3, entries = CASE WHEN listed_at IS NULL THEN $4 ELSE entries END,
		found_by = CASE WHEN listed_at IS NULL THEN $5 ELSE found_by END
	WHERE id = $1`

// set is a set of strings that remembers no order.
type set map[string]struct{}

func newSet(members []string) set {
	s := make(set, len(members))
	s.add(members...)
	return s
}

func (s set) add(members ...string) {
	for _, m := range members {
		s[m] = struct{}{}
	}
}

func (s set) has(m string) bool { _, ok := s[m]; return ok }

func (s set) list() []string {
	all := make([]string, 0, len(s))
	for m := range s {
		all = append(all, m)
	}
	slices.SortFunc(all, strings.Compare)
	return all
}
