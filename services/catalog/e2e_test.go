//go:build e2e

package catalog_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// TestRealClient lets the real client install packs from a running catalog. It
// is run by make e2e, which names the program in CLIENT: it has a home of its
// own, and its Git is led from github.com and from the hub's public address to
// servers of this test.
func TestRealClient(t *testing.T) {
	program := os.Getenv("CLIENT")
	if program == "" {
		t.Fatal("CLIENT: want the path of the client's program; make e2e CLIENT=path")
	}
	w := newWorld(t, start(t, 1), program)
	w.commit("acme/tools", "1", map[string]string{
		".claude-plugin/marketplace.json": `{"name":"acme-tools","owner":{"name":"Acme"},"plugins":[
			{"name":"alpha","source":"./plugins/alpha"},{"name":"solo","source":{"source":"github","repo":"acme/solo"}},
			{"name":"needy","source":"./plugins/needy"},{"name":"Base.Kit","source":"./plugins/base"},
			{"name":"inline","source":"./plugins/inline","mcpServers":{"db":{"command":"npx","args":["db"]}},
				"hooks":{"Stop":[{"hooks":[{"type":"command","command":"echo done"}]}]}}]}`,
		"plugins/needy/.claude-plugin/plugin.json": `{"name":"needy","description":"Needs another","dependencies":["Base.Kit@^1"]}`,
		"plugins/needy/skills/n/SKILL.md":          "---\ndescription: Needy\n---\nNeeds.\n",
		"plugins/base/skills/b/SKILL.md":           "---\ndescription: Base\n---\nBase.\n",
		"plugins/inline/skills/i/SKILL.md":         "---\ndescription: Inline\n---\nInline.\n",
		"plugins/alpha/skills/a/SKILL.md":          "---\ndescription: Alpha\n---\nFirst.\n",
	})
	w.commit("acme/solo", "1", map[string]string{
		".claude-plugin/plugin.json": `{"name":"solo","description":"Alone"}`, "skills/hello/SKILL.md": "---\ndescription: Says hello\n---\nHi.\n",
	})
	w.scan(0)
	w.f.seed("demo", "acme-tools-alpha", "acme-tools-solo")
	address := w.f.server.URL + "/api/packs/slug/demo/marketplace.json"

	w.must("marketplace", "add", address)
	if out := w.must("list", "--json", "--available"); strings.Count(out, `"plugpack-demo"`) != 3 {
		t.Fatalf("want three entries of the pack:\n%s", out)
	}
	if out := w.must("install", "all@plugpack-demo"); !strings.Contains(out, "2 dependencies") {
		t.Fatalf("the pack's plugins did not come with it:\n%s", out)
	}
	for _, name := range []string{"alpha", "solo"} {
		if got := w.version(name + "@plugpack-demo"); !strings.HasPrefix(got, w.head("acme/" + map[string]string{"alpha": "tools", "solo": "solo"}[name])[:12]) {
			t.Fatalf("%s is installed as %s", name, got)
		}
	}
	if got := w.version("all@plugpack-demo"); got == "" {
		t.Fatal("the entry for all is not installed")
	}
	w.must("details", "alpha@plugpack-demo")

	begin := w.head("acme/tools") // the second commit leaves the other plugins as they are
	first := w.f.get("/api/packs/slug/demo/marketplace.json").Header().Get("Content-Location")
	w.commit("acme/tools", "2", map[string]string{"plugins/alpha/skills/a/SKILL.md": "---\ndescription: Alpha\n---\nSecond.\n"})
	w.scan(1)
	second := w.f.get("/api/packs/slug/demo/marketplace.json").Header().Get("Content-Location")
	t.Logf("the pack was %s and is %s", first, second)
	if first == second {
		t.Fatal("the pack has the same digest after an upstream change")
	}
	w.must("marketplace", "update", "plugpack-demo")
	w.must("update", "alpha@plugpack-demo")
	if got := w.version("alpha@plugpack-demo"); !strings.HasPrefix(got, w.head("acme/tools")[:12]) {
		t.Fatalf("updated to %s, want %s", got, w.head("acme/tools"))
	}

	t.Run("an earlier pack is still there under its digest", func(t *testing.T) {
		old := w.f.get(first)
		if old.Code != http.StatusOK || strings.Contains(old.Body.String(), w.head("acme/tools")) {
			t.Fatalf("%d %s", old.Code, old.Body)
		}
	})
	t.Run("a plugin alone", func(t *testing.T) {
		w.must("marketplace", "add", w.f.server.URL+"/api/plugins/slug/acme-tools-solo/marketplace.json")
		w.must("install", "solo@plugpack-acme-tools-solo")
	})
	t.Run("what a plugin needs and what its entry writes out comes with it", func(t *testing.T) {
		w.f.seed("whole", "acme-tools-needy", "acme-tools-inline")
		w.must("marketplace", "add", w.f.server.URL+"/api/packs/slug/whole/marketplace.json")
		if out := w.must("install", "all@plugpack-whole"); !strings.Contains(out, "3 dependencies") {
			t.Fatalf("want needy, what it needs, and inline:\n%s", out)
		}
		for _, name := range []string{"needy", "Base.Kit", "inline"} {
			if got := w.version(name + "@plugpack-whole"); !strings.HasPrefix(got, begin[:12]) {
				t.Errorf("%s is installed as %q", name, got)
			}
		}
		if out := w.must("list"); strings.Contains(out, "failed to load") {
			t.Errorf("something does not load:\n%s", out)
		}
		if out := w.must("details", "inline@plugpack-whole"); !strings.Contains(out, "Stop") || !strings.Contains(out, "db") {
			t.Errorf("the hook or the server did not come:\n%s", out)
		}
		w.must("marketplace", "add", w.f.server.URL+"/api/plugins/slug/acme-tools-needy/marketplace.json")
		if out := w.must("install", "needy@plugpack-acme-tools-needy"); !strings.Contains(out, "1 dependency") {
			t.Errorf("alone, it came without what it needs:\n%s", out)
		}
	})
	t.Run("a bad pin fails in the client's own words", func(t *testing.T) {
		bad := sample.Observation("acme/tools", "bad", 3)
		bad.Facts.Commit = strings.Repeat("a", 40)
		w.f.publish(events.NewPluginUpdated(bad))
		w.f.changed("acme-tools-bad", 1)
		w.must("marketplace", "add", w.f.server.URL+"/api/plugins/slug/acme-tools-bad/marketplace.json")
		if out, err := w.client("install", "bad@plugpack-acme-tools-bad"); err == nil || !strings.Contains(out, "Failed to") {
			t.Fatalf("%v: %s", err, out)
		}
	})
	w.must("uninstall", "all@plugpack-demo", "--prune", "-y")
	w.must("marketplace", "remove", "plugpack-demo")
}

