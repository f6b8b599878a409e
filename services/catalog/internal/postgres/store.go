// Package postgres is the catalog's store, and the only code that writes the
// database.
//
// What a scan may overwrite is in plugin_facts; a plugin's identity, revision
// and place in lists are in plugins, so a scan cannot touch anything else. Each
// change of what a reader may see raises the plugin's revision and puts its
// whole new state into the outbox, in the same transaction. Nothing here talks
// to the network while a transaction is open.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Store reads and writes the catalog.
type Store struct {
	pool   *pgxpool.Pool
	log    *slog.Logger
	listed listed
}

// New makes a store on an open pool.
func New(pool *pgxpool.Pool, log *slog.Logger) *Store {
	return &Store{pool: pool, log: log, listed: newListed()}
}

// Open opens a pool on the database at url. JIT costs more than it gives on
// queries this short.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errs.New(errs.Invalid, "DATABASE_URL: want an address such as postgres://user:password@host/database")
	}
	cfg.ConnConfig.RuntimeParams["jit"] = "off"
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC" // days are the same for every process
	cfg.MaxConns = max(cfg.MaxConns, 12)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "open the database: %w", err)
	}
	return pool, nil
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return classify("ping", s.pool.Ping(ctx)) }

// writing has plans use the indexes: one that is made while the catalog is empty
// is kept while it fills.
const writing = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_seqscan = off`

// tx runs f in a read-committed transaction. Writers of one marketplace are
// kept apart by lock, and those of one plugin by its row, which is what makes
// that level enough. Two who write several rows may meet halfway, and then the
// database breaks one of them off; that one is tried again, so f may run more
// than once.
func (s *Store) tx(ctx context.Context, what string, f func(tx pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: writing}, f)
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "40P01" || attempt == 5 { // deadlock
			return classify(what, err)
		}
	}
}

const (
	lockMarketplaces = `
		SELECT pg_advisory_xact_lock(hashtextextended('marketplace:' || key, 0))
		FROM pg_advisory_xact_lock_shared(hashtextextended('opt-outs', 0)), unnest($1::text[]) key`
	lockOptOuts = `SELECT pg_advisory_xact_lock(hashtextextended('opt-outs', 0))`
)

// lock holds back other writers of the marketplaces until the transaction ends,
// and new opt-outs, which may be about any of them.
func lock(ctx context.Context, tx pgx.Tx, keys ...plugpack.MarketplaceKey) error {
	_, err := tx.Exec(ctx, lockMarketplaces, keys)
	return err
}

// classify gives a database error its kind: bad data is Invalid and stays so,
// a database that is away or busy is Unavailable, the rest is a bug.
func classify(what string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch class := pg.Code[:2]; {
		case class == "22": // data exception, such as a NUL byte in a text
			return errs.New(errs.Invalid, "%s: %w", what, err)
		case class == "23" && pg.Code == "23514": // a check of the schema
			return errs.New(errs.Invalid, "%s: %w", what, err)
		case strings.Contains("08 25 40 53 55 57", class): // connection, read-only, rollback, resources, locks, shutdown
			return errs.New(errs.Unavailable, "%s: %w", what, err)
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	if pgconn.SafeToRetry(err) || errors.Is(err, context.Canceled) || connectionLost(err) {
		return errs.New(errs.Unavailable, "%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func connectionLost(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err) // timeouts too
	return connecting || network || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, pgconn.ErrConnClosed) || strings.Contains(err.Error(), "closed pool")
}
