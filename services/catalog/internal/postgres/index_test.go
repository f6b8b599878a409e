package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// indexFaults counts what is wrong with the derived tables; each count is 0
// after any committed change.
var indexFaults = map[string]string{
	"shown plugins without a row": `
		SELECT count(*) FROM plugins p WHERE removed_at IS NULL AND NOT hidden AND NOT EXISTS (SELECT FROM plugin_index i WHERE i.plugin_id = p.id)`,
	"rows of removed or hidden plugins": `
		SELECT count(*) FROM plugin_index i JOIN plugins p ON p.id = i.plugin_id WHERE p.removed_at IS NOT NULL OR p.hidden`,
	"copies that differ": `
		SELECT count(*) FROM plugin_index i JOIN plugins p ON p.id = i.plugin_id JOIN marketplaces m ON m.id = p.marketplace_id
			LEFT JOIN repositories r ON r.id = m.repository_id
		WHERE (i.name, i.marketplace, i.stars, i.score, i.maintenance, i.featured, i.updated_at)
			<> (lower(p.name), m.key, p.stars, p.score, coalesce(r.maintenance, 'unknown'), p.featured, p.updated_at)`,
	"twins without exactly one principal": `
		SELECT count(*) FROM (SELECT twin FROM plugin_index GROUP BY twin HAVING count(*) FILTER (WHERE principal) <> 1) x`,
	"rows on the wrong side of a floor": `
		SELECT count(*) FROM plugin_index i WHERE i.tier <> (SELECT count(*) FROM tier_floors f WHERE (i.weight, i.plugin_id) < (f.weight, f.plugin_id))`,
	"facets that are not what is counted": `
		SELECT count(*) FROM (
			SELECT 'all' AS kind, '' AS key, count(*) AS n FROM plugin_index
			UNION ALL SELECT 'category', category, count(*) FROM plugin_index GROUP BY category
			UNION ALL SELECT 'owner', owner, count(*) FROM plugin_index GROUP BY owner
			UNION ALL SELECT 'marketplace', marketplace, count(*) FROM plugin_index GROUP BY marketplace
			UNION ALL SELECT 'maintenance', maintenance, count(*) FROM plugin_index GROUP BY maintenance
			UNION ALL SELECT 'has', k, count(*) FROM plugin_index, jsonb_object_keys(counts) k GROUP BY k
		) c FULL JOIN (SELECT * FROM facet_counts WHERE n <> 0 AND kind IN ('all', 'category', 'owner', 'marketplace', 'maintenance', 'has')) f
			USING (kind, key)
		WHERE coalesce(c.n, 0) <> coalesce(f.n, 0)`,
}

func (f fixture) wantTrueIndex() {
	f.t.Helper()
	for what, query := range indexFaults {
		var n int
		if err := f.pool.QueryRow(context.WithoutCancel(f.t.Context()), query).Scan(&n); err != nil || n > 0 {
			f.t.Errorf("%d %s, %v", n, what, err)
		}
	}
	if diff := f.keptDiff(); diff != "" {
		f.t.Errorf("what is kept for lists is not what the database has (-database +kept):\n%s", diff)
	}
}

// keptDiff tells how this store, which keeps what it listed before, lists
// otherwise than one that has to read everything.
func (f fixture) keptDiff() string {
	ctx, page := context.WithoutCancel(f.t.Context()), postgres.Page{Limit: 100}
	want, err := postgres.New(f.pool, testkit.Log(f.t)).Plugins(ctx, postgres.Filter{}, page)
	if err != nil {
		return err.Error()
	}
	got, err := f.Plugins(ctx, postgres.Filter{}, page)
	if err != nil {
		return err.Error()
	}
	return cmp.Diff(want, got)
}

