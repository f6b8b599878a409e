package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/migrations"
)

// component is what each external plugin of the test has, told by its name.
func component(name string) map[string]string {
	return map[string]string{".claude-plugin/plugin.json": `{"name":"` + name + `","version":"1.0.0"}`, "commands/" + name + ".md": "---\ndescription: Goes.\n---\nGo."}
}

func below(dir string, files map[string]string) map[string]string {
	all := map[string]string{}
	for name, text := range files {
		all[dir+"/"+name] = text
	}
	return all
}

// sourceHosts are servers of every kind that plugins come from.
type sourceHosts struct {
	github *testkit.GitHubServer
	git    *testkit.GitServer
	files  *testkit.FileServer
}

// asked counts what the hosts were asked for plugins, as opposed to
// marketplaces.
func (h sourceHosts) asked() (list []string) {
	for _, r := range h.github.Requests() {
		if r.Download && strings.Contains(r.Path, "/ext/") {
			list = append(list, r.Path)
		}
	}
	return slices.Concat(list, h.git.Requests(), h.files.Requests())
}

// offer puts a plugin of every kind on the hosts, and gives the sources that
// entries name them by and the commits that they are read at.
func (h sourceHosts) offer() (external map[string]any, commits map[string]string) {
	write := func(repo string, files map[string]string) string {
		for name, text := range files {
			h.github.Write(repo, name, text)
		}
		return h.github.Commit(repo)
	}
	hubCommit := write("ext/hub", component("hub"))
	urlCommit := write("Ext/Url", component("url"))
	write("ext/url", map[string]string{"later.md": "More."}) // the entry names the commit before
	subCommit := write("ext/mono", below("plugins/Sub", component("subdir")))
	gitCommit := h.git.Commit("group/tools", component("plain"))
	h.files.Publish("@ext/npm", "3.1.4", component("npm"))
	zip := testkit.Zip("archive-1", component("archive"))
	sum := sha256.Sum256(zip)
	digest := hex.EncodeToString(sum[:])

	external = map[string]any{
		"hub":     map[string]string{"source": "github", "repo": "Ext/Hub"},
		"url":     map[string]string{"source": "url", "url": "https://github.com/ext/url.git", "sha": urlCommit},
		"subdir":  map[string]string{"source": "git-subdir", "url": "ext/mono", "path": "./plugins/Sub"},
		"plain":   map[string]string{"source": "url", "url": h.git.URL + "/group/tools.git"},
		"npm":     map[string]string{"source": "npm", "package": "@ext/npm", "version": "^3", "registry": h.files.URL},
		"archive": map[string]string{"source": "archive", "url": h.files.Put("/a.zip", zip), "sha256": digest},
		"gone":    map[string]string{"source": "github", "repo": "ext/gone"},
		"inside":  map[string]string{"source": "url", "url": "https://169.254.169.254/x.git"},
		"unknown": map[string]string{"source": "pip", "package": "x"},
	}
	commits = map[string]string{"hub": hubCommit, "url": urlCommit, "subdir": subCommit, "plain": gitCommit, "npm": "3.1.4", "archive": digest}
	return external, commits
}

// list makes a marketplace of the external plugins and one of its own.
func (h sourceHosts) list(t *testing.T, repo string, external map[string]any) {
	t.Helper()
	all := maps.Clone(external)
	all["relative"] = "./p"
	h.github.Write(repo, ".claude-plugin/marketplace.json", marketOf(t, all))
	for name, text := range below("p", component("relative")) {
		h.github.Write(repo, name, text)
	}
}

func marketOf(t *testing.T, entries map[string]any) string {
	t.Helper()
	var plugins []map[string]any
	for name, source := range entries {
		plugins = append(plugins, map[string]any{"name": name, "source": source})
	}
	b, err := json.Marshal(map[string]any{"name": "every-source", "owner": map[string]string{"name": "Acme"}, "plugins": plugins})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A marketplace that lists every kind of source reaches the catalog, though the
// scraper is killed in the middle of a download; another marketplace that lists
// the same origins causes no second fetch, even from another scraper.
func TestEverySource(t *testing.T) {
	t.Parallel()
	ns := testkit.NATS(t)
	b := testkit.BusOn(t, ns)
	h := sourceHosts{testkit.GitHub(t, "testdata/flow.txtar"), testkit.Git(t), testkit.Files(t)}
	c := spawn(t, listening, []string{"PORT=0", "NATS_URL=" + ns.URL(), "DATABASE_URL=" + onLoopback(t, testkit.Postgres(t, migrations.Up))}, buildService(t, "catalog"))
	client := api.NewClient("http://127.0.0.1:" + c.addr)
	env := []string{"PORT=0", "NATS_URL=" + ns.URL(), "GITHUB_API_URL=" + h.github.URL, "PLUGPACK_SOURCES=" + writeSources(t)}
	start := func() *process { return spawn(t, listening, env, buildService(t, "scraper")) }

	external, commits := h.offer()
	states := map[string]plugpack.State{"gone": plugpack.StateMissing, "inside": plugpack.StateUnsupported, "unknown": plugpack.StateUnsupported}
	h.list(t, "acme/every", external)

	under, release := make(chan struct{}), make(chan struct{})
	h.github.Fault(testkit.GitHubFault{Path: "^/codeload/ext/hub", Times: 1, Hook: func() { close(under); <-release }})
	victim := start()
	queue(t, b, "github.com/acme/every")
	select {
	case <-under:
	case <-t.Context().Done():
		t.Fatal("no plugin was fetched")
	}
	victim.kill()
	close(release)
	second := start()

	check := func(market plugpack.MarketplaceKey, want int) {
		t.Helper()
		var ps []api.Plugin
		testkit.Eventually(t, "the plugins of "+string(market), func(ctx context.Context) bool {
			var err error
			ps, _, err = client.Plugins(ctx, url.Values{"marketplace": {string(market)}, "limit": {"100"}})
			return err == nil && len(ps) >= want
		})
		for _, p := range ps {
			page, _, err := client.Plugin(t.Context(), p.Slug)
			if err != nil {
				t.Fatal(err)
			}
			if state, ok := states[p.Name]; ok {
				if page.State != state || page.StateReason == "" || len(page.Components) != 0 {
					t.Errorf("%s is %s: %s", p.Name, page.State, page.StateReason)
				}
				continue
			}
			if page.State != plugpack.StateRead || len(page.Components) != 1 || page.Components[0].Name != p.Name || p.Name != "relative" && page.Commit != commits[p.Name] {
				t.Errorf("%s is %s (%s) at %s with %+v", p.Name, page.State, page.StateReason, page.Commit, page.Components)
			}
		}
	}
	check("github.com/acme/every", len(external)+1)
	if asked := h.asked(); len(asked) == 0 {
		t.Error("nobody asked the hosts")
	}

	h.github.Write("beta/again", ".claude-plugin/marketplace.json", marketOf(t, external))
	second.interrupt()
	third := start()
	queue(t, b, "github.com/beta/again")
	check("github.com/beta/again", len(external))
	if asked := h.asked(); len(asked) != 0 {
		t.Errorf("a second marketplace with the same origins asked for %q", asked)
	}
	third.interrupt()
	c.interrupt()
}
