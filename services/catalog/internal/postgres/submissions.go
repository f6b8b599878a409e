package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// maxOpen bounds the submissions that wait, as each is a scan that somebody
// else has to wait behind.
const maxOpen = 500

const selectSubmissions = `
	SELECT id::text, key, state, reasons, steps, scan, created_at, updated_at FROM submissions`

func readSubmissions(ctx context.Context, q querier, query string, args ...any) ([]plugpack.Submission, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[plugpack.Submission])
}

const (
	countOpen        = `SELECT count(*) FROM submissions WHERE state NOT IN ('listed', 'rejected')`
	insertSubmission = `
		INSERT INTO submissions (id, user_id, key, state, steps, scan, created_at, updated_at)
		VALUES ($1, nullif($2, '')::uuid, $3, 'queued', $4, $5, $6, $6)`
	openSubmission = selectSubmissions + ` WHERE key = $1 AND state NOT IN ('listed', 'rejected') FOR UPDATE`
)

// Submit keeps the wish to have a marketplace listed, and queues a scan of it
// ahead of all others. A marketplace that waits already is given as it is.
func (s *Store) Submit(ctx context.Context, by Actor, k plugpack.MarketplaceKey, at time.Time) (sub plugpack.Submission, err error) {
	err = s.tx(ctx, "submit "+string(k), func(tx pgx.Tx) error {
		if err := lock(ctx, tx, k); err != nil { // the scan's outcome, too, waits
			return err
		}
		open, err := readSubmissions(ctx, tx, openSubmission, string(k))
		if err != nil {
			return err
		}
		if len(open) > 0 {
			sub = open[0]
			return nil
		}
		out, err := optedOut(ctx, tx, k, plugpack.Repository{})
		if err != nil {
			return err
		}
		if out {
			return errs.New(errs.Conflict, "source: the owner of %s does not want it to be listed", k)
		}
		var waiting int
		if err := tx.QueryRow(ctx, countOpen).Scan(&waiting); err != nil {
			return err
		}
		if waiting >= maxOpen {
			return errs.RetryLater(errs.TooMany, time.Minute, "%d submissions wait already, try again later", waiting)
		}
		sub = plugpack.Submission{
			ID: uuid.Must(uuid.NewV7()).String(), Key: k, State: plugpack.SubmissionQueued, Scan: uuid.Must(uuid.NewV7()).String(),
			Steps: []plugpack.SubmissionStep{{State: plugpack.SubmissionQueued, At: at.UTC()}}, CreatedAt: at.UTC(), UpdatedAt: at.UTC(),
		}
		if _, err := tx.Exec(ctx, insertSubmission, sub.ID, string(by), string(k), sub.Steps, sub.Scan, at); err != nil {
			return err
		}
		if err := audit(ctx, tx, by, "submission.queued", "marketplace:"+string(k), nil); err != nil {
			return err
		}
		return requestScan(ctx, tx, events.ScanRequested{Scan: sub.Scan, Marketplace: k, RequestedAt: at.UTC(), Force: true})
	})
	return sub, err
}

// requestScan queues a scan through the outbox, so that it is queued exactly
// when what asked for it is kept.
func requestScan(ctx context.Context, tx pgx.Tx, r events.ScanRequested) error {
	m, err := events.NewScanRequested(r)
	if err != nil {
		return err
	}
	m.ID = uuid.Must(uuid.NewV7()).String()
	return post(ctx, tx, m)
}

// SubmissionByID gives a submission.
func (s *Store) SubmissionByID(ctx context.Context, id string) (plugpack.Submission, error) {
	subs, err := readSubmissions(ctx, s.pool, selectSubmissions+` WHERE id = $1::uuid`, id)
	if err == nil && len(subs) == 0 {
		err = errs.New(errs.NotFound, "no submission has this id")
	}
	if err != nil {
		return plugpack.Submission{}, classify("read submission", err)
	}
	return subs[0], nil
}

const (
	moveSubmission = `UPDATE submissions SET state = $2, reasons = $3, steps = $4, updated_at = $5 WHERE id = $1`
	liveCount      = `SELECT count(*)::int FROM plugins p JOIN marketplaces m ON m.id = p.marketplace_id WHERE m.key = $1 AND p.removed_at IS NULL`
)

const openAmong = `SELECT key FROM submissions WHERE key = ANY ($1) AND state NOT IN ('listed', 'rejected') ORDER BY key`

// followListings moves open submissions on by what scans listed: the file was
// fetched, it is valid, and with the first plugin it is listed. A file without
// any plugin is a rejection, with the reasons that its entries have.
func followListings(ctx context.Context, tx pgx.Tx, heads []head) error {
	listings, keys := map[plugpack.MarketplaceKey]plugpack.Listing{}, []plugpack.MarketplaceKey{}
	for _, h := range heads {
		listings[h.listing.Key], keys = h.listing, append(keys, h.listing.Key)
	}
	open, err := collectKeys(tx.Query(ctx, openAmong, keys))
	if err != nil {
		return err
	}
	for _, k := range open {
		if err := followListing(ctx, tx, listings[k]); err != nil {
			return err
		}
	}
	return nil
}

