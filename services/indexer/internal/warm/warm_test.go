package warm_test

import (
	"context"
	"testing"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/local"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/indexer/internal/change"
	"github.com/plugpack/plugpack/services/indexer/internal/warm"
)

// A revision that a reader is given while the catalog is asked is not taken for
// one that the catalog was set back from.
func TestSetKeepsNewerMarks(t *testing.T) {
	t.Parallel()
	pages := local.NewCache()
	t.Cleanup(pages.Close)
	p := sample.Plugin("acme/tools", "deploy", 9)
	key := cache.IDKey(p.ID)
	_, err := warm.New(pages).Set(t.Context(), events.KindPlugin, []string{p.ID}, func(ctx context.Context, _ events.Kind, _ []string) ([]change.Change, error) {
		return []change.Change{change.OfPlugin(p)}, pages.Raise(ctx, key, 10)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, found, err := pages.Get(t.Context(), key); found || err != nil {
		t.Errorf("revision %d is given after 10, %v", got.Revision, err)
	}
}