func TestIndexFollowsEveryChange(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	f.list(0, postgres.Applied, nil, "a", "b", "c")
	for i, name := range []string{"a", "b", "c"} {
		f.see(name, i, postgres.Applied, nil)
	}
	twin := sample.Observation("mirror/market", "a", 0)
	twin.Facts.Origin = "github.com/acme/tools/plugins/a"
	if _, err := f.ApplyObservation(t.Context(), twin); err != nil {
		t.Fatal(err)
	}
	f.wantTrueIndex()
	f.see("b", 5, postgres.Applied, func(o *plugpack.Observation) { o.Facts.Category, o.Facts.Origin = "other", twin.Facts.Origin })
	f.wantTrueIndex()
	f.list(6, postgres.Applied, func(l *plugpack.Listing) { l.Renames = map[string]string{"a": "d"} }, "b", "c", "d")
	f.wantTrueIndex()
	f.list(7, postgres.Applied, func(l *plugpack.Listing) { l.Repository.Stars = 500 }, "b", "c", "d")
	f.wantTrueIndex()
	for _, c := range []postgres.CurationChange{
		{Featured: new(true), Verified: new(true)}, {Hidden: new("spam")}, {Hidden: new("")},
	} {
		if _, err := f.Curate(t.Context(), "", f.bySlug("acme-tools-c").ID, c, sample.At(7)); err != nil {
			t.Fatal(err)
		}
		f.wantTrueIndex()
	}
	f.listAs("acme/renamed", 8, repo, postgres.Applied, "b", "c", "d")
	f.wantTrueIndex()
	if n, err := f.CountPlugins(t.Context(), postgres.Filter{}); err != nil || n != 4 {
		t.Fatalf("%d plugins, %v", n, err)
	}
}

