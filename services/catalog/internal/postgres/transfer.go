package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Record is one thing that people brought and no scan brings back: exactly one
// of its parts. Plugins are named by their keys, users by their GitHub ids, so
// that it means the same in another database.
type Record struct {
	User     *plugpack.User      `json:"user,omitempty"`
	Curation *CurationRecord     `json:"curation,omitempty"`
	Review   *ReviewRecord       `json:"review,omitempty"`
	Pack     *plugpack.PackDraft `json:"pack,omitempty"`
	// Featured and Published are the pack's.
	Featured  bool `json:"featured,omitempty"`
	Published bool `json:"published,omitempty"`
}

// CurationRecord is what curators say of the plugin with the key.
type CurationRecord struct {
	Plugin string `json:"plugin"`
	plugpack.Curation
}

// ReviewRecord is a review of the plugin with the key.
type ReviewRecord struct {
	Plugin string               `json:"plugin"`
	Author int64                `json:"author"` // GitHub id
	Digest string               `json:"digest,omitempty"`
	State  plugpack.ReviewState `json:"state"`
	Reason string               `json:"reason,omitempty"`
	At     time.Time            `json:"at"`
	plugpack.ReviewText
}

const (
	exportUsers    = `SELECT id::text, github_id, login, avatar, roles, banned, created_at FROM users ORDER BY github_id`
	exportCuration = `
		SELECT p.key, c.featured, c.verified, c.official, c.deprecated, c.hidden
		FROM curation c JOIN plugins p ON p.id = c.plugin_id ORDER BY p.key`
	exportReviews = selectReviews + ` ORDER BY v.created_at, v.id`
	keyOfPlugin   = `SELECT key FROM plugins WHERE id = $1::uuid`
	exportPacks   = selectPacks + ` WHERE k.removed_at IS NULL ORDER BY k.slug`
)

// Export gives all records to write, as they stand at one moment.
func (s *Store) Export(ctx context.Context, write func(Record) error) error {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return classify("export", pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) error {
		return errors.Join(
			exportUsersTo(ctx, tx, write), exportCurationTo(ctx, tx, write), exportReviewsTo(ctx, tx, write), exportPacksTo(ctx, tx, write),
		)
	}))
}

func exportUsersTo(ctx context.Context, tx pgx.Tx, write func(Record) error) error {
	rows, err := tx.Query(ctx, exportUsers)
	if err != nil {
		return err
	}
	users, err := pgx.CollectRows(rows, pgx.RowToStructByName[userColumns])
	for _, u := range users {
		err = errors.Join(err, write(Record{User: new(u.noun())}))
	}
	return err
}

func exportCurationTo(ctx context.Context, tx pgx.Tx, write func(Record) error) error {
	rows, err := tx.Query(ctx, exportCuration)
	if err != nil {
		return err
	}
	var c CurationRecord
	_, err = pgx.ForEachRow(rows, []any{&c.Plugin, &c.Featured, &c.Verified, &c.Official, &c.Deprecated, &c.Hidden}, func() error {
		return write(Record{Curation: new(c)})
	})
	return err
}

func exportReviewsTo(ctx context.Context, tx pgx.Tx, write func(Record) error) error {
	reviews, err := readReviews(ctx, tx, exportReviews)
	if err != nil {
		return err
	}
	for _, r := range reviews {
		out := ReviewRecord{Author: r.Author.GitHubID, Digest: r.Digest, State: r.State, Reason: r.Reason, At: r.CreatedAt, ReviewText: r.ReviewText}
		if err := tx.QueryRow(ctx, keyOfPlugin, r.PluginID).Scan(&out.Plugin); err != nil {
			return err
		}
		if err := write(Record{Review: &out}); err != nil {
			return err
		}
	}
	return nil
}

func exportPacksTo(ctx context.Context, tx pgx.Tx, write func(Record) error) error {
	packs, err := readPacks(ctx, tx, exportPacks)
	if err != nil {
		return err
	}
	for _, p := range packs {
		d := plugpack.PackDraft{Slug: p.Slug, PackText: p.PackText}
		for _, m := range p.Plugins {
			d.Plugins = append(d.Plugins, plugpack.DraftPlugin{Slug: m.Slug, Phase: m.Phase, Description: m.Description, Commands: m.Commands})
		}
		if err := write(Record{Pack: &d, Featured: p.Featured, Published: p.Published}); err != nil {
			return err
		}
	}
	return nil
}

const (
	importUser = `
		INSERT INTO users (id, github_id, login, avatar, roles, banned, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (github_id) DO UPDATE SET roles = excluded.roles, banned = excluded.banned`
	pluginOfKey  = `SELECT id::text FROM plugins WHERE key = $1`
	importReview = `
		INSERT INTO reviews (id, plugin_id, user_id, rating, title, body, pro_tip, gotcha, example_url, frameworks, team_size,
			digest, version, state, reason, created_at, updated_at)
		SELECT $1, $2, u.id, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', $13, $14, $15, $15 FROM users u WHERE u.github_id = $3
		ON CONFLICT (plugin_id, user_id) DO NOTHING`
)

// Import takes in a record. What is there already stays, but for roles, bans
// and curation, which become those of the record. A plugin that the catalog does
// not have is a NotFound error.
func (s *Store) Import(ctx context.Context, r Record, at time.Time) error {
	switch {
	case r.User != nil:
		u := r.User
		_, err := s.pool.Exec(ctx, importUser, uuid.Must(uuid.NewV7()).String(), u.GitHubID, u.Login, u.Avatar, emptyIfNil(u.Roles), u.Banned, u.CreatedAt)
		return classify("import user "+u.Login, err)
	case r.Curation != nil:
		c := r.Curation
		id, err := s.idOf(ctx, c.Plugin)
		if err != nil {
			return err
		}
		_, err = s.Curate(ctx, "", id, CurationChange{&c.Featured, &c.Verified, &c.Official, &c.Deprecated, &c.Hidden}, at)
		return err
	case r.Review != nil:
		return s.importReview(ctx, *r.Review)
	case r.Pack != nil:
		p, err := s.CreatePack(ctx, "", *r.Pack, at)
		if errs.KindOf(err) == errs.Conflict {
			return nil // it is there
		}
		if err == nil && (r.Featured || r.Published) {
			_, err = s.MarkPack(ctx, "", p.ID, p.Edition, PackMarks{Featured: &r.Featured, Published: &r.Published}, at)
		}
		return err
	}
	return errs.New(errs.Invalid, "a record needs a user, a curation, a review or a pack")
}

func (s *Store) importReview(ctx context.Context, r ReviewRecord) error {
	id, err := s.idOf(ctx, r.Plugin)
	if err != nil {
		return err
	}
	return s.tx(ctx, "import review of "+r.Plugin, func(tx pgx.Tx) error {
		if _, _, err := raise(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, importReview, uuid.Must(uuid.NewV7()).String(), id, r.Author, r.Rating, r.Title, r.Body, r.ProTip, r.Gotcha,
			r.ExampleURL, emptyIfNil(r.Frameworks), r.TeamSize, r.Digest, r.State, r.Reason, r.At); err != nil {
			return err
		}
		return announce(ctx, tx, []string{id})
	})
}

func (s *Store) idOf(ctx context.Context, key string) (id string, err error) {
	err = s.pool.QueryRow(ctx, pluginOfKey, key).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", errs.New(errs.NotFound, "the catalog has no plugin %s; scan its marketplace and import again", key)
	}
	return id, classify(fmt.Sprintf("find plugin %s", key), err)
}
