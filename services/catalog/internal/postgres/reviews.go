package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// reportsToHold is how many users have to report a review until it is held for
// a curator.
const reportsToHold = 3

const selectReviews = `
	SELECT v.id::text, v.plugin_id::text, v.rating, v.title, v.body, v.pro_tip, v.gotcha, v.example_url, v.frameworks, v.team_size,
		v.digest, v.version, v.state, v.reason, v.edition, v.created_at, v.updated_at,
		u.id::text AS user_id, u.github_id, u.login, u.avatar,
		(SELECT count(*) FROM review_votes x WHERE x.review_id = v.id AND x.kind = 'helpful')::int AS helpful,
		(SELECT count(*) FROM review_votes x WHERE x.review_id = v.id AND x.kind = 'report')::int AS reported
	FROM reviews v JOIN users u ON u.id = v.user_id`

type reviewColumns struct {
	ID         string
	PluginID   string
	Rating     int
	Title      string
	Body       string
	ProTip     string
	Gotcha     string
	ExampleURL string
	Frameworks []string
	TeamSize   string
	Digest     string
	Version    string
	State      plugpack.ReviewState
	Reason     string
	Edition    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
	UserID     string
	GithubID   int64
	Login      string
	Avatar     string
	Helpful    int
	Reported   int
}

func (c reviewColumns) noun() plugpack.Review {
	return plugpack.Review{
		ID: c.ID, PluginID: c.PluginID, Digest: c.Digest, Version: c.Version, State: c.State, Reason: c.Reason, Edition: c.Edition,
		Helpful: c.Helpful, Reported: c.Reported, CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
		Author: plugpack.User{ID: c.UserID, GitHubID: c.GithubID, Login: c.Login, Avatar: c.Avatar},
		ReviewText: plugpack.ReviewText{
			Rating: c.Rating, Title: c.Title, Body: c.Body, ProTip: c.ProTip, Gotcha: c.Gotcha, ExampleURL: c.ExampleURL,
			Frameworks: c.Frameworks, TeamSize: c.TeamSize,
		},
	}
}

func readReviews(ctx context.Context, q querier, query string, args ...any) ([]plugpack.Review, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (plugpack.Review, error) {
		c, err := pgx.RowToStructByName[reviewColumns](row)
		return c.noun(), err
	})
}

const (
	shownReviews = selectReviews + ` WHERE v.plugin_id = $1 AND v.state = 'shown' ORDER BY v.created_at DESC, v.id DESC LIMIT $2 OFFSET $3`
	heldReviews  = selectReviews + ` WHERE v.state = 'held' ORDER BY v.updated_at, v.id LIMIT $1 OFFSET $2`
	countShown   = `SELECT count(*)::int, coalesce(sum(rating), 0)::int FROM reviews WHERE plugin_id = $1 AND state = 'shown'`
)

// Reviews lists the reviews of a plugin that are shown, the newest first, with
// their sum.
func (s *Store) Reviews(ctx context.Context, plugin string, skip, limit int) (rs []plugpack.Review, r plugpack.Rating, err error) {
	if _, err := s.PluginByID(ctx, plugin); err != nil {
		return nil, r, err
	}
	var count, sum int
	if err = s.pool.QueryRow(ctx, countShown, plugin).Scan(&count, &sum); err == nil {
		rs, err = readReviews(ctx, s.pool, shownReviews, plugin, limit, skip)
	}
	return rs, plugpack.NewRating(count, sum), classify("list reviews", err)
}

// HeldReviews lists the reviews that wait for a curator, the oldest first.
func (s *Store) HeldReviews(ctx context.Context, skip, limit int) ([]plugpack.Review, error) {
	rs, err := readReviews(ctx, s.pool, heldReviews, limit, skip)
	return rs, classify("list held reviews", err)
}

