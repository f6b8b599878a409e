package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/local"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/contract"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog"
	"github.com/plugpack/plugpack/services/gateway"
)

// door is the gateway before a catalog that listens elsewhere, both of which
// hold one key.
func door(t *testing.T, plugins ...string) http.Handler {
	t.Helper()
	key := identity.Options{SecretKey: contractKey}
	b := testkit.Bus(t)
	db, err := catalog.OpenDB(t.Context(), testkit.Postgres(t, migrations.Up))
	if err != nil {
		t.Fatal(err)
	}
	cat := catalog.New(catalog.Options{Options: key, Public: service.Public{PublicURL: "https://plugpack.example"}}, catalog.Deps{DB: db, Bus: b, Log: testkit.Log(t)})
	behind := httptest.NewServer(cat.Handler())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- cat.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("catalog stopped with %v", err)
		}
		behind.Close()
		db.Close()
	})
	proxy, err := gateway.NewProxy(config.URL(behind.URL), testkit.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	pages := local.NewCache()
	t.Cleanup(pages.Close)
	g, err := gateway.New(gateway.Options{Options: key, Public: service.Public{PublicURL: "https://plugpack.example"}, GitHubAPIURL: "https://api.github.com/"},
		gateway.Deps{Catalog: proxy, Pages: pages, Responses: pages, Limiter: local.NewLimiter(time.Now), Log: testkit.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(plugins) > 0 {
		fill(t, b.Publish, api.NewClient(behind.URL), plugins)
	}
	return g.Handler()
}

const contractKey = "a secret of more than thirty-two characters"

// fill lets the catalog know a marketplace with the plugins, each of which has
// changed once.
func fill(t *testing.T, publish func(context.Context, events.Message) error, c *api.Client, names []string) {
	t.Helper()
	send := func(m events.Message, err error) {
		if err == nil {
			err = publish(t.Context(), m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 2 {
		send(events.NewMarketplaceScanned(sample.Listing("acme/tools", n, names...)))
		for _, name := range names {
			send(events.NewPluginUpdated(sample.Observation("acme/tools", name, n)))
		}
		// Each is taken before the next comes: the stream keeps the last alone.
		testkit.Eventually(t, "the plugins to be listed", func(ctx context.Context) bool {
			ps, _, err := c.Plugins(ctx, nil)
			return err == nil && len(ps) == len(names) && !slices.ContainsFunc(ps, func(p api.Plugin) bool { return p.Revision <= int64(n) })
		})
	}
}

// TestContractThroughGateway holds what the public gets to the catalog's own
// document: nothing that the gateway adds, keeps or refuses may differ from it.
func TestContractThroughGateway(t *testing.T) {
	t.Parallel()
	c := contract.New(t, door(t, "deploy", "test", "other"))
	c.PlainPaths = true
	session, err := identity.NewSessionKey(identity.Options{SecretKey: contractKey}, time.Now).Sign(identity.Person{GitHubID: 42, Login: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	for who, c := range map[string]*contract.Contract{
		"nobody": c,
		"ann":    c.As(func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-plugpack_session", Value: session}) }),
	} {
		for _, o := range c.Operations {
			t.Run(who+" "+o.Method+" "+o.Path, func(t *testing.T) {
				t.Parallel()
				for _, fault := range c.Faults(o) {
					t.Error(fault)
				}
			})
		}
	}
}

// TestContractOfTheProgramReplaced asks what its users ask of an empty catalog,
// by addresses with and without the last slash.
func TestContractOfTheProgramReplaced(t *testing.T) {
	t.Parallel()
	contract.OfTheProgramReplaced(t, door(t))
}
