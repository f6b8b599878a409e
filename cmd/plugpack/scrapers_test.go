package main

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/scraper"
)

// Three scrapers share the queue. Each in its turn is killed while every worker
// of all three is in the middle of a scan; nothing may be lost or be there
// twice.
func TestKilledScrapers(t *testing.T) {
	t.Parallel()
	const (
		scrapers = 3
		workers  = 2
		repos    = 8 // a round
	)
	gh, ns := testkit.GitHub(t, "testdata/flow.txtar"), testkit.NATS(t)
	b := testkit.BusOn(t, ns)
	c := spawn(t, listening, []string{"PORT=0", "NATS_URL=" + ns.URL(), "DATABASE_URL=" + onLoopback(t, testkit.Postgres(t, migrations.Up))}, buildService(t, "catalog"))
	client := api.NewClient("http://127.0.0.1:" + c.addr)
	sources := writeSources(t)
	start := func() *process {
		return spawn(t, listening, []string{
			"PORT=0", "NATS_URL=" + ns.URL(), "GITHUB_API_URL=" + gh.URL, "PLUGPACK_SOURCES=" + sources, fmt.Sprintf("SCAN_WORKERS=%d", workers),
		}, buildService(t, "scraper"))
	}
	all := make([]*process, scrapers)
	for i := range all {
		all[i] = start()
	}
	for victim := range all {
		// The archives wait until every worker has asked for one.
		under, release := make(chan struct{}, scrapers*workers), make(chan struct{})
		for range scrapers * workers {
			gh.Fault(testkit.GitHubFault{Path: fmt.Sprintf("^/codeload/acme/round-%d-", victim), Times: 1, Hook: func() {
				under <- struct{}{}
				<-release
			}})
		}
		var keys []plugpack.MarketplaceKey
		for i := range repos {
			repo := fmt.Sprintf("acme/round-%d-%d", victim, i)
			for name, text := range filesOf("a", "b", "c") {
				gh.Write(repo, name, text)
			}
			keys = append(keys, plugpack.NewMarketplaceKey("github.com", repo))
			queue(t, b, keys[i])
		}
		for range scrapers * workers {
			select {
			case <-under:
			case <-t.Context().Done():
				t.Fatal("not every worker of every scraper was scanning")
			}
		}
		all[victim].kill()
		close(release)
		all[victim] = start()
		for _, k := range keys {
			whole(t, client, k)
		}
	}
	ms, err := client.Marketplaces(t.Context(), url.Values{"state": {"scanned"}, "limit": {"100"}})
	if want := scrapers*repos + 1; err != nil || len(ms) != want {
		t.Errorf("%d marketplaces are scanned, want %d; %v", len(ms), want, err)
	}
	for _, p := range append(all, c) {
		p.interrupt()
	}
}

func queue(t *testing.T, b *bus.Bus, k plugpack.MarketplaceKey) {
	t.Helper()
	if _, queued, err := scraper.Enqueue(t.Context(), b, k, false); err != nil || !queued {
		t.Fatalf("queue %s: %t, %v", k, queued, err)
	}
}

// whole waits for all three plugins of k and wants each once, at its first
// revision: a scan that two scrapers made must not count twice.
func whole(t *testing.T, client *api.Client, k plugpack.MarketplaceKey) {
	t.Helper()
	var ps []api.Plugin
	testkit.Eventually(t, "the plugins of "+string(k), func(ctx context.Context) bool {
		var err error
		ps, _, err = client.Plugins(ctx, url.Values{"marketplace": {string(k)}})
		return err == nil && len(ps) >= 3
	})
	seen := map[string]bool{}
	for _, p := range ps {
		if seen[p.Name] || p.Revision != 1 {
			t.Errorf("%s is at revision %d, seen before: %t", p.Key, p.Revision, seen[p.Name])
		}
		seen[p.Name] = true
	}
	if len(ps) != 3 {
		t.Errorf("%s has %d plugins, want 3", k, len(ps))
	}
}