const (
	insertReview = `
		INSERT INTO reviews (id, plugin_id, user_id, rating, title, body, pro_tip, gotcha, example_url, frameworks, team_size,
			digest, version, state, created_at, updated_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, f.version_digest, f.version, 'shown', $12, $12
		FROM plugin_facts f WHERE f.plugin_id = $2
		ON CONFLICT (plugin_id, user_id) DO NOTHING`
	// What a curator decided stays decided, whatever its author makes of it.
	updateReview = `
		UPDATE reviews v SET rating = $4, title = $5, body = $6, pro_tip = $7, gotcha = $8, example_url = $9, frameworks = $10,
			team_size = $11, digest = f.version_digest, version = f.version, edition = v.edition + 1, updated_at = $12
		FROM plugin_facts f
		WHERE v.plugin_id = $1 AND v.user_id = $2 AND v.edition = $3 AND f.plugin_id = v.plugin_id`
	oneReview    = selectReviews + ` WHERE v.id = $1::uuid`
	ownReview    = selectReviews + ` WHERE v.plugin_id = $1 AND v.user_id = $2`
	deleteReview = `DELETE FROM reviews WHERE id = $1`
	stateReview  = `UPDATE reviews SET state = $2, reason = $3, updated_at = $4 WHERE id = $1`
	clearReports = `DELETE FROM review_votes WHERE review_id = $1 AND kind = 'report'`
)

// AddReview keeps the user's first review of a plugin, tied to the version that
// the plugin has now.
func (s *Store) AddReview(ctx context.Context, u plugpack.User, plugin string, t plugpack.ReviewText, at time.Time) (plugpack.Review, error) {
	return s.putReview(ctx, u, plugin, "review.added", func(tx pgx.Tx) error {
		made, err := tx.Exec(ctx, insertReview, uuid.Must(uuid.NewV7()).String(), plugin, u.ID, t.Rating, t.Title, t.Body, t.ProTip,
			t.Gotcha, t.ExampleURL, emptyIfNil(t.Frameworks), t.TeamSize, at)
		if err == nil && made.RowsAffected() == 0 {
			err = errs.New(errs.Conflict, "you have reviewed this plugin already; edit that review")
		}
		return err
	})
}

// EditReview replaces the user's review. Edition is the one he had before his
// eyes.
func (s *Store) EditReview(ctx context.Context, u plugpack.User, plugin string, edition int64, t plugpack.ReviewText, at time.Time) (plugpack.Review, error) {
	return s.putReview(ctx, u, plugin, "review.edited", func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, updateReview, plugin, u.ID, edition, t.Rating, t.Title, t.Body, t.ProTip, t.Gotcha, t.ExampleURL,
			emptyIfNil(t.Frameworks), t.TeamSize, at)
		if err != nil || done.RowsAffected() > 0 {
			return err
		}
		mine, err := readReviews(ctx, tx, ownReview, plugin, u.ID)
		if err != nil {
			return err
		}
		if len(mine) == 0 {
			return errs.New(errs.NotFound, "you have not reviewed this plugin")
		}
		return errs.New(errs.Conflict, "edition: your review is at edition %d, not %d; read it again and repeat your change", mine[0].Edition, edition)
	})
}

func (s *Store) putReview(ctx context.Context, u plugpack.User, plugin, action string, put func(tx pgx.Tx) error) (r plugpack.Review, err error) {
	err = s.tx(ctx, "review plugin", func(tx pgx.Tx) error {
		key, removed, err := raise(ctx, tx, plugin)
		if err != nil {
			return err
		}
		if removed {
			return errs.New(errs.NotFound, "this plugin was removed from its marketplace")
		}
		if err := put(tx); err != nil {
			return err
		}
		mine, err := readReviews(ctx, tx, ownReview, plugin, u.ID)
		if err != nil {
			return err
		}
		if len(mine) == 0 {
			return errs.New(errs.Internal, "the review of %s is not there", key)
		}
		r = mine[0]
		if err := audit(ctx, tx, Actor(u.ID), action, "review:"+r.ID, map[string]any{"plugin": key, "rating": r.Rating}); err != nil {
			return err
		}
		return announce(ctx, tx, []string{plugin})
	})
	return r, err
}

