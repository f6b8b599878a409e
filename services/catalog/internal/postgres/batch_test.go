package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// However a stream of listings and observations is cut into transactions, it
// leaves the same plugins behind, at the same revisions, and each event has the
// same outcome. One that cannot be applied takes its batch along, and then they
// are applied one by one, as the intake does.
func TestBatchesAreAsOneByOne(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var stream []postgres.Event
	for n := range 90 {
		stream = append(stream, anyEvents(r, n)...)
	}
	alone, together := newStore(t), newStore(t)
	for _, f := range []fixture{alone, together} {
		if _, err := f.ApplyOptOut(t.Context(), plugpack.OptOut{Name: "secret/market", At: sample.At(-1)}); err != nil {
			t.Fatal(err)
		}
	}
	want := alone.applyEach(stream)
	var got []postgres.Outcome
	for len(got) < len(stream) {
		rest := stream[len(got):]
		part := rest[:min(len(rest), 1+r.IntN(60))]
		outcomes, err := together.Apply(t.Context(), part)
		if slices.ContainsFunc(part, isPoison) && errs.KindOf(err) == errs.Invalid {
			outcomes, err = together.applyEach(part), nil
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, outcomes...)
	}
	together.wantTrueIndex()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcomes one by one and together (-alone +together):\n%s", diff)
	}
	if diff := cmp.Diff(alone.all(), together.all()); diff != "" {
		t.Errorf("one by one and together (-alone +together):\n%s", diff)
	}
}

// Plans are kept from when the catalog was empty, and then a table is read from
// end to end as fast as by an index.
func TestAFillingCatalogIsNotReadFromEndToEnd(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	cfg := f.pool.Config()
	cfg.MaxConns = 1 // a connection counts what it read
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	store := postgres.New(pool, testkit.Log(t))
	for n := range 20 {
		name := fmt.Sprint("acme/r", n)
		l, o := sample.Listing(name, 0, "a"), sample.Observation(name, "a", 0)
		for _, e := range []postgres.Event{{Listing: &l}, {Observation: &o}} {
			if _, err := store.Apply(t.Context(), []postgres.Event{e}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := pool.Exec(t.Context(), `SELECT pg_stat_force_next_flush()`); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), `
		SELECT format('%s rows of %s', seq_tup_read, relname) FROM pg_stat_user_tables
		WHERE seq_tup_read > 0 AND relname IN ('plugins', 'plugin_facts', 'plugin_index', 'plugin_aliases', 'marketplaces', 'repositories')`)
	if err != nil {
		t.Fatal(err)
	}
	read, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(read) > 0 {
		t.Errorf("read from end to end: %q, %v", read, err)
	}
}

// applyEach applies the events one by one; those that cannot be have no outcome.
func (f fixture) applyEach(events []postgres.Event) (outcomes []postgres.Outcome) {
	f.t.Helper()
	for _, e := range events {
		applied, err := f.Apply(f.t.Context(), []postgres.Event{e})
		if isPoison(e) && errs.KindOf(err) == errs.Invalid {
			applied, err = []postgres.Outcome{""}, nil
		}
		if err != nil {
			f.t.Fatal(err)
		}
		outcomes = append(outcomes, applied...)
	}
	return outcomes
}

// The database takes no NUL byte.
const poison = "not\x00text"

func isPoison(e postgres.Event) bool {
	return e.Observation != nil && e.Observation.Facts.Description == poison
}

// anyEvents makes a scan of one of some repositories, at a time that may be
// past: with renames of plugins and of repositories, names that another
// repository had before, removals, what nobody may show, and what is broken.
func anyEvents(r *rand.Rand, n int) (events []postgres.Event) {
	repos := []string{"acme/tools", "acme/other", "acme/third", "secret/market"}
	repo := repos[r.IntN(len(repos))]
	at := max(n-r.IntN(4), 0)
	var names []string
	renames := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "a b", "a-b"} { // the last two would like the same slug
		if r.IntN(8) > 0 {
			names = append(names, name)
		} else if r.IntN(3) == 0 {
			renames[name] = name + "2"
			names = append(names, name+"2")
		}
	}
	l := sample.Listing(repo, at, names...)
	l.Renames, l.Repository.Stars = renames, r.IntN(100)
	if r.IntN(6) == 0 {
		l.Repository.HostID = sample.Listing(repos[r.IntN(3)], 0).Repository.HostID
	}
	events = append(events, postgres.Event{Listing: &l})
	for _, name := range names {
		o := sample.Observation(repo, name, at)
		if r.IntN(2) > 0 {
			o.Facts.Digest, o.Facts.Commit = "", ""
		}
		switch r.IntN(40) {
		case 0:
			o.Facts.Origin = "github.com/secret/market/plugins/" + name
		case 1:
			o.Facts.Description = poison
		}
		for range 1 + r.IntN(10)/9 {
			events = append(events, postgres.Event{Observation: &o})
		}
	}
	if r.IntN(10) == 0 { // plugins before their listing
		events = append(events[1:], events[0])
	}
	return events
}

// all gives what readers may see, without what is made up at the moment.
func (f fixture) all() (ps []plugpack.Plugin) {
	f.t.Helper()
	if err := f.EachPlugin(f.t.Context(), func(p plugpack.Plugin) error { ps = append(ps, p); return nil }); err != nil {
		f.t.Fatal(err)
	}
	slices.SortFunc(ps, func(a, b plugpack.Plugin) int { return strings.Compare(a.Slug, b.Slug) })
	for i := range ps {
		ps[i].ID, ps[i].Marketplace.ID = "", ""
	}
	return ps
}