func followListing(ctx context.Context, tx pgx.Tx, l plugpack.Listing) error {
	var reasons []string
	if len(l.Names) == 0 {
		reasons = append(reasons, "the marketplace lists no plugin")
		for _, s := range l.Skipped[:min(len(l.Skipped), 20)] {
			reasons = append(reasons, fmt.Sprintf("plugins[%d] %s: %s", s.Index, s.Name, s.Reason))
		}
	}
	return follow(ctx, tx, l.Key, reasons, l.ObservedAt)
}

// followFailure rejects an open submission whose scan failed.
func followFailure(ctx context.Context, tx pgx.Tx, f plugpack.Failure) error {
	return follow(ctx, tx, f.Key, []string{plugpack.Cut(plugpack.Clean(f.Reason), plugpack.MaxDescription)}, f.ObservedAt)
}

// followAll moves on the open submissions of marketplaces whose plugins were
// seen.
func followAll(ctx context.Context, tx pgx.Tx, applied []Event, outcomes []Outcome) error {
	seen := map[plugpack.MarketplaceKey]time.Time{}
	for i, e := range applied {
		o := e.Observation
		if o != nil && (outcomes[i] == Applied || outcomes[i] == Unchanged) && o.ObservedAt.After(seen[o.Marketplace]) {
			seen[o.Marketplace] = o.ObservedAt
		}
	}
	if len(seen) == 0 {
		return nil
	}
	open, err := collectKeys(tx.Query(ctx, openAmong, slices.Sorted(maps.Keys(seen))))
	if err != nil {
		return err
	}
	for _, k := range open {
		if err := follow(ctx, tx, k, nil, seen[k]); err != nil {
			return err
		}
	}
	return nil
}

// follow rejects for reasons, or moves on as far as what is known goes. What
// was observed before the submission says nothing about it.
func follow(ctx context.Context, tx pgx.Tx, k plugpack.MarketplaceKey, reasons []string, at time.Time) error {
	open, err := readSubmissions(ctx, tx, openSubmission, string(k))
	if err != nil || len(open) == 0 || at.Before(open[0].CreatedAt) {
		return err
	}
	sub := open[0]
	reach := []plugpack.SubmissionState{plugpack.SubmissionRejected}
	if len(reasons) == 0 {
		reach = []plugpack.SubmissionState{plugpack.SubmissionFetched, plugpack.SubmissionValidated}
		var live int
		if err := tx.QueryRow(ctx, liveCount, string(k)).Scan(&live); err != nil {
			return err
		}
		if live > 0 {
			reach = append(reach, plugpack.SubmissionListed)
		}
	}
	for _, state := range reach {
		if slices.ContainsFunc(sub.Steps, func(s plugpack.SubmissionStep) bool { return s.State == state }) {
			continue
		}
		sub.State, sub.Steps = state, append(sub.Steps, plugpack.SubmissionStep{State: state, At: at.UTC()})
	}
	_, err = tx.Exec(ctx, moveSubmission, sub.ID, sub.State, emptyIfNil(reasons), sub.Steps, at)
	return err
}

const (
	findOwned = `
		SELECT m.id::text, m.key, coalesce(r.owner_id, 0) AS owner_id, EXISTS (
			SELECT FROM marketplace_owners o WHERE o.marketplace_id = m.id AND o.user_id = $2) AS owned, m.owners
		FROM marketplaces m LEFT JOIN repositories r ON r.id = m.repository_id
		WHERE m.id = $1::uuid AND m.retired_at IS NULL
		FOR KEY SHARE OF m`
	insertOwner = `
		INSERT INTO marketplace_owners (marketplace_id, user_id, proof, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (marketplace_id, user_id) DO NOTHING`
)

type ownedColumns struct {
	ID      string
	Key     plugpack.MarketplaceKey
	OwnerID int64 // by which the host knows him, 0 until it has told
	Owned   bool
	Owners  []string
}

func owned(ctx context.Context, tx pgx.Tx, u plugpack.User, id string) (o ownedColumns, err error) {
	rows, err := tx.Query(ctx, findOwned, id, u.ID)
	if err != nil {
		return o, err
	}
	o, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[ownedColumns])
	if errors.Is(err, pgx.ErrNoRows) {
		err = errs.New(errs.NotFound, "no marketplace has the id %s", id)
	}
	return o, err
}