// change finds a review, locks its plugin first, and announces the plugin after
// f has changed something.
func (s *Store) change(ctx context.Context, id string, f func(tx pgx.Tx, r plugpack.Review) error) error {
	return s.tx(ctx, "change review", func(tx pgx.Tx) error {
		find := func() (plugpack.Review, error) {
			rs, err := readReviews(ctx, tx, oneReview, id)
			if err == nil && len(rs) == 0 {
				err = errs.New(errs.NotFound, "no review has the id %s", id)
			}
			if err != nil {
				return plugpack.Review{}, err
			}
			return rs[0], nil
		}
		r, err := find()
		if err != nil {
			return err
		}
		if _, _, err := raise(ctx, tx, r.PluginID); err != nil {
			return err
		}
		if r, err = find(); err != nil { // as others left it
			return err
		}
		if err := f(tx, r); err != nil {
			return err
		}
		return announce(ctx, tx, []string{r.PluginID})
	})
}

// DeleteReview takes a review away: its author's wish, or a curator's.
func (s *Store) DeleteReview(ctx context.Context, u plugpack.User, id string) error {
	return s.change(ctx, id, func(tx pgx.Tx, r plugpack.Review) error {
		if r.Author.ID != u.ID && !u.Is(plugpack.Curator) {
			return errs.New(errs.Forbidden, "this review is another user's")
		}
		if _, err := tx.Exec(ctx, deleteReview, id); err != nil {
			return err
		}
		return audit(ctx, tx, Actor(u.ID), "review.deleted", "review:"+id, map[string]any{"plugin": r.PluginID, "author": r.Author.Login})
	})
}

// ModerateReview shows or hides a review. Shown again, its reports are settled.
func (s *Store) ModerateReview(ctx context.Context, u plugpack.User, id string, state plugpack.ReviewState, reason string, at time.Time) error {
	return s.change(ctx, id, func(tx pgx.Tx, r plugpack.Review) error {
		if _, err := tx.Exec(ctx, stateReview, id, state, reason, at); err != nil {
			return err
		}
		if state == plugpack.ReviewShown {
			if _, err := tx.Exec(ctx, clearReports, id); err != nil {
				return err
			}
		}
		return audit(ctx, tx, Actor(u.ID), "review.moderated", "review:"+id, map[string]any{"state": state, "reason": reason, "was": r.State})
	})
}

const (
	insertVote = `INSERT INTO review_votes (review_id, user_id, kind, reason, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`
	deleteVote = `DELETE FROM review_votes WHERE review_id = $1 AND user_id = $2 AND kind = $3`
)

// MarkHelpful says that a review helped the user, or takes that back.
func (s *Store) MarkHelpful(ctx context.Context, u plugpack.User, id string, helpful bool, at time.Time) error {
	return s.change(ctx, id, func(tx pgx.Tx, r plugpack.Review) error {
		if r.Author.ID == u.ID {
			return errs.New(errs.Forbidden, "this review is your own")
		}
		var err error
		if helpful {
			_, err = tx.Exec(ctx, insertVote, id, u.ID, "helpful", "", at)
		} else {
			_, err = tx.Exec(ctx, deleteVote, id, u.ID, "helpful")
		}
		return err
	})
}

// ReportReview tells the curators of a review. One that several users report is
// held until a curator has looked.
func (s *Store) ReportReview(ctx context.Context, u plugpack.User, id, reason string, at time.Time) error {
	return s.change(ctx, id, func(tx pgx.Tx, r plugpack.Review) error {
		made, err := tx.Exec(ctx, insertVote, id, u.ID, "report", reason, at)
		if err != nil || made.RowsAffected() == 0 {
			return err
		}
		if r.State == plugpack.ReviewShown && r.Reported+1 >= reportsToHold {
			if _, err := tx.Exec(ctx, stateReview, id, plugpack.ReviewHeld, "reported by several users", at); err != nil {
				return err
			}
		}
		return audit(ctx, tx, Actor(u.ID), "review.reported", "review:"+id, map[string]any{"reason": reason})
	})
}
