package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// ChannelOutbox is where a commit with new outbox rows notifies the relay.
const ChannelOutbox = "outbox"

const (
	insertOutbox = `INSERT INTO outbox (id, subject, data) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[])`
	notifyOutbox = `SELECT pg_notify('outbox', '')`
)

// announce puts the plugins' state as this transaction leaves it into the
// outbox and into the table that readers look at, and announces the packs that
// have them.
func announce(ctx context.Context, tx pgx.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := announcePlugins(ctx, tx, ids); err != nil {
		return err
	}
	return announcePacksOf(ctx, tx, ids)
}

func announcePlugins(ctx context.Context, tx pgx.Tx, ids []string) error {
	if err := index(ctx, tx, ids, time.Now()); err != nil {
		return err
	}
	plugins, err := snapshots(ctx, tx, ids)
	if err != nil {
		return err
	}
	ms := make([]events.Message, len(plugins))
	for i, p := range plugins {
		if ms[i], err = events.NewPluginChanged(uuid.Must(uuid.NewV7()).String(), p); err != nil {
			return err
		}
	}
	return post(ctx, tx, ms...)
}

// post puts messages, whose ids are UUIDs, into the outbox.
func post(ctx context.Context, tx pgx.Tx, ms ...events.Message) error {
	var (
		ids, subjects []string
		data          [][]byte
	)
	for _, m := range ms {
		ids, subjects, data = append(ids, m.ID), append(subjects, m.Subject), append(data, m.Data)
	}
	var b pgx.Batch
	b.Queue(insertOutbox, ids, subjects, data)
	b.Queue(notifyOutbox)
	return tx.SendBatch(ctx, &b).Close()
}

// snapshots reads the whole state of the plugins, removed ones too.
func snapshots(ctx context.Context, tx pgx.Tx, ids []string) ([]plugpack.Plugin, error) {
	return collectPlugins(tx.Query(ctx, selectPlugins+` WHERE p.id = ANY ($1::uuid[]) ORDER BY p.id`, ids))
}

// The rows are locked, or a change could be announced between the reading of a
// plugin and its announcement, and the stream would end with the older state.
const pluginIDsAfter = `SELECT id::text FROM plugins WHERE id > $1::uuid ORDER BY id LIMIT $2 FOR SHARE`

// Republish puts every plugin and pack, removed ones too, into the outbox again. It
// goes in steps of a few hundred and tells progress after each.
func (s *Store) Republish(ctx context.Context, progress func(done int)) error {
	const step = 500
	after, done := uuid.Nil.String(), 0
	for {
		var ids []string
		err := s.tx(ctx, "republish", func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, pluginIDsAfter, after, step)
			if err != nil {
				return err
			}
			if ids, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
				return err
			}
			return announcePlugins(ctx, tx, ids)
		})
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return s.republishPacks(ctx)
		}
		after, done = ids[len(ids)-1], done+len(ids)
		progress(done)
	}
}

const everyPack = `SELECT id::text FROM packs ORDER BY id FOR SHARE`

func (s *Store) republishPacks(ctx context.Context) error {
	return s.tx(ctx, "republish packs", func(tx pgx.Tx) error {
		ids, err := collectIDs(tx.Query(ctx, everyPack))
		if err != nil {
			return err
		}
		return announcePacks(ctx, tx, ids)
	})
}
