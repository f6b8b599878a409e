package main

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper"
)

// world is a running PlugPack, in whatever form, and the GitHub it reads.
type world struct {
	t       *testing.T
	github  *testkit.GitHubServer
	bus     *bus.Bus
	clients []*api.Client // one a gateway
	turn    atomic.Int64
}

const flowRepo = "acme/tools"

// client takes the gateways in turn.
func (w *world) client() *api.Client { return w.clients[int(w.turn.Add(1))%len(w.clients)] }

// scan asks for a scan now, whatever the schedule says.
func (w *world) scan() {
	w.t.Helper()
	testkit.Eventually(w.t, "the scan to be queued", func(ctx context.Context) bool {
		_, queued, err := scraper.Enqueue(ctx, w.bus, plugpack.NewMarketplaceKey("github.com", flowRepo), false)
		if err != nil {
			w.t.Fatal(err)
		}
		return queued
	})
}

type entry struct {
	Name        string `json:"name"`
	Source      string `json:"source"`
	Description string `json:"description"`
	Category    string `json:"category"`
}

// publish writes the marketplace's file anew and scans.
func (w *world) publish(renames map[string]string, entries ...entry) {
	w.t.Helper()
	file, err := json.Marshal(map[string]any{
		"name": "acme-tools", "owner": map[string]string{"name": "Acme"}, "plugins": append([]entry{}, entries...), "renames": renames,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.github.Write(flowRepo, ".claude-plugin/marketplace.json", string(file))
	w.scan()
}

// page waits until the plugin's page is as wanted and gives it.
func (w *world) page(slug, what string, good func(api.PluginPage) bool) (page api.PluginPage) {
	w.t.Helper()
	testkit.Eventually(w.t, slug+": "+what, func(ctx context.Context) bool {
		p, _, err := w.client().Plugin(ctx, slug)
		page = p
		return err == nil && p.Slug == slug && good(p)
	})
	return page
}

func (w *world) found(ctx context.Context, query string) []string {
	s, err := w.client().Search(ctx, url.Values{"q": {query}})
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	names := []string{}
	for _, p := range s.Plugins {
		names = append(names, p.Name)
	}
	return names
}

func (w *world) waitFound(query string, want ...string) {
	w.t.Helper()
	testkit.Eventually(w.t, "a search for "+query, func(ctx context.Context) bool {
		return slices.Equal(w.found(ctx, query), append([]string{}, want...))
	})
}

// watch reads the plugin's page all the time, over every gateway, and reports
// a revision older than one that was read before the request began.
func (w *world) watch(slug string) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var (
		wg   sync.WaitGroup
		seen atomic.Int64
	)
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				before := seen.Load()
				p, moved, err := w.client().Plugin(ctx, slug)
				if err != nil || moved != "" {
					continue
				}
				if p.Revision < before {
					w.t.Errorf("%s: revision %d was read after revision %d", slug, p.Revision, before)
				}
				for now := seen.Load(); p.Revision > now && !seen.CompareAndSwap(now, p.Revision); now = seen.Load() {
				}
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// flow is the life of six plugins, from appearing to disappearing, as a reader
// of the public API sees it.
func flow(w *world) {
	t := w.t
	entries := map[string]entry{}
	for _, e := range []entry{
		{"deploy", "./plugins/deploy", "Ships releases to Kubernetes clusters", "development"},
		{"review", "./plugins/review", "Reads pull requests with care", "development"},
		{"queries", "./plugins/queries", "Explains slow database queries", "development"},
		{"notes", "./plugins/notes", "Writes release notes from commits", "development"},
		{"tests", "./plugins/tests", "Finds code that no test runs", "development"},
		{"docs", "./plugins/docs", "Keeps documentation true", "development"},
	} {
		entries[e.Name] = e
	}
	listed := func(names ...string) (es []entry) {
		for _, n := range names {
			es = append(es, entries[n])
		}
		return es
	}

	t.Log("a plugin appears")
	w.scan()
	first := w.page("acme-tools-deploy", "is there", func(api.PluginPage) bool { return true })
	w.waitFound("kubernetes", "deploy")
	for _, n := range []string{"review", "queries", "notes", "tests", "docs"} {
		w.page("acme-tools-"+n, "is there", func(api.PluginPage) bool { return true })
	}
	stopWatching := w.watch("acme-tools-deploy")
	defer stopWatching()

	t.Log("it changes")
	revision := first.Revision
	for _, description := range []string{"Ships releases to Nomad", "Ships releases to Mars", "Ships releases anywhere"} {
		entries["deploy"] = entry{"deploy", "./plugins/deploy", description, "development"}
		w.github.Write(flowRepo, "plugins/deploy/.claude-plugin/plugin.json", `{"name":"deploy","version":"1.0.0","description":"`+description+`"}`)
		w.publish(nil, listed("deploy", "review", "queries", "notes", "tests", "docs")...)
		p := w.page("acme-tools-deploy", "is changed", func(p api.PluginPage) bool { return p.Description == description })
		if p.Revision <= revision || p.ID != first.ID {
			t.Fatalf("revision %d of %s after revision %d of %s", p.Revision, p.ID, revision, first.ID)
		}
		revision = p.Revision
	}
	w.waitFound("kubernetes")
	w.waitFound("anywhere", "deploy")

	t.Log("it is renamed")
	entries["ship"] = entry{"ship", "./plugins/deploy", "Ships releases anywhere", "development"}
	w.publish(map[string]string{"deploy": "ship"}, listed("ship", "review", "queries", "notes", "tests", "docs")...)
	renamed := w.page("acme-tools-ship", "is there", func(p api.PluginPage) bool { return p.Name == "ship" })
	if renamed.ID != first.ID || renamed.Revision <= revision {
		t.Fatalf("renamed: %s at revision %d, was %s at revision %d", renamed.ID, renamed.Revision, first.ID, revision)
	}
	testkit.Eventually(t, "the old slug to redirect", func(ctx context.Context) bool {
		_, moved, err := w.client().Plugin(ctx, "acme-tools-deploy")
		return err == nil && moved == "acme-tools-ship"
	})
	stopWatching()

	t.Log("it disappears")
	w.publish(map[string]string{"deploy": "ship"}, listed("review", "queries", "notes", "tests", "docs")...)
	testkit.Eventually(t, "the page to be gone", func(ctx context.Context) bool {
		_, _, err := w.client().Plugin(ctx, "acme-tools-ship")
		return errs.KindOf(err) == errs.NotFound
	})
	w.waitFound("anywhere")

	t.Log("the listing comes back empty")
	w.publish(nil)
	testkit.Eventually(t, "the marketplace to say that the listing is held", func(ctx context.Context) bool {
		ms, err := w.client().Marketplaces(ctx, url.Values{"state": {"held"}})
		return err == nil && len(ms) == 1 && ms[0].Plugins == 5 && ms[0].LastError != ""
	})
	for _, n := range []string{"review", "queries", "notes", "tests", "docs"} {
		w.page("acme-tools-"+n, "is still there", func(api.PluginPage) bool { return true })
	}
}

func writeSources(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sources.txt")
	if err := os.WriteFile(path, []byte(flowRepo+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// dataFolder gives a folder that the database's user can get to.
func dataFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "plugpack-flow-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
