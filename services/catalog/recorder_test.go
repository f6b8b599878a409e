package catalog_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog"
)

// loaded is a catalog of made-up plugins that answers and takes no events.
type loaded struct {
	db      *pgxpool.Pool
	handler http.Handler
	asked   *recorder
}

// load makes a catalog of n plugins. Its handler is not a server: what it asks
// the database can be told apart by request.
func load(t testing.TB, n int) loaded {
	t.Helper()
	db, err := catalog.OpenDB(t.Context(), testkit.Postgres(t, migrations.Up))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := catalog.LoadTestData(t.Context(), db, testkit.Log(t), n, func(done int) { t.Log(done, "plugins") }); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{`VACUUM ANALYZE`, `TRUNCATE outbox`} {
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return serve(t, db)
}

// serve answers from db.
func serve(t testing.TB, db *pgxpool.Pool) (l loaded) {
	t.Helper()
	l.asked = &recorder{}
	cfg := db.Config()
	cfg.ConnConfig.Tracer = l.asked
	var err error
	if l.db, err = pgxpool.NewWithConfig(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.db.Close)
	l.handler = catalog.New(catalog.Options{}, catalog.Deps{DB: l.db, Bus: testkit.BusOn(t, testkit.NATS(t)), Log: testkit.Log(t)}).Handler()
	return l
}

func (l loaded) get(t testing.TB, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w
}

// statements gives what a request for path asks the database.
func (l loaded) statements(t testing.TB, path string) []pgx.TraceQueryStartData {
	t.Helper()
	l.asked.start()
	defer l.asked.stop()
	l.get(t, path)
	return l.asked.statements
}

// recorder notes statements while it is on.
type recorder struct {
	mu         sync.Mutex
	on         bool
	statements []pgx.TraceQueryStartData
}

func (r *recorder) start() { r.mu.Lock(); r.on, r.statements = true, nil; r.mu.Unlock() }
func (r *recorder) stop()  { r.mu.Lock(); r.on = false; r.mu.Unlock() }

func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on {
		r.statements = append(r.statements, data)
	}
	return ctx
}

func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
