package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/services/catalog/internal/loadtest"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Tiers make it faster to find what is near; what is found does not depend on
// them.
func TestRelatedIsTheSameWhereverTheFloorsAre(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	if err := loadtest.Load(t.Context(), loadtest.New(1200, time.Now()), f.Store, func(int) {}); err != nil {
		t.Fatal(err)
	}
	listed, err := f.Plugins(t.Context(), postgres.Filter{}, postgres.Page{Sort: postgres.SortName, Limit: 12})
	if err != nil {
		t.Fatal(err)
	}
	related := func() (all [][]string) {
		t.Helper()
		for _, p := range listed.Plugins {
			found, err := f.Related(t.Context(), p.ID, 20)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, r := range found {
				ids = append(ids, r.Plugin.ID)
			}
			all = append(all, ids)
		}
		return all
	}
	before := related()
	if len(before[0]) != 20 {
		t.Fatalf("%d plugins are related to the first", len(before[0]))
	}
	for _, want := range [][2]int{{900, 200}, {250, 300}, {30, 60}} {
		for tier, want := range want {
			if err := f.MoveFloor(t.Context(), tier, want); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(before, related()); diff != "" {
			t.Errorf("with %d plugins in the tiers (-want +got):\n%s", want, diff)
		}
	}
}
