package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/loadtest"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Hot plugins make a search faster; what it finds does not depend on them.
func TestSearchIsTheSameWhereverTheFloorIs(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	world := loadtest.New(1200, time.Now())
	if err := loadtest.Load(t.Context(), world, f.Store, func(int) {}); err != nil {
		t.Fatal(err)
	}
	questions := []string{world.Word(0), world.Word(3), world.Word(60), world.Word(900), world.Word(0) + " " + world.Word(20), world.Word(30)[:3]}
	want := f.searched(questions)
	if len(want[questions[0]].Pages) < 4 || want[questions[0]].Total != postgres.MaxTotal {
		t.Fatalf("a common word: %d pages, %d matches", len(want[questions[0]].Pages), want[questions[0]].Total)
	}
	for _, enough := range []int{900, 30, 500, 1200} {
		if err := f.RefreshHot(t.Context(), postgres.Hot{Least: enough, Enough: enough, Most: enough}); err != nil {
			t.Fatal(err)
		}
		var hot int
		if err := f.pool.QueryRow(t.Context(), `SELECT count(*) FROM plugin_index WHERE hot`).Scan(&hot); err != nil || hot != enough {
			t.Fatalf("%d hot plugins, want %d, %v", hot, enough, err)
		}
		f.wantTrueIndex()
		if diff := cmp.Diff(want, f.searched(questions)); diff != "" {
			t.Errorf("with %d hot plugins (-want +got):\n%s", enough, diff)
		}
	}
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

func TestAPluginThatWinsOrLosesWeightCrossesTheFloor(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	stars := func(n int) func(*plugpack.Listing) { return func(l *plugpack.Listing) { l.Repository.Stars = n } }
	f.list(0, postgres.Applied, stars(1), "a", "b", "c")
	for _, name := range []string{"a", "b", "c"} {
		f.see(name, 0, postgres.Applied, nil)
	}
	if err := f.RefreshHot(t.Context(), postgres.Hot{Enough: 1}); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct{ stars, hot int }{{1, 1}, {5000, 3}, {0, 0}, {1, 1}} {
		f.list(i+1, postgres.Applied, stars(c.stars), "a", "b", "c")
		f.wantTrueIndex()
		var hot int
		if err := f.pool.QueryRow(t.Context(), `SELECT count(*) FROM plugin_index WHERE hot`).Scan(&hot); err != nil || hot != c.hot {
			t.Errorf("with %d stars %d are hot, want %d, %v", c.stars, hot, c.hot, err)
		}
	}
}
