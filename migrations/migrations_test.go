package migrations_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/migrations"
)

var update = flag.Bool("update", false, "rewrite schema.sql")

func TestMain(m *testing.M) { testkit.Main(m) }

func none(context.Context, string) error { return nil }

// Catalogs that start together must all come up.
func TestUpTogether(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t, none)
	var g errgroup.Group
	for range 4 {
		g.Go(func() error { return migrations.Up(context.WithoutCancel(t.Context()), url) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), url); err != nil {
		t.Fatalf("a second start: %v", err)
	}
}

// schema.sql is what a reader opens instead of adding up migrations.
func TestSchemaDump(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t, none)
	if err := migrations.Up(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	got := dump(t, conn)
	if *update {
		if err := os.WriteFile("schema.sql", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Fatalf("schema.sql is out of date, run make schema:\n%s", diff)
	}
}

// dump writes every table as the catalog tables describe it. pg_dump's text
// differs from one version to the next, which this does not.
func dump(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("-- The schema after all migrations, for readers. Written by make schema.\n")
	for _, table := range lines(t, conn, `
		SELECT relname FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'goose_db_version' ORDER BY relname`) {
		parts := lines(t, conn, `
			SELECT format('%I %s', attname, format_type(atttypid, atttypmod))
				|| CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
				|| CASE attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
				|| coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
			FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
			WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)
		parts = append(parts, lines(t, conn, `
			SELECT format('CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
			FROM pg_constraint WHERE conrelid = $1::regclass AND contype <> 'n' ORDER BY contype DESC, conname`, table)...)
		fmt.Fprintf(&b, "\nCREATE TABLE %s (\n    %s\n);\n", table, strings.Join(parts, ",\n    "))
		for _, index := range lines(t, conn, `
			SELECT indexdef FROM pg_indexes
			WHERE schemaname = 'public' AND tablename = $1
				AND indexname NOT IN (SELECT conname FROM pg_constraint) ORDER BY indexname`, table) {
			b.WriteString(index + ";\n")
		}
	}
	return b.String()
}

func lines(t *testing.T, conn *pgx.Conn, query string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}
