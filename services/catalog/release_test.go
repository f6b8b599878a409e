package catalog_test

import (
	"context"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

func TestMarketplaceShowsItsNewestRelease(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	for n, tag := range []string{"", "v1.0.0", "v1.1.0", ""} {
		l := sample.Listing("acme/tools", n, "deploy")
		var at time.Time
		if tag != "" {
			at = sample.At(n)
		}
		l.Repository.Release, l.Repository.ReleasedAt = tag, at
		f.publish(events.NewMarketplaceScanned(l))
		testkit.Eventually(t, "the release "+tag, func(context.Context) bool {
			list := into[[]api.Marketplace](t, f.get("/api/marketplaces/").Body.Bytes())
			return len(list) == 1 && list[0].ScannedAt.Equal(l.ObservedAt) && list[0].Release == tag && list[0].ReleasedAt.Equal(at)
		})
	}
}
