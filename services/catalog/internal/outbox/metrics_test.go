package outbox_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog/internal/outbox"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestMetrics(t *testing.T) {
	t.Parallel()
	db, err := pgxpool.New(t.Context(), testkit.Postgres(t, migrations.Up))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	read := func(m outbox.Metrics) map[string]int {
		t.Helper()
		registry := prometheus.NewRegistry()
		registry.MustRegister(m)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]int{}
		for _, f := range families {
			values[f.GetName()] = int(f.GetMetric()[0].GetGauge().GetValue())
		}
		return values
	}
	m := outbox.Metrics{Waiting: postgres.New(db, testkit.Log(t)).Waiting}
	if got, want := read(m), map[string]int{"plugpack_outbox_rows": 0, "plugpack_outbox_oldest_seconds": 0}; !maps.Equal(got, want) {
		t.Errorf("nothing waits: %v, want %v", got, want)
	}
	_, err = db.Exec(t.Context(), `INSERT INTO outbox (id, subject, data, created_at)
		SELECT gen_random_uuid(), 'catalog.changed.plugin.x', '{}', now() - interval '1 hour' * n FROM generate_series(1, 2) n`)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(m); got["plugpack_outbox_rows"] != 2 || got["plugpack_outbox_oldest_seconds"]/60 != 120 {
		t.Errorf("two wait, one for two hours: %v", got)
	}
	away := outbox.Metrics{Waiting: func(context.Context) (events.Outbox, error) { return events.Outbox{}, errors.New("away") }}
	if got := read(away); len(got) != 0 {
		t.Errorf("the database is away: %v", got)
	}
}
