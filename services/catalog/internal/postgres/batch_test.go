package postgres_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// However a stream of listings and observations is cut into transactions, it
// leaves the same plugins behind.
func TestBatchesAreAsOneByOne(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var stream []postgres.Event
	for n := range 60 {
		stream = append(stream, anyEvents(r, n)...)
	}
	alone, together := newStore(t), newStore(t)
	for _, e := range stream {
		if _, err := alone.Apply(t.Context(), []postgres.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	for rest := stream; len(rest) > 0; {
		n := once(rest[:min(len(rest), 1+r.IntN(30))])
		if _, err := together.Apply(t.Context(), rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	together.wantTrueIndex()
	if diff := cmp.Diff(alone.all(), together.all()); diff != "" {
		t.Errorf("one by one and together (-alone +together):\n%s", diff)
	}
}

// once gives how many events there are before a plugin comes a second time.
func once(events []postgres.Event) int {
	seen := map[plugpack.Key]bool{}
	for i, e := range events {
		if e.Observation == nil {
			continue
		}
		if seen[e.Observation.Key()] {
			return i
		}
		seen[e.Observation.Key()] = true
	}
	return len(events)
}

// anyEvents makes a scan of one of two repositories, at a time that may be past.
func anyEvents(r *rand.Rand, n int) (events []postgres.Event) {
	repo := []string{"acme/tools", "acme/other"}[r.IntN(2)]
	at := max(n-r.IntN(4), 0)
	var names []string
	renames := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		if r.IntN(5) > 0 {
			names = append(names, name)
		} else if r.IntN(2) > 0 {
			renames[name] = name + "2"
			names = append(names, name+"2")
		}
	}
	l := sample.Listing(repo, at, names...)
	l.Renames, l.Repository.Stars = renames, r.IntN(100)
	events = append(events, postgres.Event{Listing: &l})
	for _, name := range names {
		o := sample.Observation(repo, name, at)
		if r.IntN(2) > 0 {
			o.Facts.Digest, o.Facts.Commit = "", ""
		}
		events = append(events, postgres.Event{Observation: &o})
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
		ps[i].ID, ps[i].Marketplace.ID, ps[i].Revision = "", "", 0
	}
	return ps
}
