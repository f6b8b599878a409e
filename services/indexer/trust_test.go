package indexer_test

import (
	"context"
	"testing"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/indexer"
)

// A cache that lost everything is filled from the catalog before any of it is
// given, so that an announcement that comes late brings nobody an older page.
func TestLostCacheIsFilled(t *testing.T) {
	t.Parallel()
	w := setup(t)
	all := many(250)
	all[7].Revision, all[8] = 5, removed(all[8])
	w.publish(all...)
	w.start(withoutSearch)
	w.drainedOf(indexer.DurableCache)
	w.redis.Server.FlushAll()
	late := all[7]
	late.Revision = 2
	w.announce(late)
	for _, p := range all {
		testkit.Eventually(t, "the page of "+p.Name, func(ctx context.Context) bool {
			got, found, err := w.pages.Get(ctx, cache.SlugKey(p.Slug))
			if found && got.Revision != p.Revision {
				t.Fatalf("%s is given at revision %d, want %d", p.Name, got.Revision, p.Revision)
			}
			return err == nil && found
		})
	}
}
