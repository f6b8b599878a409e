// Package migrations holds the database schema as goose SQL files and applies
// them. The catalog owns the schema; nobody else changes it.
//
// A migration goes forward only, and the code runs before and after each one:
// expand first, contract in a later release. No two have the same number: none
// would be applied. schema.sql shows the result for
// readers and a test keeps it true.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver that goose needs
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *_*.sql
var files embed.FS

// Up brings the database at url to the newest version. Any number of processes
// may call it at once: a session lock lets one work and the others wait.
func Up(ctx context.Context, url string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
