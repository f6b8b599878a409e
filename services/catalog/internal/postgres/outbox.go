package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
)

// Outbox is one process's right to relay the outbox. It holds a connection of
// its own, which listens for new rows and keeps the lock that makes it the only
// one; when the connection breaks, both are gone.
type Outbox struct {
	conn *pgxpool.Conn
}

const (
	lockRelay    = `SELECT pg_try_advisory_lock(hashtextextended('outbox relay', 0))`
	unlockRelay  = `SELECT pg_advisory_unlock(hashtextextended('outbox relay', 0))`
	oldestOutbox = `SELECT id::text AS id, subject, data FROM outbox ORDER BY seq LIMIT $1`
	deleteOutbox = `DELETE FROM outbox WHERE id = ANY ($1::uuid[])`
	// The clock is read now and not when the transaction began; two machines'
	// clocks do not come into it.
	waitingOutbox = `SELECT count(*)::int, greatest(0, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0))::float8 FROM outbox`
)

// ErrTaken says that another process relays the outbox.
var ErrTaken = errs.New(errs.Conflict, "another process relays the outbox")

// OpenOutbox takes the right to relay, or gives ErrTaken.
func (s *Store) OpenOutbox(ctx context.Context) (*Outbox, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, classify("open outbox", err)
	}
	o := &Outbox{conn: conn}
	var locked bool
	if err := conn.QueryRow(ctx, lockRelay).Scan(&locked); err != nil || !locked {
		conn.Release()
		if err == nil {
			err = ErrTaken
		}
		return nil, classify("open outbox", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+ChannelOutbox); err != nil {
		o.Close()
		return nil, classify("open outbox", err)
	}
	return o, nil
}

// Close gives the right back.
func (o *Outbox) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := o.conn.Exec(ctx, unlockRelay); err != nil {
		_ = o.conn.Conn().Close(ctx) // a broken connection must not go back to the pool with the lock
	}
	_, _ = o.conn.Exec(ctx, "UNLISTEN *")
	o.conn.Release()
}

// Oldest gives up to n messages that wait, the oldest first.
func (o *Outbox) Oldest(ctx context.Context, n int) ([]events.Message, error) {
	rows, err := o.conn.Query(ctx, oldestOutbox, n)
	if err != nil {
		return nil, classify("read outbox", err)
	}
	ms, err := pgx.CollectRows(rows, pgx.RowToStructByName[events.Message])
	return ms, classify("read outbox", err)
}

// Delete removes messages that the stream has.
func (o *Outbox) Delete(ctx context.Context, ids []string) error {
	_, err := o.conn.Exec(ctx, deleteOutbox, ids)
	return classify("delete from outbox", err)
}

// Wait returns when new rows were committed, or after d.
func (o *Outbox) Wait(ctx context.Context, d time.Duration) error {
	waitCtx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	_, err := o.conn.Conn().WaitForNotification(waitCtx)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return classify("wait for outbox", err)
}

// Waiting says what is committed and not announced yet.
func (s *Store) Waiting(ctx context.Context) (o events.Outbox, err error) {
	err = s.pool.QueryRow(ctx, waitingOutbox).Scan(&o.Rows, &o.Seconds)
	return o, classify("inspect outbox", err)
}
