package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// BenchmarkFreshness makes 50 changes a second and tells how long after the
// commit they are searchable and cached, by the indexers' own histograms:
//
//	go test ./cmd/plugpack -run x -bench Freshness -benchtime 20s
func BenchmarkFreshness(b *testing.B) {
	f := startFleet(b, fleetOptions{check: time.Hour, gateways: 1})
	const repo, plugins = "fresh/market", 100
	var names []string
	for n := range plugins {
		names = append(names, fmt.Sprintf("plugin%02d", n))
	}
	publish := func(m events.Message, err error) {
		b.Helper()
		if err == nil {
			err = f.bus.Publish(b.Context(), m)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	publish(events.NewMarketplaceScanned(sample.Listing(repo, 0, names...)))
	for _, name := range names {
		publish(events.NewPluginUpdated(sample.Observation(repo, name, 1)))
	}
	testkit.Eventually(b, "all plugins", func(ctx context.Context) bool {
		_, total, err := api.NewClient(f.gateways[0]).Plugins(ctx, nil)
		return err == nil && total >= plugins && f.applied(events.StoreSearch)[len(lagBounds)] >= plugins
	})
	before := map[string][]float64{}
	for _, store := range []string{events.StoreSearch, events.StoreCache} {
		before[store] = f.applied(store)
	}
	due := time.NewTicker(time.Second / 50)
	defer due.Stop()
	n := 1
	for b.Loop() {
		<-due.C
		n++
		publish(events.NewPluginUpdated(sample.Observation(repo, names[n%plugins], n)))
	}
	b.StopTimer()
	testkit.Eventually(b, "the last change", func(ctx context.Context) bool {
		p, _, err := api.NewClient(f.gateways[0]).Plugin(ctx, "fresh-market-"+names[n%plugins])
		return err == nil && p.Commit == sample.Observation(repo, names[n%plugins], n).Facts.Commit
	})
	for store, counts := range before {
		after := f.applied(store)
		for i := range counts {
			after[i] -= counts[i]
		}
		for _, q := range []float64{0.5, 0.99} {
			b.ReportMetric(quantile(after, q)*1000, fmt.Sprintf("ms-%s-p%.0f", store, q*100))
		}
	}
}

// lagBounds are the histogram's.
var lagBounds = []float64{.01, .025, .05, .1, .2, .3, .5, .75, 1, 1.5, 2, 5, 10, 30, 60, 300}

// applied gives the cumulative counts of a store's lag over both indexers, the
// last of them of all.
func (f *fleet) applied(store string) []float64 {
	counts := make([]float64, len(lagBounds)+1)
	for _, address := range f.metrics {
		res, err := http.Get(address + "/metrics")
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			rest, ours := strings.CutPrefix(lines.Text(), `plugpack_indexer_lag_seconds_bucket{store="`+store+`",le="`)
			if !ours {
				continue
			}
			bound, value, _ := strings.Cut(rest, `"} `)
			n, _ := strconv.ParseFloat(value, 64)
			at := len(lagBounds)
			for i, limit := range lagBounds {
				if le, err := strconv.ParseFloat(bound, 64); err == nil && le == limit {
					at = i
				}
			}
			counts[at] += n
		}
		_ = res.Body.Close()
	}
	return counts
}

// quantile gives the bound below which the share q lies, reckoned evenly
// within a bucket.
func quantile(counts []float64, q float64) float64 {
	want, low, under := q*counts[len(counts)-1], 0.0, 0.0
	for i, bound := range lagBounds {
		if counts[i] >= want {
			if counts[i] == under {
				return bound
			}
			return low + (bound-low)*(want-under)/(counts[i]-under)
		}
		low, under = bound, counts[i]
	}
	return lagBounds[len(lagBounds)-1]
}