// world is what the client sees: repositories, the hub, and a home.
type world struct {
	t       *testing.T
	f       *fixture
	program string
	dir     string
}

func newWorld(t *testing.T, f *fixture, program string) *world {
	w := &world{t: t, f: f, program: program, dir: t.TempDir()}
	exec, err := w.run(w.dir, "git", "--exec-path")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(exec), "git-http-backend"), Root: "/git",
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(w.dir, "git"), "GIT_HTTP_EXPORT_ALL=1"},
	})
	t.Cleanup(server.Close)
	config := "[url \"" + server.URL + "/git/\"]\n\tinsteadOf = https://github.com/\n" +
		"[url \"" + f.server.URL + "/\"]\n\tinsteadOf = https://plugpack.example/\n"
	if err := os.MkdirAll(filepath.Join(w.dir, "home"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "home", ".gitconfig"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return w
}

// commit writes the files into the repository and publishes it as a bare one.
func (w *world) commit(repo, message string, files map[string]string) {
	w.t.Helper()
	work, bare := filepath.Join(w.dir, "work", repo), filepath.Join(w.dir, "git", repo+".git")
	for name, text := range files {
		path := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", work}, {"-C", work, "add", "-A"}, {"-C", work, "commit", "-qm", message},
		{"init", "-q", "--bare", "-b", "main", bare}, {"-C", work, "push", "-q", bare, "main"},
	} {
		if out, err := w.run(w.dir, "git", args...); err != nil {
			w.t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}

func (w *world) head(repo string) string {
	w.t.Helper()
	out, err := w.run(w.dir, "git", "-C", filepath.Join(w.dir, "work", repo), "rev-parse", "HEAD")
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// scan reads acme/tools as a scraper does, with the repositories that its
// entries name, and publishes what it saw.
func (w *world) scan(n int) {
	w.t.Helper()
	content, err := marketplace.Read(w.read("acme/tools"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.f.publish(events.NewMarketplaceScanned(sample.Listing("acme/tools", n, content.Names...)))
	open := func(o marketplace.Origin) (marketplace.Files, error) {
		return marketplace.Files{Input: w.read(strings.TrimPrefix(o.Address, "https://github.com/")), Close: func() {}}, nil
	}
	for p := range content.Plugins(open) {
		o := sample.Observation("acme/tools", p.Name, n)
		o.Facts = p.Facts
		w.f.publish(events.NewPluginUpdated(o))
	}
	w.f.changed("acme-tools-alpha", int64(n+1))
	w.f.changed("acme-tools-solo", 1)
}

func (w *world) read(repo string) marketplace.Input {
	w.t.Helper()
	files := os.DirFS(filepath.Join(w.dir, "work", repo))
	tree, err := marketplace.ReadTree(w.t.Context(), files, ".git")
	if err != nil {
		w.t.Fatal(err)
	}
	return marketplace.Input{FS: files, Tree: tree, Key: plugpack.NewMarketplaceKey("github.com", repo), Commit: w.head(repo)}
}

// version gives the version of an installed plugin.
func (w *world) version(id string) string {
	w.t.Helper()
	var installed []struct{ ID, Version string }
	out := w.must("list", "--json")
	if err := json.Unmarshal([]byte(out), &installed); err != nil {
		w.t.Fatalf("%v in %s", err, out)
	}
	for _, p := range installed {
		if p.ID == id {
			return p.Version
		}
	}
	return ""
}

func (w *world) must(args ...string) string {
	w.t.Helper()
	out, err := w.client(args...)
	if err != nil {
		w.t.Fatalf("client %v: %v\n%s", args, err, out)
	}
	return out
}

// client runs "plugin" of the real client and shows what it says.
func (w *world) client(args ...string) (string, error) {
	out, err := w.run(filepath.Join(w.dir, "home"), w.program, append([]string{"plugin"}, args...)...)
	w.t.Logf("plugin %s\n%s", strings.Join(args, " "), strings.TrimSpace(out))
	return out, err
}

func (w *world) run(dir, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 100*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"HOME=" + filepath.Join(w.dir, "home"), "PATH=" + os.Getenv("PATH"), "DISABLE_TELEMETRY=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@t", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@t",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
