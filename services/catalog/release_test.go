package catalog_test

import (
	"context"
	"encoding/json"
	"net/http"
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
	var id string
	for n, tag := range []string{"", "v1.0.0", "v1.1.0", ""} {
		l := sample.Listing("acme/tools", n, "deploy")
		var at time.Time
		if tag != "" {
			at = sample.At(n)
		}
		l.Repository.Release, l.Repository.ReleasedAt = tag, at
		f.publish(events.NewMarketplaceScanned(l))
		testkit.Eventually(t, "the release "+tag, func(ctx context.Context) bool {
			if id == "" {
				var list []api.Marketplace
				if read(ctx, t, f.server.URL+"/api/marketplaces/", &list); len(list) == 0 {
					return false
				}
				id = list[0].ID
			}
			var m api.Marketplace
			read(ctx, t, f.server.URL+"/api/marketplaces/"+id, &m)
			return m.ScannedAt.Equal(l.ObservedAt) && m.Release == tag && m.ReleasedAt.Equal(at)
		})
	}
}

func read(ctx context.Context, t *testing.T, address string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, res.Status, err)
	}
}
