package catalog

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// SeedPacks makes and publishes the packs of a JSON list of drafts that are not
// there yet, and says how many it made. A plugin that the catalog does not know
// is left out with a word in the log, and a pack without any is not made.
func SeedPacks(ctx context.Context, db *pgxpool.Pool, log *slog.Logger, drafts []byte) (made int, err error) {
	var packs []plugpack.PackDraft
	if err := json.Unmarshal(drafts, &packs); err != nil {
		return 0, errs.New(errs.Invalid, "packs: want a JSON list of packs: %w", err)
	}
	store := postgres.New(db, log)
	for _, d := range packs {
		if err := knownOnly(ctx, store, log, &d); err != nil {
			return made, err
		}
		if len(d.Plugins) == 0 {
			log.WarnContext(ctx, "pack not made: none of its plugins is known", "pack", d.Slug)
			continue
		}
		p, err := store.CreatePack(ctx, "", d, time.Now())
		if errs.KindOf(err) == errs.Conflict {
			continue // it is there
		}
		if err == nil {
			_, err = store.MarkPack(ctx, "", p.ID, p.Edition, postgres.PackMarks{Published: new(true)}, time.Now())
		}
		if err != nil {
			return made, err
		}
		made++
	}
	return made, nil
}

// knownOnly takes the plugins out of d that the catalog does not have.
func knownOnly(ctx context.Context, store *postgres.Store, log *slog.Logger, d *plugpack.PackDraft) error {
	var known []plugpack.DraftPlugin
	for _, m := range d.Plugins {
		p, err := store.PluginBySlug(ctx, m.Slug)
		switch {
		case errs.KindOf(err) == errs.NotFound || err == nil && p.Removed:
			log.WarnContext(ctx, "plugin left out of pack: it is not known", "pack", d.Slug, "plugin", m.Slug)
		case err != nil:
			return err
		default:
			m.Slug = p.Slug // it may have been renamed
			known = append(known, m)
		}
	}
	d.Plugins = known
	return nil
}

// SetRoles gives a user who has signed in exactly the roles: how a hub gets its
// first admin.
func SetRoles(ctx context.Context, db *pgxpool.Pool, log *slog.Logger, login string, roles []string) error {
	var list []plugpack.Role
	for _, r := range roles {
		list = append(list, plugpack.Role(r))
	}
	_, err := postgres.New(db, log).SetRoles(ctx, "", login, list)
	return err
}
