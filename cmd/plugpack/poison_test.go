package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/migrations"
)

// A marketplace whose scan ends its scraper's process each time is given up
// after the fifth: its row says why, its request is in the dead letters, what
// was listed stays, and those scanned beside it lose nothing.
func TestPoisonMarketplace(t *testing.T) {
	t.Parallel()
	const (
		deaths = 5
		poison = plugpack.MarketplaceKey("github.com/acme/poison")
	)
	gh, ns := testkit.GitHub(t, "testdata/flow.txtar"), testkit.NATS(t)
	b := testkit.BusOn(t, ns)
	c := spawn(t, listening, []string{"PORT=0", "NATS_URL=" + ns.URL(), "DATABASE_URL=" + onLoopback(t, testkit.Postgres(t, migrations.Up))}, buildService(t, "catalog"))
	client := api.NewClient("http://127.0.0.1:" + c.addr)
	sources := writeSources(t)
	start := func() *process {
		return spawn(t, listening, []string{"PORT=0", "NATS_URL=" + ns.URL(), "GITHUB_API_URL=" + gh.URL, "PLUGPACK_SOURCES=" + sources, "SCAN_WORKERS=2"}, buildService(t, "scraper"))
	}
	for name, text := range filesOf("a", "b", "c") {
		gh.Write("acme/poison", name, text)
	}
	running := start()
	queue(t, b, poison)
	whole(t, client, poison) // it was harmless once

	var mu sync.Mutex
	died := make(chan struct{})
	gh.Fault(testkit.GitHubFault{Path: "^/codeload/acme/poison", Hook: func() {
		mu.Lock()
		running.kill()
		mu.Unlock()
		died <- struct{}{}
	}})
	gh.Write("acme/poison", "README.md", "Now it is poison.")
	eventuallyQueued(t, b, poison)
	var others []plugpack.MarketplaceKey
	for n := range deaths {
		repo := fmt.Sprintf("acme/beside-%d", n)
		for name, text := range filesOf("a", "b", "c") {
			gh.Write(repo, name, text)
		}
		others = append(others, plugpack.NewMarketplaceKey("github.com", repo))
		queue(t, b, others[n])
		select {
		case <-died:
		case <-t.Context().Done():
			t.Fatalf("only %d scrapers died", n)
		}
		mu.Lock()
		running = start()
		mu.Unlock()
	}
	reason := fmt.Sprintf("its scan ended the scraper's process %d times", deaths)
	testkit.Eventually(t, "the row to say so", func(ctx context.Context) bool {
		ms, err := client.Marketplaces(ctx, url.Values{"state": {"failed"}})
		return err == nil && len(ms) == 1 && ms[0].Key == string(poison) && ms[0].LastError == reason && ms[0].Plugins == 3
	})
	testkit.Eventually(t, "the dead letter", func(ctx context.Context) bool {
		return deadReason(ctx, t, b, poison) == "scan "+string(poison)+": "+reason
	})
	for _, k := range append(others, poison) {
		whole(t, client, k)
	}
	running.interrupt()
	c.interrupt()
}

func eventuallyQueued(t *testing.T, b *bus.Bus, k plugpack.MarketplaceKey) {
	t.Helper()
	s := &sufferer{bus: b}
	s.scan(t, k)
}

// deadReason gives why the request for k is in the dead letters, or "".
func deadReason(ctx context.Context, t *testing.T, b *bus.Bus, k plugpack.MarketplaceKey) string {
	t.Helper()
	stream, err := b.JetStream().Stream(ctx, events.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter("dead.scraper-now.*"))
	if err != nil {
		return ""
	}
	for subject := range info.State.Subjects {
		m, err := stream.GetLastMsgForSubject(ctx, subject)
		if err == nil && strings.HasSuffix(m.Header.Get(bus.HeaderSubject), events.Token(string(k))) {
			return m.Header.Get(bus.HeaderReason)
		}
	}
	return ""
}
