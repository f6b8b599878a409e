package migrations_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
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

// Texts from before they had a bound are cut, and nothing else is: between two
// letters, however many bytes they have.
func TestLongerTextsAreCut(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t, none)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 17); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, statement := range []string{
		`INSERT INTO marketplaces (id, key, state) VALUES (gen_random_uuid(), 'github.com/acme/tools', 'pending')`,
		`INSERT INTO plugins (id, marketplace_id, key, name, slug, revision, observed_at, stars, score, first_seen, updated_at)
			SELECT gen_random_uuid(), id, key || ':' || n, n, n, 1, now(), 0, -1, now(), now() FROM marketplaces, unnest(ARRAY['long', 'short']) n`,
		`INSERT INTO users (id, github_id, login, avatar, created_at) VALUES (gen_random_uuid(), 1, 'ann', '', now())`,
		`INSERT INTO packs (id, slug, name, description, difficulty, tags, minutes, curator, created_at, updated_at)
			SELECT gen_random_uuid(), slug, slug, '', 'beginner', '{}', 1, '', now(), now() FROM plugins`,
		`INSERT INTO pack_plugins (pack_id, plugin_id, phase, phase_order, plugin_order, description, commands_to_run)
			SELECT k.id, p.id, '', 0, 0, '', '{}' FROM packs k JOIN plugins p USING (slug)`,
		`INSERT INTO reviews (id, plugin_id, user_id, rating, title, body, pro_tip, gotcha, example_url, frameworks, team_size, digest, version, state, created_at, updated_at)
			SELECT gen_random_uuid(), p.id, u.id, 5, '', '', '', '', '', '{}', '', '', '', 'shown', now(), now() FROM plugins p, users u`,
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	columns := []struct {
		table, name, of string
		most            int
	}{
		{"packs", "tags", "slug = $1", 64},
		{"pack_plugins", "commands_to_run", "plugin_id = (SELECT id FROM plugins WHERE slug = $1)", 500},
		{"reviews", "frameworks", "plugin_id = (SELECT id FROM plugins WHERE slug = $1)", 64},
	}
	long := func(most int) (before, after []string) {
		for _, letter := range []string{"x", "ä", "字", "🐘"} {
			full := strings.Repeat(letter, most)
			before, after = append(before, full, full+letter, "y"+full), append(after, full, full, "y"+strings.TrimSuffix(full, letter))
		}
		return before, after
	}
	for _, c := range columns {
		before, after := long(c.most)
		for slug, texts := range map[string][]string{"long": before, "short": after} {
			if _, err := conn.Exec(t.Context(), fmt.Sprintf(`UPDATE %s SET %s = $2 WHERE %s`, c.table, c.name, c.of), slug, texts); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := p.UpTo(t.Context(), 18); err != nil {
		t.Fatal(err)
	}
	for _, c := range columns {
		_, after := long(c.most)
		for _, slug := range []string{"long", "short"} {
			got := lines(t, conn, fmt.Sprintf(`SELECT unnest(%s) FROM %s WHERE %s`, c.name, c.table, c.of), slug)
			if diff := cmp.Diff(after, got); diff != "" {
				t.Errorf("%s.%s of the %s one (-want +got):\n%s", c.table, c.name, slug, diff)
			}
		}
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
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
