package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const insertPack = `
	INSERT INTO packs (id, slug, name, description, difficulty, tags, minutes, curator, created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
	ON CONFLICT (slug) DO NOTHING`

// CreatePack makes an unpublished pack of the draft.
func (s *Store) CreatePack(ctx context.Context, by Actor, d plugpack.PackDraft, at time.Time) (p plugpack.Pack, err error) {
	if err := d.Check(); err != nil {
		return p, err
	}
	id := uuid.Must(uuid.NewV7()).String()
	err = s.tx(ctx, "create pack "+d.Slug, func(tx pgx.Tx) error {
		members, err := lockMembers(ctx, tx, id, d)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, insertPack, id, d.Slug, d.Name, d.Description, d.Difficulty, emptyIfNil(d.Tags), d.Minutes, d.Curator, at)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errs.New(errs.Conflict, "slug: there is, or was, a pack %s; choose another slug", d.Slug)
		}
		if p, err = setPlugins(ctx, tx, id, d, members); err != nil {
			return err
		}
		if err := audit(ctx, tx, by, "pack.created", "pack:"+p.Slug, map[string]any{"edition": p.Edition, "plugins": len(p.Plugins)}); err != nil {
			return err
		}
		return announcePacks(ctx, tx, []string{id})
	})
	return p, err
}

const (
	lockPack   = selectPacks + ` WHERE k.id = $1::uuid FOR UPDATE`
	updatePack = `
		UPDATE packs SET name = $2, description = $3, difficulty = $4, tags = $5, minutes = $6, curator = $7,
			edition = edition + 1, revision = revision + 1, updated_at = $8
		WHERE id = $1`
	markPack = `
		UPDATE packs SET featured = coalesce($2, featured), published = coalesce($3, published),
			removed_at = CASE WHEN $4 THEN $5::timestamptz ELSE removed_at END,
			edition = edition + 1, revision = revision + 1, updated_at = $5
		WHERE id = $1`
)

// UpdatePack replaces what curators wrote. Edition is the one that the curator
// had before his eyes: another one means that somebody was faster, whose work
// would be lost.
func (s *Store) UpdatePack(ctx context.Context, by Actor, id string, edition int64, d plugpack.PackDraft, at time.Time) (p plugpack.Pack, err error) {
	if err := d.Check(); err != nil {
		return p, err
	}
	err = s.tx(ctx, "update pack "+d.Slug, func(tx pgx.Tx) error {
		// Plugins are locked before the pack, as a scan does.
		members, err := lockMembers(ctx, tx, id, d)
		if err != nil {
			return err
		}
		if err := holdPack(ctx, tx, id, edition); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, updatePack, id, d.Name, d.Description, d.Difficulty, emptyIfNil(d.Tags), d.Minutes, d.Curator, at); err != nil {
			return err
		}
		if p, err = setPlugins(ctx, tx, id, d, members); err != nil {
			return err
		}
		if err := audit(ctx, tx, by, "pack.updated", "pack:"+p.Slug, map[string]any{"edition": p.Edition, "plugins": len(p.Plugins)}); err != nil {
			return err
		}
		return announcePacks(ctx, tx, []string{id})
	})
	return p, err
}

// PackMarks is what is said of a pack as a whole; nil leaves it as it is.
type PackMarks struct {
	Featured  *bool
	Published *bool
	Removed   bool
}

// MarkPack publishes, features or removes a pack.
func (s *Store) MarkPack(ctx context.Context, by Actor, id string, edition int64, m PackMarks, at time.Time) (p plugpack.Pack, err error) {
	err = s.tx(ctx, "mark pack", func(tx pgx.Tx) error {
		if err := holdPack(ctx, tx, id, edition); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, markPack, id, m.Featured, m.Published, m.Removed, at); err != nil {
			return err
		}
		packs, err := readPacks(ctx, tx, selectPacks+` WHERE k.id = $1::uuid`, id)
		if err != nil {
			return err
		}
		p = packs[0]
		if p.Published && len(p.Plugins) == 0 {
			return errs.New(errs.Invalid, "published: a pack needs at least one plugin")
		}
		if err := audit(ctx, tx, by, "pack.marked", "pack:"+p.Slug, map[string]any{"featured": p.Featured, "published": p.Published, "removed": p.Removed}); err != nil {
			return err
		}
		return announcePacks(ctx, tx, []string{id})
	})
	return p, err
}

// holdPack locks the pack. Edition 0 takes any.
func holdPack(ctx context.Context, tx pgx.Tx, id string, edition int64) error {
	packs, err := readPacks(ctx, tx, lockPack, id)
	switch {
	case err != nil:
		return err
	case len(packs) == 0 || packs[0].Removed:
		return errs.New(errs.NotFound, "no pack has the id %s", id)
	case edition != 0 && packs[0].Edition != edition:
		return errs.New(errs.Conflict, "edition: the pack is at edition %d, not %d; read it again and repeat your change", packs[0].Edition, edition)
	}
	return nil
}

