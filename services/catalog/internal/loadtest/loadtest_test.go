package loadtest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/loadtest"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestAWorldIsAlwaysTheSameAndShapedLikeTheRealOne(t *testing.T) {
	t.Parallel()
	const n = 5000
	var plugins, single, few int
	keys := map[plugpack.Key]bool{}
	for s := range loadtest.New(n, at).Scans() {
		plugins += len(s.Observations)
		if len(s.Observations) == 1 {
			single++
		}
		if s.Listing.Repository.Stars < 5 {
			few++
		}
		for i, o := range s.Observations {
			if keys[o.Key()] || o.Name != s.Listing.Names[i] || len(o.Facts.Description) > plugpack.MaxDescription {
				t.Fatalf("%v is there twice, not listed, or too long", o.Key())
			}
			keys[o.Key()] = true
		}
	}
	marketplaces := loadtest.New(n, at).Marketplaces()
	if plugins != n || marketplaces != n*2/5 {
		t.Errorf("%d plugins in %d marketplaces", plugins, marketplaces)
	}
	for what, share := range map[string]float64{"one plugin": float64(single) / float64(marketplaces), "few stars": float64(few) / float64(marketplaces)} {
		if share < 0.6 || share > 0.85 {
			t.Errorf("%.2f of the marketplaces have %s", share, what)
		}
	}
	next, again := first(loadtest.New(n, at)), first(loadtest.New(n, at))
	if diff := cmp.Diff(next, again); diff != "" {
		t.Errorf("the second world differs:\n%s", diff)
	}
}

func first(w loadtest.World) (all []loadtest.Scan) {
	for s := range w.Scans() {
		if all = append(all, s); len(all) == 50 {
			break
		}
	}
	return all
}