// OptOutMarketplace removes an owner's marketplace for good: scrapers and
// catalog are told through the stream that both hear.
func (s *Store) OptOutMarketplace(ctx context.Context, u plugpack.User, id, reason string, at time.Time) error {
	return s.tx(ctx, "opt marketplace out", func(tx pgx.Tx) error {
		o, err := owned(ctx, tx, u, id)
		if err != nil {
			return err
		}
		if !o.Owned && !u.Is(plugpack.Admin) {
			return errs.New(errs.Forbidden, "claim this marketplace first, so that it is known to be yours")
		}
		m, err := events.NewRepositoryOptedOut(plugpack.OptOut{Name: string(o.Key), Reason: reason, At: at.UTC()})
		if err != nil {
			return err
		}
		if err := audit(ctx, tx, Actor(u.ID), "marketplace.opted-out", "marketplace:"+string(o.Key), map[string]any{"reason": reason}); err != nil {
			return err
		}
		m.ID = uuid.Must(uuid.NewV7()).String()
		return post(ctx, tx, m)
	})
}

// isOwner says whether the repository is the user's at GitHub: by the number that
// stays his when his login becomes another's, as soon as a scan has told it.
func (o ownedColumns) isOwner(u plugpack.User) bool {
	if o.Key.Host() != "github.com" {
		return false
	}
	return o.OwnerID == u.GitHubID || o.OwnerID == 0 && strings.EqualFold(o.Key.Owner(), u.Login)
}

// ClaimMarketplace keeps that the marketplace is the user's: the repository is
// his at GitHub, or a file in it names his login.
func (s *Store) ClaimMarketplace(ctx context.Context, u plugpack.User, id string, at time.Time) error {
	return s.tx(ctx, "claim marketplace", func(tx pgx.Tx) error {
		o, err := owned(ctx, tx, u, id)
		if err != nil {
			return err
		}
		proof := "login"
		switch {
		case o.isOwner(u):
		case slices.Contains(o.Owners, strings.ToLower(u.Login)):
			proof = "file"
		default:
			return errs.New(errs.Forbidden, "neither is %s the owner of %s, nor does its file .plugpack-owners name you; add your login there and wait for the next scan", u.Login, o.Key)
		}
		if _, err := tx.Exec(ctx, insertOwner, id, u.ID, proof, at); err != nil {
			return err
		}
		return audit(ctx, tx, Actor(u.ID), "marketplace.claimed", "marketplace:"+string(o.Key), map[string]any{"proof": proof})
	})
}

// Rescan queues a scan of a marketplace ahead of all others.
func (s *Store) Rescan(ctx context.Context, by Actor, id string, at time.Time) (scan string, err error) {
	scan = uuid.Must(uuid.NewV7()).String()
	err = s.tx(ctx, "rescan marketplace", func(tx pgx.Tx) error {
		o, err := owned(ctx, tx, plugpack.User{ID: uuid.Nil.String()}, id)
		if err != nil {
			return err
		}
		if err := audit(ctx, tx, by, "marketplace.rescanned", "marketplace:"+string(o.Key), nil); err != nil {
			return err
		}
		return requestScan(ctx, tx, events.ScanRequested{Scan: scan, Marketplace: o.Key, RequestedAt: at.UTC(), Force: true})
	})
	return scan, err
}

// ofRepository finds the marketplaces of a repository, by the number that stays
// with it, or by the key where a host gives none.
const ofRepository = `
	SELECT m.key
	FROM repositories r JOIN marketplaces m ON m.repository_id = r.id
	WHERE r.host = $1 AND r.host_id = $2 AND m.retired_at IS NULL AND m.opted_out_at IS NULL
	UNION
	SELECT key FROM marketplaces WHERE key = $3 AND retired_at IS NULL AND opted_out_at IS NULL
	ORDER BY key`

// Pushed queues scans of the marketplaces of a repository that its host says was
// pushed to, and gives them; k is how the repository is called now.
func (s *Store) Pushed(ctx context.Context, k plugpack.MarketplaceKey, hostID int64, at time.Time) (keys []plugpack.MarketplaceKey, err error) {
	err = s.tx(ctx, "scan what was pushed", func(tx pgx.Tx) (err error) {
		if keys, err = collectKeys(tx.Query(ctx, ofRepository, k.Host(), hostID, string(k))); err != nil {
			return err
		}
		for _, key := range keys {
			// A marketplace waits once a priority. If it is being scanned just now, the
			// first of these is not queued, and the other sees what the push brought;
			// else the other finds nothing new.
			for _, p := range []events.Priority{events.PriorityNow, events.PriorityPopular} {
				r := events.ScanRequested{Scan: uuid.Must(uuid.NewV7()).String(), Marketplace: key, RequestedAt: at.UTC(), Priority: p}
				if err := requestScan(ctx, tx, r); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return keys, err
}