func TestReindexWritesAnOlderVersionAnew(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	f.list(0, postgres.Applied, nil, "a", "b")
	f.see("a", 0, postgres.Applied, nil)
	f.see("b", 0, postgres.Applied, nil)
	if err := f.Reindex(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{`DELETE FROM plugin_index`, `DELETE FROM facet_counts`, `UPDATE derived SET version = 0`} {
		if _, err := f.pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Reindex(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantTrueIndex()
	f.wantLive("a", "b")
}

func TestMaintenanceInTheIndexIsTheNouns(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	now := time.Now().UTC().Truncate(time.Second)
	const day = 24 * time.Hour
	pushed := map[string]time.Time{
		"acme/never": {}, "acme/ahead": now.Add(day), "acme/new": now, "acme/m13": now.Add(-14*day + time.Minute), "acme/m14": now.Add(-14 * day),
		"acme/m90": now.Add(-90*day + time.Minute), "acme/s90": now.Add(-90 * day), "acme/s365": now.Add(-365*day + time.Minute), "acme/old": now.Add(-365 * day),
	}
	want := map[string]plugpack.Maintenance{}
	for name, at := range pushed {
		for _, archived := range []bool{false, true} {
			name := fmt.Sprint(name, archived)
			l := sample.Listing(name, 0, "p")
			l.Repository.PushedAt, l.Repository.Archived = at, archived
			if _, err := f.ApplyListing(t.Context(), l); err != nil {
				t.Fatal(err)
			}
			if _, err := f.ApplyObservation(t.Context(), sample.Observation(name, "p", 0)); err != nil {
				t.Fatal(err)
			}
			want[string(l.Key)] = l.Repository.MaintenanceAt(now)
		}
	}
	f.wantTrueIndex()
	if err := f.Age(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	got := map[string]plugpack.Maintenance{}
	for _, m := range []plugpack.Maintenance{
		plugpack.Active, plugpack.Maintained, plugpack.Slow, plugpack.Stale, plugpack.Archived, plugpack.MaintenanceUnknown,
	} {
		l, err := f.Plugins(t.Context(), postgres.Filter{Maintenance: m}, postgres.Page{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range l.Plugins {
			got[string(p.Marketplace.Key)] = m
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("maintenance (-want +got):\n%s", diff)
	}
	f.wantTrueIndex()
}

// Of two repositories that won as many stars in a week, the smaller one is
// trending more; a week later neither is.
func TestTrending(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	now := time.Now()
	list := func(name string, at time.Time, stars int) {
		l := sample.Listing(name, 0, "p")
		l.ObservedAt, l.Repository.Stars = at, stars
		if _, err := f.ApplyListing(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		o := sample.Observation(name, "p", 0)
		o.ObservedAt = at
		if _, err := f.ApplyObservation(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for name, stars := range map[string][2]int{"acme/small": {5, 105}, "acme/large": {5000, 5100}, "acme/same": {9000, 9000}} {
		list(name, now.AddDate(0, 0, -6), stars[0])
		list(name, now, stars[1])
	}
	if err := f.Age(t.Context(), now); err != nil { // the large one did not move by a step
		t.Fatal(err)
	}
	order := func() (keys []plugpack.MarketplaceKey) {
		l, err := f.Plugins(t.Context(), postgres.Filter{}, postgres.Page{Sort: postgres.SortTrending, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range l.Plugins {
			keys = append(keys, p.Marketplace.Key)
		}
		return keys
	}
	if got := order(); !slices.Equal(got, []plugpack.MarketplaceKey{"github.com/acme/small", "github.com/acme/large", "github.com/acme/same"}) {
		t.Fatalf("trending: %v", got)
	}
	if err := f.Age(t.Context(), now.AddDate(0, 0, 9)); err != nil {
		t.Fatal(err)
	}
	if got := order(); got[0] != "github.com/acme/same" {
		t.Fatalf("trending nine days later: %v", got)
	}
}

func TestListingsAndRelated(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	f.list(0, postgres.Applied, nil, "postgres-backup", "postgres-tuning", "lint")
	for _, name := range []string{"postgres-backup", "postgres-tuning", "lint"} {
		f.see(name, 0, postgres.Applied, func(o *plugpack.Observation) { o.Facts.Keywords = []string{name} })
	}
	twin := sample.Observation("mirror/market", "postgres-backup", 0)
	twin.Facts.Origin = "github.com/acme/tools/plugins/postgres-backup"
	far := sample.Observation("other/market", "postgres-vacuum", 0)
	far.Facts.Category = "database"
	away := sample.Observation("other/market", "poetry", 0)
	away.Facts.Category, away.Facts.Keywords = "writing", nil
	for _, o := range []plugpack.Observation{twin, far, away} {
		if _, err := f.ApplyObservation(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	names := func(ps []plugpack.Plugin, err error) (names []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			names = append(names, string(p.Marketplace.Key.Owner())+"/"+p.Name)
		}
		return names
	}
	own := f.bySlug("acme-tools-postgres-backup")
	if got := names(f.Listings(t.Context(), own.ID)); !slices.Equal(got, []string{"mirror/postgres-backup"}) {
		t.Errorf("listings: %v", got)
	}
	related := func(limit int) (got []string) {
		t.Helper()
		found, err := f.Related(t.Context(), own.ID, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			got = append(got, fmt.Sprintf("%s/%s in %d packs, neighbour %v", r.Plugin.Marketplace.Key.Owner(), r.Plugin.Name, r.Packs, r.Neighbour))
		}
		return got
	}
	near := []string{"acme/postgres-tuning in 0 packs, neighbour true", "other/postgres-vacuum in 0 packs, neighbour false", "acme/lint in 0 packs, neighbour true"}
	if diff := cmp.Diff(near, related(6)); diff != "" {
		t.Errorf("related: %s", diff)
	}
	if got := related(1); len(got) != 1 {
		t.Errorf("one related: %v", got)
	}
	// What curators put together comes first, though its words are others.
	for _, slug := range []string{"one", "two"} {
		d := draft(slug, "postgres-backup", "lint")
		if slug == "two" {
			d.Plugins = append(d.Plugins, plugpack.DraftPlugin{Slug: "other-market-poetry", Phase: "Ship"})
		}
		f.pack(d)
	}
	packed := []string{"acme/lint in 2 packs, neighbour true", "other/poetry in 1 packs, neighbour false"}
	if diff := cmp.Diff(packed, related(6)[:2]); diff != "" {
		t.Errorf("with packs: %s", diff)
	}
}
