package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// overlap is two writers who meet: whatever one does in its transaction, the
// other begins at each moment of it in turn.
type overlap struct {
	name string
	// prepare makes what both write about, in repositories that no other round
	// has, and gives the two and what has to hold when they have ended. It is
	// told their errors in the order in which it gave them.
	prepare func(r *round) (one, other writer, then check)
	apart   bool // neither has to wait for the other
	crossed bool // at some moment each waits for the other, until the database breaks one off
}

type (
	writer func(*postgres.Store) error
	check  func(one, other error)
)

// round is one meeting of two writers.
type round struct {
	fixture
	repo string // of its own, as in acme/r7
	// said is what the two announced, by the plugins' and packs' ids.
	said map[string][]snapshot
}

// meetings runs an overlap's rounds on one database.
type meetings struct {
	fixture
	early, late side
	rounds      int
	last        map[string]snapshot // what was announced last of each plugin and pack
}

// side is a store with connections of its own, which can be stopped.
type side struct {
	*postgres.Store
	stops *stops
}

func (o overlap) run(t *testing.T) {
	f := newStore(t)
	m := &meetings{fixture: f, early: f.side("early"), late: f.side("late"), last: map[string]snapshot{}}
	for _, swapped := range []bool{false, true} {
		waits, moments := 0, 0
		for reached := true; reached; {
			moments++
			var waited bool
			reached, waited = m.meet(o, moments, swapped)
			if waited {
				waits++
			}
			if t.Failed() {
				t.Fatalf("the other one began before statement %d of the transaction; swapped: %v", moments, swapped)
			}
		}
		if o.apart == (waits > 0) {
			t.Errorf("of %d moments the other one had to wait at %d; swapped: %v", moments, waits, swapped)
		}
		t.Logf("%d moments, had to wait at %d; swapped: %v", moments, waits, swapped)
	}
	if n := m.early.stops.deadlocks.Load() + m.late.stops.deadlocks.Load(); o.crossed != (n > 0) {
		t.Errorf("%d deadlocks", n)
	}
}

// meet runs the early writer up to its nth statement, then the late one until it
// has ended or waits for the early one, and then both to their ends. It says
// whether the early one has so many statements, and whether the late one waited.
func (m *meetings) meet(o overlap, n int, swapped bool) (reached, waited bool) {
	m.t.Helper()
	m.rounds++
	r := &round{fixture: m.fixture, repo: fmt.Sprintf("acme/r%d", m.rounds)}
	one, other, then := o.prepare(r)
	m.announced()
	early, late := one, other
	if swapped {
		early, late = other, one
	}

	stop := newStop(n)
	m.early.stops.next.Store(stop)
	first := running(early, m.early)
	select {
	case <-stop.reached:
		reached = true
	case err := <-first: // it has fewer statements
		first <- err
	}
	second := running(late, m.late)
	if reached {
		waited = m.waitsOrEnds(second)
		close(stop.goOn)
	}
	failed := [2]error{<-first, <-second}
	if swapped {
		failed[0], failed[1] = failed[1], failed[0]
	}
	r.said = m.announced()
	m.wantTrueIndex()
	then(failed[0], failed[1])
	return reached, waited
}

func running(w writer, s side) chan error {
	done := make(chan error, 1)
	go func() { done <- w(s.Store) }()
	return done
}

const lateWaitsForEarly = `
	SELECT EXISTS (
		SELECT FROM pg_stat_activity late, pg_stat_activity early
		WHERE late.application_name = 'late' AND early.application_name = 'early' AND late.datname = current_database()
			AND early.pid = ANY (pg_blocking_pids(late.pid)))`

// waitsOrEnds returns when the late writer waits for a lock of the early one, or
// has ended.
func (m *meetings) waitsOrEnds(ended chan error) (waits bool) {
	m.t.Helper()
	testkit.Eventually(m.t, "the second writer to end or to wait for the first", func(ctx context.Context) bool {
		if len(ended) > 0 {
			return true
		}
		if err := m.pool.QueryRow(ctx, lateWaitsForEarly).Scan(&waits); err != nil {
			m.t.Fatal(err)
		}
		return waits
	})
	return waits
}

// snapshot is what was announced of a plugin or a pack.
type snapshot struct {
	Revision int64
	State    string
}

// announced empties the outbox and gives what was in it. It fails unless
// revisions grew, and what was said last of everything is how it is.
func (m *meetings) announced() map[string][]snapshot {
	m.t.Helper()
	said := m.takeOutbox()
	for id, all := range said {
		for _, s := range all {
			if s.Revision <= m.last[id].Revision {
				m.t.Errorf("revision %d was announced after %d", s.Revision, m.last[id].Revision)
			}
			m.last[id] = s
		}
		if diff := cmp.Diff(m.stateOf(id), m.last[id].State); diff != "" {
			m.t.Errorf("what was announced last is not how it is (-there +announced):\n%s", diff)
		}
	}
	for id, s := range m.snapshots(`SELECT id::text, revision, '' FROM plugins UNION ALL SELECT id::text, revision, '' FROM packs`) {
		if s[0].Revision != m.last[id].Revision {
			m.t.Errorf("it is at revision %d; announced is %d", s[0].Revision, m.last[id].Revision)
		}
	}
	return said
}

