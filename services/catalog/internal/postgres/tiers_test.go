package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/loadtest"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Tiers make a search faster; what it finds does not depend on them.
func TestSearchIsTheSameWhereverTheFloorsAre(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	world := loadtest.New(1200, time.Now())
	if err := loadtest.Load(t.Context(), world, f.Store, func(int) {}); err != nil {
		t.Fatal(err)
	}
	questions := []string{world.Word(0), world.Word(3), world.Word(60), world.Word(900), world.Word(0) + " " + world.Word(20), world.Word(30)[:3]}
	letters := []string{world.Word(0)[:2], world.Word(1)[:3], world.Word(40)[:3], world.Word(700)[:4], world.Word(0)[:2] + " " + world.Word(1)[:2]}
	all, names := f.searched(questions), f.suggested(letters)
	if common := all[questions[0]]; len(common.Pages) < 4 || common.Total != postgres.MaxTotal {
		t.Fatalf("a common word: %d pages, %d matches", len(common.Pages), common.Total)
	}
	for _, want := range [][2]int{{900, 300}, {450, 300}, {30, 600}, {30, 30}, {50, 200}} {
		for tier, want := range want {
			if err := f.MoveFloor(t.Context(), tier, want); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, [2]int{f.inTier(0), f.inTier(1)}); diff != "" {
			t.Fatalf("plugins in the tiers (-want +got):\n%s", diff)
		}
		f.wantTrueIndex()
		if diff := cmp.Diff(all, f.searched(questions)); diff != "" {
			t.Errorf("with %d plugins in the tiers (-want +got):\n%s", want, diff)
		}
		if diff := cmp.Diff(names, f.suggested(letters)); diff != "" {
			t.Errorf("with %d plugins in the tiers, suggestions (-want +got):\n%s", want, diff)
		}
	}
}

// suggested asks for names that begin with each of the texts.
func (f fixture) suggested(texts []string) map[string][]string {
	f.t.Helper()
	all := map[string][]string{}
	for _, text := range texts {
		names, err := f.Suggest(f.t.Context(), text, 10)
		if err != nil || len(names) == 0 {
			f.t.Fatalf("names that begin with %q: %v, %v", text, names, err)
		}
		all[text] = names
	}
	return all
}

func (f fixture) inTier(tier int) (n int) {
	f.t.Helper()
	if err := f.pool.QueryRow(f.t.Context(), `SELECT count(*) FROM plugin_index WHERE tier = $1`, tier).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

type searched struct {
	Total  int
	Facets postgres.Facets
	Pages  [][]string
}

// searched asks for the first pages of each search.
func (f fixture) searched(questions []string) map[string]searched {
	f.t.Helper()
	all := map[string]searched{}
	for _, q := range questions {
		var s searched
		page := postgres.SearchPage{Limit: 100}
		for len(s.Pages) < 6 {
			found, err := f.Search(f.t.Context(), q, postgres.Filter{}, page)
			if err != nil {
				f.t.Fatal(err)
			}
			var ids []string
			for _, p := range found.Plugins {
				ids = append(ids, p.ID)
			}
			s.Total, s.Facets, s.Pages = found.Total, found.Facets, append(s.Pages, ids)
			if page.After = found.Next; page.After == nil {
				break
			}
		}
		all[q] = s
	}
	return all
}

func TestRefreshTiers(t *testing.T) {
	t.Parallel()
	f := packStore(t, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
	refreshed := func(most int, want [3]int) {
		t.Helper()
		s, stop := f.side("upkeep"), newStop(most+1)
		close(stop.goOn)
		s.stops.next.Store(stop)
		if err := s.RefreshTiers(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-stop.reached:
			t.Errorf("it took more than %d statements", most)
		default:
		}
		if diff := cmp.Diff(want, [3]int{f.inTier(0), f.inTier(1), f.inTier(2)}); diff != "" {
			t.Errorf("plugins in the tiers (-want +got):\n%s", diff)
		}
		f.wantTrueIndex()
	}
	const looks = 3 // at the catalog's size and at the two that have a floor
	refreshed(looks, [3]int{10, 0, 0})
	move := func(tier, want int) {
		t.Helper()
		if err := f.MoveFloor(t.Context(), tier, want); err != nil {
			t.Fatal(err)
		}
	}
	move(0, 8)
	refreshed(looks, [3]int{8, 2, 0})
	move(0, 2)
	refreshed(50, [3]int{10, 0, 0})
	move(0, 6)
	move(1, 1)
	refreshed(50, [3]int{6, 4, 0})

	// Each is there 281 times now.
	for _, statement := range []string{
		`INSERT INTO plugins SELECT (jsonb_populate_record(p, jsonb_build_object(
			'id', md5(p.id::text || n), 'key', p.key || n, 'slug', p.slug || n, 'name', p.name || n))).*
			FROM plugins p, generate_series(1, 280) n`,
		`INSERT INTO plugin_index SELECT (jsonb_populate_record(i, jsonb_build_object(
			'plugin_id', md5(i.plugin_id::text || n), 'twin', i.twin || n, 'name', i.name || n, 'tier', 0))).*
			FROM plugin_index i, generate_series(1, 280) n`,
		`UPDATE facet_counts SET n = n * 281`,
		`UPDATE tier_floors SET weight = 0`,
		`UPDATE plugin_index SET tier = 0`,
	} {
		if _, err := f.pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	refreshed(50, [3]int{2000, 810, 0})
	refreshed(looks, [3]int{2000, 810, 0})
}

func TestAPluginThatWinsOrLosesWeightCrossesAFloor(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	stars := func(n int) func(*plugpack.Listing) { return func(l *plugpack.Listing) { l.Repository.Stars = n } }
	f.list(0, postgres.Applied, stars(1), "a", "b", "c")
	for _, name := range []string{"a", "b", "c"} {
		f.see(name, 0, postgres.Applied, nil)
	}
	if err := f.MoveFloor(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ stars, first int }{{1, 1}, {5000, 3}, {0, 0}, {1, 1}} {
		f.list(i+1, postgres.Applied, stars(c.stars), "a", "b", "c")
		f.wantTrueIndex()
		if got := f.inTier(0); got != c.first {
			t.Errorf("with %d stars %d are in the first tier, want %d", c.stars, got, c.first)
		}
	}
}
