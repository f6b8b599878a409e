package batch_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/plugpack/plugpack/services/indexer/internal/batch"
	"github.com/plugpack/plugpack/services/indexer/internal/change"
)

func TestFold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plugins := rapid.SliceOf(rapid.Custom(func(t *rapid.T) change.Change {
			return change.Change{
				ID:       rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "id"),
				Revision: rapid.Int64Range(1, 5).Draw(t, "revision"),
				About:    rapid.String().Draw(t, "about"),
			}
		})).Draw(t, "plugins")

		highest := map[string]int64{}
		for _, p := range plugins {
			highest[p.ID] = max(highest[p.ID], p.Revision)
		}
		newest, place := batch.Fold(plugins)
		if len(newest) != len(highest) || len(place) != len(newest) {
			t.Fatalf("%d plugins and %d places of %d ids", len(newest), len(place), len(highest))
		}
		for i, p := range newest {
			if p.Revision != highest[p.ID] {
				t.Errorf("%s is folded to revision %d, want %d", p.ID, p.Revision, highest[p.ID])
			}
			if q := plugins[place[i]]; q.ID != p.ID || q.About != p.About {
				t.Errorf("place %d is %+v, want %+v", place[i], q, p)
			}
			later := slices.ContainsFunc(plugins[place[i]+1:], func(q change.Change) bool { return q.ID == p.ID && q.Revision == p.Revision })
			if later {
				t.Errorf("%s: a later message of the same revision was passed over", p.ID)
			}
		}
	})
}