func (m *meetings) stateOf(id string) string {
	m.t.Helper()
	var state any
	state, err := m.PluginByID(m.t.Context(), id)
	if err != nil {
		state, err = m.PackByID(m.t.Context(), id)
	}
	if last := m.last[id].State; errs.KindOf(err) == errs.NotFound && strings.Contains(last, `"removed":true`) {
		return last // as a removed pack is
	}
	if err != nil {
		m.t.Fatal(err)
	}
	b, err := json.Marshal(state)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b)
}

func (m *meetings) takeOutbox() map[string][]snapshot {
	m.t.Helper()
	return m.snapshots(`
		WITH taken AS (DELETE FROM outbox WHERE subject LIKE 'catalog.changed.%' RETURNING seq, subject, convert_from(data, 'UTF8')::json -> 'data' AS data)
		SELECT split_part(subject, '.', 4), (data ->> 'revision')::bigint, data::text FROM taken ORDER BY seq`)
}

func (m *meetings) snapshots(query string) map[string][]snapshot {
	m.t.Helper()
	rows, err := m.pool.Query(m.t.Context(), query)
	if err != nil {
		m.t.Fatal(err)
	}
	all := map[string][]snapshot{}
	var (
		id string
		s  snapshot
	)
	if _, err := pgx.ForEachRow(rows, []any{&id, &s.Revision, &s.State}, func() error { all[id] = append(all[id], s); return nil }); err != nil {
		m.t.Fatal(err)
	}
	return all
}

// side makes a store whose connections the database knows by the name.
func (f fixture) side(name string) side {
	f.t.Helper()
	cfg := f.pool.Config()
	s := &stops{}
	cfg.ConnConfig.Tracer = s
	cfg.ConnConfig.RuntimeParams["application_name"] = name
	pool, err := pgxpool.NewWithConfig(f.t.Context(), cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(pool.Close)
	return side{postgres.New(pool, testkit.Log(f.t)), s}
}

// stops is a tracer that stops before the nth statement.
type stops struct {
	next      atomic.Pointer[stop]
	deadlocks atomic.Int32
}

type stop struct {
	left          atomic.Int32
	reached, goOn chan struct{}
}

func newStop(n int) *stop {
	s := &stop{reached: make(chan struct{}), goOn: make(chan struct{})}
	s.left.Store(int32(n))
	return s
}

func (s *stops) before(ctx context.Context) context.Context {
	if stop := s.next.Load(); stop != nil && stop.left.Add(-1) == 0 {
		close(stop.reached)
		select {
		case <-stop.goOn:
		case <-ctx.Done():
		}
	}
	return ctx
}

func (s *stops) after(err error) {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "40P01" {
		s.deadlocks.Add(1)
	}
}

func (s *stops) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return s.before(ctx)
}

func (s *stops) TraceQueryEnd(_ context.Context, _ *pgx.Conn, d pgx.TraceQueryEndData) {
	s.after(d.Err)
}

func (s *stops) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return s.before(ctx)
}

func (s *stops) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (s *stops) TraceBatchEnd(_ context.Context, _ *pgx.Conn, d pgx.TraceBatchEndData) {
	s.after(d.Err)
}

// The rounds' own nouns.

func (r *round) slug(plugin string) string {
	return strings.ReplaceAll(r.repo, "/", "-") + "-" + plugin
}

func (r *round) listing(n int, names ...string) plugpack.Listing {
	return sample.Listing(r.repo, n, names...)
}

func (r *round) observation(name string, n int) plugpack.Observation {
	o := sample.Observation(r.repo, name, n)
	o.Facts.Description = fmt.Sprintf("%s at %d", name, n)
	return o
}

// apply brings the events to the store in one transaction.
func apply(s *postgres.Store, t *testing.T, all ...any) error {
	es := make([]postgres.Event, len(all))
	for i, e := range all {
		switch e := e.(type) {
		case plugpack.Listing:
			es[i].Listing = &e
		case plugpack.Observation:
			es[i].Observation = &e
		}
	}
	_, err := s.Apply(t.Context(), es)
	return err
}

// plugins lists the plugins and sees each, and gives the first one's id.
func (r *round) plugins(names ...string) string {
	r.t.Helper()
	all := []any{r.listing(0, names...)}
	for _, n := range names {
		all = append(all, r.observation(n, 0))
	}
	r.ok(apply(r.Store, r.t, all...))
	return r.bySlug(r.slug(names[0])).ID
}

func (r *round) draft(plugins ...string) plugpack.PackDraft {
	d := draft(strings.ReplaceAll(r.repo, "/", "-"), plugins...)
	for i, p := range plugins {
		d.Plugins[i].Slug = r.slug(p)
	}
	return d
}

func (r *round) ok(failed ...error) {
	r.t.Helper()
	if err := errors.Join(failed...); err != nil {
		r.t.Fatal(err)
	}
}
