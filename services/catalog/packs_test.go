package catalog_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/pinned"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog"
)

// seed makes and publishes a pack of the plugins.
func (f *fixture) seed(slug string, plugins ...string) {
	f.t.Helper()
	d := plugpack.PackDraft{Slug: slug, PackText: plugpack.PackText{Name: "Demo", Difficulty: plugpack.Beginner}}
	for _, p := range plugins {
		d.Plugins = append(d.Plugins, plugpack.DraftPlugin{Slug: p, Phase: "Start"})
	}
	b, err := json.Marshal([]plugpack.PackDraft{d})
	if err != nil {
		f.t.Fatal(err)
	}
	if made, err := catalog.SeedPacks(f.t.Context(), f.db, testkit.Log(f.t), b); err != nil || made != 1 {
		f.t.Fatalf("%d packs seeded, %v", made, err)
	}
}

func into[T any](t testing.TB, body []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func TestPacks(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	for path, want := range map[string]string{"/api/packs/": "[]", "/api/packs/count": `{"count":0}`, "/api/packs?featured=true&difficulty=advanced": "[]"} {
		if w := f.get(path); w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	f.publish(events.NewMarketplaceScanned(sample.Listing("acme/tools", 0, "deploy", "test", "a", "b", "c", "d")))
	for _, n := range []string{"deploy", "test", "a", "b", "c", "d"} {
		f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", n, 0)))
	}
	f.changed("acme-tools-d", 1)
	f.seed("demo", "acme-tools-deploy", "acme-tools-test")

	page := into[api.PackPage](t, f.get("/api/packs/slug/demo").Body.Bytes())
	if page.Pack.Slug != "demo" || len(page.Plugins) != 2 || page.Plugins[0].Plugin.Slug != "acme-tools-deploy" || page.Plugins[0].LeftOut != "" ||
		page.Pack.Install.InstallAll != "/plugin install all@plugpack-demo" {
		t.Fatalf("page %+v", page)
	}
	if byID := into[api.PackPage](t, f.get("/api/packs/"+page.Pack.ID).Body.Bytes()); byID.Pack.Slug != "demo" {
		t.Fatalf("by id %+v", byID)
	}
	if s := into[api.Search](t, f.get("/api/search/?q=demo").Body.Bytes()); s.TotalPacks != 1 || s.Packs[0].Slug != "demo" {
		t.Fatalf("search %+v", s)
	}

	t.Run("its marketplace is one that the client takes, and stays findable", func(t *testing.T) {
		w := f.get("/api/packs/slug/demo/marketplace.json")
		first := w.Body.String()
		a := claudecode.Default().Add(w.Body.Bytes(), claudecode.Place{Kind: claudecode.PlaceURL})
		if w.Code != 200 || a.Rejected != "" || len(a.Entries) != 3 || w.Header().Get("ETag") == "" || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%d %v %q %s", w.Code, w.Header(), a.Rejected, first)
		}
		at := w.Header().Get("Content-Location")
		o := sample.Observation("acme/tools", "deploy", 5) // another commit
		f.publish(events.NewPluginUpdated(o))
		f.changed("acme-tools-deploy", 2)
		w = f.get("/api/packs/slug/demo/marketplace.json")
		if w.Body.String() == first || !strings.Contains(w.Body.String(), o.Facts.Commit) {
			t.Fatalf("the new commit is not in %s", w.Body)
		}
		old := f.get(at)
		if old.Code != 200 || old.Body.String() != first || !strings.Contains(old.Header().Get("Cache-Control"), "immutable") {
			t.Fatalf("%s: %d %s", at, old.Code, old.Body)
		}
		for path, want := range map[string]int{
			strings.Replace(at, "demo@", "other@", 1):                               404,
			"/api/packs/slug/demo@" + strings.Repeat("0", 64) + "/marketplace.json": 404,
			"/api/packs/slug/demo@xyz/marketplace.json":                             422,
			"/api/packs/slug/nothing/marketplace.json":                              404,
			"/api/packs/slug/nothing":                                               404,
			"/api/packs/018f0000-0000-7000-8000-000000000000":                       404,
			"/api/packs/x": 422,
		} {
			if w := f.get(path); w.Code != want {
				t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, want)
			}
		}
	})
	t.Run("a plugin has one of its own", func(t *testing.T) {
		w := f.get("/api/plugins/slug/acme-tools-test/marketplace.json")
		m := into[pinned.Marketplace](t, w.Body.Bytes())
		if w.Code != 200 || m.Name != "plugpack-acme-tools-test" || len(m.Plugins) != 1 || m.Plugins[0].Source.Path != "plugins/test" {
			t.Fatalf("%d %+v", w.Code, m)
		}
		if again := f.get(w.Header().Get("Content-Location")); again.Body.String() != w.Body.String() {
			t.Fatalf("by digest %s", again.Body)
		}
	})
	t.Run("it installs without a plugin that vanished, and says so", func(t *testing.T) {
		f.publish(events.NewMarketplaceScanned(sample.Listing("acme/tools", 6, "test", "a", "b", "c", "d")))
		f.changed("acme-tools-deploy", 3)
		page := into[api.PackPage](t, f.get("/api/packs/slug/demo").Body.Bytes())
		if page.Pack.Gone != 1 || !page.Plugins[0].Gone || !strings.Contains(page.Plugins[0].LeftOut, "removed") {
			t.Fatalf("page %+v", page)
		}
		m := into[pinned.Marketplace](t, f.get("/api/packs/slug/demo/marketplace.json").Body.Bytes())
		if len(m.Plugins) != 2 || m.Plugins[0].Name != "test" || len(m.Plugins[1].Dependencies) != 1 {
			t.Fatalf("file %+v", m)
		}
		if w := f.get("/api/plugins/slug/acme-tools-deploy/marketplace.json"); w.Code != 404 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