// A removed plugin may stay in a pack, but not come into it.
const lockPlugins = `
	SELECT p.id::text, p.slug FROM plugins p
	WHERE p.slug = ANY ($1) AND (p.removed_at IS NULL
		OR EXISTS (SELECT FROM pack_plugins t WHERE t.pack_id = $2::uuid AND t.plugin_id = p.id))
	ORDER BY p.id FOR SHARE OF p`

// lockMembers finds the draft's plugins, and keeps them from being renamed or
// removed meanwhile: the scan that does it does not know of this pack yet.
func lockMembers(ctx context.Context, tx pgx.Tx, pack string, d plugpack.PackDraft) (ids map[string]string, err error) {
	slugs := make([]string, len(d.Plugins))
	for i, m := range d.Plugins {
		slugs[i] = m.Slug
	}
	rows, err := tx.Query(ctx, lockPlugins, slugs, pack)
	if err != nil {
		return nil, err
	}
	ids = map[string]string{}
	var id, slug string
	if _, err := pgx.ForEachRow(rows, []any{&id, &slug}, func() error { ids[slug] = id; return nil }); err != nil {
		return nil, err
	}
	for i, s := range slugs {
		if ids[s] == "" {
			return nil, errs.New(errs.Invalid, "plugins[%d].slug: there is no plugin %s", i, s)
		}
		if slices.Index(slugs, s) != i {
			return nil, errs.New(errs.Invalid, "plugins[%d].slug: %s is in the pack already", i, s)
		}
	}
	return ids, nil
}

const (
	clearPlugins     = `DELETE FROM pack_plugins WHERE pack_id = $1`
	insertPackPlugin = `
		INSERT INTO pack_plugins (pack_id, plugin_id, phase, phase_order, plugin_order, description, commands_to_run)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
	indexPack = `
		UPDATE packs k SET search = setweight(to_tsvector('english', pairs(k.name)), 'A')
			|| setweight(to_tsvector('english', pairs(array_to_string(k.tags, ' '))), 'B')
			|| setweight(to_tsvector('english', pairs(k.description)), 'C')
			|| setweight(to_tsvector('english', pairs(coalesce((
				SELECT string_agg(p.name || ' ' || t.description, ' ') FROM pack_plugins t JOIN plugins p ON p.id = t.plugin_id WHERE t.pack_id = k.id), ''))), 'D')
		WHERE k.id = $1`
)

func setPlugins(ctx context.Context, tx pgx.Tx, id string, d plugpack.PackDraft, ids map[string]string) (p plugpack.Pack, err error) {
	var (
		phases []string
		b      pgx.Batch
	)
	b.Queue(clearPlugins, id)
	for i, m := range d.Plugins {
		order := slices.Index(phases, m.Phase)
		if order < 0 {
			order, phases = len(phases), append(phases, m.Phase)
		}
		b.Queue(insertPackPlugin, id, ids[m.Slug], m.Phase, order, i, m.Description, emptyIfNil(m.Commands))
	}
	b.Queue(indexPack, id)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return p, err
	}
	packs, err := readPacks(ctx, tx, selectPacks+` WHERE k.id = $1::uuid`, id)
	if err != nil {
		return p, err
	}
	return packs[0], nil
}

// touchPacks raises the revision of the packs that have one of the plugins, or
// one that it took the place of. In the order of their ids, or two scans could
// wait for each other.
const touchPacks = `
	WITH affected AS (
		SELECT k.id FROM packs k
		WHERE k.removed_at IS NULL AND k.id IN (
			SELECT t.pack_id FROM pack_plugins t
			WHERE t.plugin_id IN (SELECT unnest($1::uuid[]) UNION ALL SELECT o.id FROM plugins o WHERE o.successor_id = ANY ($1::uuid[])))
		ORDER BY k.id FOR NO KEY UPDATE
	)
	UPDATE packs k SET revision = k.revision + 1 FROM affected a WHERE k.id = a.id RETURNING k.id::text`

// announcePacksOf announces the packs of plugins that changed.
func announcePacksOf(ctx context.Context, tx pgx.Tx, plugins []string) error {
	ids, err := collectIDs(tx.Query(ctx, touchPacks, plugins))
	if err != nil {
		return err
	}
	return announcePacks(ctx, tx, ids)
}

// announcePacks puts the packs' state as this transaction leaves it into the
// outbox.
func announcePacks(ctx context.Context, tx pgx.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	packs, err := readPacks(ctx, tx, selectPacks+` WHERE k.id = ANY ($1::uuid[]) ORDER BY k.id`, ids)
	if err != nil {
		return err
	}
	ms := make([]events.Message, len(packs))
	for i, p := range packs {
		if ms[i], err = events.NewPackChanged(uuid.Must(uuid.NewV7()).String(), p); err != nil {
			return err
		}
	}
	return post(ctx, tx, ms...)
}
