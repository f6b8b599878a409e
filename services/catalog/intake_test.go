package catalog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// What waits in the stream is applied in its order, with renames and poison in
// the middle, as if it had come one by one.
func TestManyAtOnceKeepTheirOrder(t *testing.T) {
	t.Parallel()
	f := start(t, 0)
	name := func(i int) string { return fmt.Sprintf("p%03d", i) }
	const n = 450
	var all []string
	for i := range n {
		all = append(all, name(i))
	}
	f.publish(events.NewMarketplaceScanned(sample.Listing("acme/tools", 0, all...)))
	for i := range n {
		o := sample.Observation("acme/tools", name(i), 0)
		if i == 100 {
			o.Facts.Description = strings.Repeat("x", plugpack.MaxDescription+1)
		}
		f.publish(events.NewPluginUpdated(o))
	}
	all[200] = "renamed"
	l := sample.Listing("acme/other", 1, "before")
	f.publish(events.NewMarketplaceScanned(l))
	f.publish(events.NewPluginUpdated(sample.Observation("acme/other", "before", 1)))
	l = sample.Listing("acme/moved", 2, "after") // the same repository, and its plugin, under new names
	l.Repository.HostID, l.Renames = sample.Listing("acme/other", 0).Repository.HostID, map[string]string{"before": "after"}
	f.publish(events.NewMarketplaceScanned(l))
	f.publish(events.NewPluginUpdated(sample.Observation("acme/moved", "after", 2)))

	f.addCatalog()
	testkit.Eventually(t, "the whole stream in the catalog", func(ctx context.Context) bool {
		_, total, err := f.client.Plugins(ctx, nil)
		return err == nil && total == n // one is poison, one is of the other marketplace
	})
	testkit.Eventually(t, "the plugin under its new name", func(ctx context.Context) bool {
		_, to, err := f.client.Plugin(ctx, "acme-other-before")
		return err == nil && to == "acme-moved-after"
	})
	var transactions int
	if err := f.db.QueryRow(t.Context(), `SELECT count(DISTINCT xmin::text) FROM plugin_facts`).Scan(&transactions); err != nil || transactions > n/2 {
		t.Errorf("%d plugins took %d transactions, %v", n, transactions, err)
	}
	testkit.Eventually(t, "an empty outbox", func(ctx context.Context) bool {
		var left int
		return f.db.QueryRow(ctx, `SELECT count(*) FROM outbox`).Scan(&left) == nil && left == 0
	})
}
