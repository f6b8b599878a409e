package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

const from = plugpack.MarketplaceKey("github.com/acme/tools")

var plugin = map[string]string{".claude-plugin/plugin.json": `{"name":"p"}`, "commands/c.md": "C", "deep/er/f.txt": "F"}

// world is a fetcher with one of each host.
type world struct {
	*Fetcher
	github *testkit.GitHubServer
	git    *testkit.GitServer
	files  *testkit.FileServer
}

func newWorld(t *testing.T, credentials ...github.Credential) *world {
	t.Helper()
	empty := filepath.Join(t.TempDir(), "empty.txtar")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := &world{github: testkit.GitHub(t, empty), git: testkit.Git(t), files: testkit.Files(t)}
	clients, err := github.NewClients(github.Options{BaseURL: w.github.URL, Token: "USUAL"}, nil, credentials)
	if err != nil {
		t.Fatal(err)
	}
	temp, err := archive.OpenTemp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = temp.Close() })
	w.Fetcher = New(clients, temp, testkit.Log(t), time.Now)
	return w
}

// get fetches and gives the names of the files.
func (w *world) get(t *testing.T, o marketplace.Origin, known Known, within ...string) (Fetched, []string, error) {
	t.Helper()
	got, err := w.Fetch(t.Context(), o, from, known, within)
	if err != nil || got.Dir == nil {
		return got, nil, err
	}
	t.Cleanup(func() { _ = got.Dir.Close() })
	var names []string
	err = fs.WalkDir(got.Dir.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, p)
		}
		return err
	})
	return got, names, err
}

func (w *world) fill(repo string) string {
	for name, text := range plugin {
		w.github.Write(repo, name, text)
	}
	return w.github.Commit(repo)
}

func hub(repo string) marketplace.Origin {
	return marketplace.Origin{Kind: plugpack.SourceURL, Address: "https://github.com/" + repo}
}

func wantKind(t *testing.T, err error, kind errs.Kind, text string) {
	t.Helper()
	if errs.KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v: %v; want %v with %q", errs.KindOf(err), err, kind, text)
	}
}

var all = slices.Sorted(maps.Keys(plugin))

func TestGitHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.fill("x/y")
	w.github.Tag("x/y", "v1")
	w.github.Write("x/y", "new.md", "N")
	second := w.github.Commit("x/y")

	t.Run("the newest commit", func(t *testing.T) {
		got, names, err := w.get(t, hub("x/y"), Known{})
		if err != nil || got.Commit != second || len(names) != 4 {
			t.Fatalf("got %+v with %v, %v", got, names, err)
		}
		again, _, err := w.get(t, hub("x/y"), got.Known)
		if err != nil || again.Dir != nil || again.Known != got.Known {
			t.Errorf("what is known gave %+v, %v", again, err)
		}
		again, _, err = w.get(t, hub("x/y"), Known{Commit: second})
		if err != nil || again.Dir != nil || again.Known != got.Known {
			t.Errorf("a known commit without its ETag gave %+v, %v", again, err)
		}
	})
	t.Run("a tag and a commit", func(t *testing.T) {
		for _, change := range []func(*marketplace.Origin){func(o *marketplace.Origin) { o.Ref = "v1" }, func(o *marketplace.Origin) { o.SHA = first }} {
			o := hub("x/y")
			change(&o)
			got, names, err := w.get(t, o, Known{})
			if err != nil || got.Commit != first || !slices.Equal(names, all) {
				t.Errorf("got %+v with %v, %v", got, names, err)
			}
		}
	})
	t.Run("only the wanted folder", func(t *testing.T) {
		_, names, err := w.get(t, hub("x/y"), Known{}, "deep/er")
		if err != nil || !slices.Equal(names, []string{"deep/er/f.txt"}) {
			t.Errorf("got %v, %v", names, err)
		}
	})
	t.Run("it costs nothing of the API's limit and no token is sent", func(t *testing.T) {
		for _, r := range w.github.Requests() {
			if !r.Download {
				t.Errorf("asked the API for %s", r.Path)
			}
		}
	})
	t.Run("what is gone", func(t *testing.T) {
		_, _, err := w.get(t, hub("no/where"), Known{})
		wantKind(t, err, errs.NotFound, "github.com has no repository no/where")
		o := hub("x/y")
		o.SHA = strings.Repeat("a", 40)
		_, _, err = w.get(t, o, Known{})
		wantKind(t, err, errs.NotFound, "the commit aaaaaaaaaaaa")
	})
}

// A token goes to its own host for its own owner, and nowhere else.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, github.Credential{Marketplace: from, Token: "OWN"})
	w.fill("acme/private")
	w.fill("other/private")
	w.github.RequireToken("OWN")
	w.github.Fault(testkit.GitHubFault{Path: "^/codeload/[^/]+/private/legacy", Status: http.StatusNotFound})
	if _, names, err := w.get(t, hub("acme/private"), Known{}); err != nil || !slices.Equal(names, all) {
		t.Errorf("its own owner's repository gave %v, %v", names, err)
	}
	if w.Scope(hub("acme/private"), from) != string(from) || w.Scope(hub("other/private"), from) != "" || w.Scope(hub("acme/private"), "github.com/acme/else") != "" {
		t.Error("what a token opened is not kept apart, or what needs none is")
	}
	w.github.Requests()
	_, _, err := w.get(t, hub("other/private"), Known{})
	wantKind(t, err, errs.NotFound, "private")
	for _, r := range w.github.Requests() {
		if !r.Download {
			t.Errorf("asked the API for another owner's %s", r.Path)
		}
	}
}

func TestAnOperatorsServerIsForItsOwnMarketplaces(t *testing.T) {
	t.Parallel()
	clients, err := github.NewClients(github.Options{BaseURL: "https://api.github.com/"}, []github.Server{{Host: "git.corp.example", Options: github.Options{BaseURL: "https://10.0.0.9/api/v3/", Token: "T"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := New(clients, nil, testkit.Log(t), time.Now)
	o := marketplace.Origin{Kind: plugpack.SourceURL, Address: "https://git.corp.example/acme/secret"}
	_, err = f.Fetch(t.Context(), o, from, Known{}, nil)
	wantKind(t, err, errs.Forbidden, "its own marketplaces only")
	if f.credential(o, from) != nil || f.credential(o, "git.corp.example/other/market") != nil || f.credential(o, "git.corp.example/acme/market") == nil {
		t.Error("the server's token is not for its own owner's repositories only")
	}
}

func TestGit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.git.Commit("group/sub/tools", plugin)
	w.git.Run("group/sub/tools", "tag", "-a", "v1", "-m", "One.")
	more := maps.Clone(plugin)
	more["l.md -> commands/c.md"], more["out -> ../../etc/passwd"] = "", ""
	second := w.git.Commit("group/sub/tools", more)
	o := marketplace.Origin{Kind: plugpack.SourceURL, Address: w.git.URL + "/group/sub/tools"}
	w.git.Requests()

	t.Run("the newest commit, without history", func(t *testing.T) {
		got, names, err := w.get(t, o, Known{})
		if err != nil || got.Commit != second || !slices.Equal(names, append(slices.Clone(all), "l.md")) {
			t.Fatalf("got %+v with %v, %v", got, names, err)
		}
		if tree, err := got.Dir.Tree(t.Context()); err != nil || !slices.ContainsFunc(tree, func(e marketplace.TreeEntry) bool { return e.Path == "out" && e.Link != "" }) {
			t.Errorf("the link that leads out is not listed: %v, %v", tree, err)
		}
		if asked := w.git.Requests(); len(asked) != 2 {
			t.Errorf("asked %q", asked)
		}
		again, _, err := w.get(t, o, got.Known)
		if err != nil || again.Dir != nil || again.Known != got.Known {
			t.Errorf("what is known gave %+v, %v", again, err)
		}
		if asked := w.git.Requests(); len(asked) != 1 {
			t.Errorf("asked %q of a known commit", asked)
		}
	})
	t.Run("a tag, a branch and a commit", func(t *testing.T) {
		for _, tt := range []struct{ ref, sha, want string }{{"v1", "", first}, {"main", "", second}, {"", first, first}} {
			o := o
			o.Ref, o.SHA = tt.ref, tt.sha
			if got, _, err := w.get(t, o, Known{}); err != nil || got.Commit != tt.want {
				t.Errorf("%+v: got %+v, %v", tt, got, err)
			}
		}
	})
	t.Run("only the wanted folder", func(t *testing.T) {
		if _, names, err := w.get(t, o, Known{}, "deep/er", "nowhere"); err != nil || !slices.Equal(names, []string{"deep/er/f.txt"}) {
			t.Errorf("got %v, %v", names, err)
		}
	})
	t.Run("what is gone", func(t *testing.T) {
		gone := o
		gone.Address += "-no"
		_, _, err := w.get(t, gone, Known{})
		wantKind(t, err, errs.NotFound, "no repository")
		gone = o
		gone.Ref = "nowhere"
		_, _, err = w.get(t, gone, Known{})
		wantKind(t, err, errs.NotFound, "with the branch or tag nowhere")
		gone.Ref, gone.SHA = "", strings.Repeat("a", 40)
		_, _, err = w.get(t, gone, Known{})
		wantKind(t, err, errs.NotFound, "no longer has the commit")
	})
	t.Run("an empty repository", func(t *testing.T) {
		empty := o
		empty.Address = w.git.URL + "/empty"
		w.git.Commit("empty", nil)
		w.git.Run("empty", "update-ref", "-d", "HEAD")
		_, _, err := w.get(t, empty, Known{})
		wantKind(t, err, errs.Invalid, "empty")
	})
	t.Run("a host that hands out no commit by its id", func(t *testing.T) {
		w.git.Run("group/sub/tools", "config", "uploadpack.allowAnySHA1InWant", "false")
		defer w.git.Run("group/sub/tools", "config", "uploadpack.allowAnySHA1InWant", "true")
		o := o
		o.SHA = strings.Repeat("b", 40)
		_, _, err := w.get(t, o, Known{})
		wantKind(t, err, errs.Forbidden, "by its id")
		o.SHA = second
		if got, _, err := w.get(t, o, Known{}); err != nil || got.Commit != second {
			t.Errorf("its newest one gave %+v, %v", got, err)
		}
	})
	t.Run("submodules are listed and not followed", func(t *testing.T) {
		w.git.Commit("super", map[string]string{"f": "F"})
		blob := w.git.Run("super", "rev-parse", "HEAD:f")
		w.git.Run("super", "read-tree", "--empty")
		w.git.Run("super", "update-index", "--add", "--cacheinfo", "100644,"+blob+",f", "--cacheinfo", "160000,"+first+",sub")
		tree := w.git.Run("super", "write-tree")
		w.git.Run("super", "update-ref", "HEAD", w.git.Run("super", "commit-tree", tree, "-m", "Sub."))
		o := o
		o.Address = w.git.URL + "/super"
		got, names, err := w.get(t, o, Known{})
		if err != nil || !slices.Equal(names, []string{"f"}) {
			t.Fatalf("got %v, %v", names, err)
		}
		if tree, _ := got.Dir.Tree(t.Context()); len(tree) != 2 || tree[1] != marketplace.SubmoduleEntry("sub", first) {
			t.Errorf("got %+v", tree)
		}
	})
	t.Run("limits", func(t *testing.T) {
		w := &world{Fetcher: &Fetcher{clients: w.clients, temp: w.temp, log: w.log, now: time.Now, public: w.public, sites: w.sites, timeout: timeout, limits: archive.DefaultLimits}}
		w.git = testkit.Git(t)
		w.limits.File, w.limits.Total, w.limits.Entries = 1000, 4000, 10
		big := func(repo string, files map[string]string) error {
			w.git.Commit(repo, files)
			_, names, err := w.get(t, marketplace.Origin{Kind: plugpack.SourceURL, Address: w.git.URL + "/" + repo}, Known{})
			if err == nil && !slices.Equal(names, []string{"small"}) {
				t.Errorf("%s: got %v", repo, names)
			}
			return err
		}
		if err := big("file", map[string]string{"f": strings.Repeat("x", 2000), "small": "s"}); err != nil {
			t.Errorf("a host that can leave out large files gave %v", err)
		}
		many, much := map[string]string{}, map[string]string{}
		for i := range 30 {
			name := string(rune('a' + i))
			many[name], much[name] = name, strings.Repeat(name, 900)
		}
		wantKind(t, big("many", many), errs.Invalid, "more than 10 files")
		wantKind(t, big("much", much), errs.Invalid, "together")
		w.git.Commit("nofilter", map[string]string{"f": strings.Repeat("x", 2000)})
		w.git.Run("nofilter", "config", "uploadpack.allowFilter", "false")
		wantKind(t, big("nofilter", map[string]string{"f": strings.Repeat("y", 2000)}), errs.Invalid, "a file larger")
		w.limits.Compressed = 100
		wantKind(t, big("packed", map[string]string{"f": rnd(500)}), errs.Invalid, "larger than")
	})
}

// rnd is text that does not compress.
func rnd(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		b.WriteString(hex.EncodeToString(sum[:]))
	}
	return b.String()[:n]
}

func TestNPM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, version := range []string{"1.0.0", "1.2.0", "2.0.0-rc.1", "1.10.0"} {
		w.files.Publish("@x/y", version, plugin)
	}
	npm := func(version string) marketplace.Origin {
		return marketplace.Origin{Kind: plugpack.SourceNPM, Address: w.files.URL, Package: "@x/y", Version: version}
	}
	for want, versions := range map[string][]string{"1.10.0": {"", "latest", "^1", "1.x", ">=1.2 <2"}, "1.2.0": {"1.2.0", "~1.2"}, "2.0.0-rc.1": {"2.0.0-rc.1"}} {
		for _, version := range versions {
			got, names, err := w.get(t, npm(version), Known{})
			if err != nil || got.Commit != want || !slices.Equal(names, all) {
				t.Errorf("%q: got %+v with %v, %v", version, got, names, err)
			}
			w.files.Requests()
			again, _, err := w.get(t, npm(version), got.Known)
			if asked := w.files.Requests(); err != nil || again.Dir != nil || again.Known != got.Known || len(asked) != 1 || !strings.HasSuffix(asked[0], "Not Modified") {
				t.Errorf("%q: what is known gave %+v, %v by %q", version, again, err, asked)
			}
		}
	}
	_, _, err := w.get(t, npm("^3"), Known{})
	wantKind(t, err, errs.NotFound, "no version ^3")
	_, _, err = w.get(t, npm("no such tag"), Known{})
	wantKind(t, err, errs.NotFound, "no version")
	none := npm("")
	none.Package = "no-such"
	_, _, err = w.get(t, none, Known{})
	wantKind(t, err, errs.NotFound, "no package no-such")
	w.files.Integrity("@x/y", "1.0.0", "sha512-"+strings.Repeat("A", 86)+"==")
	_, _, err = w.get(t, npm("1.0.0"), Known{})
	wantKind(t, err, errs.Invalid, "not the one that the registry names")
	w.files.Integrity("@x/y", "1.0.0", "sha1-abc")
	_, _, err = w.get(t, npm("1.0.0"), Known{})
	wantKind(t, err, errs.Invalid, "no SHA-512")
}

func TestArchive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := testkit.Zip("p-1.0", plugin)
	sum := sha256.Sum256(b)
	digest := hex.EncodeToString(sum[:])
	o := marketplace.Origin{Kind: plugpack.SourceArchive, Address: w.files.Put("/p.zip", b)}
	got, names, err := w.get(t, o, Known{})
	if err != nil || got.Commit != digest || !slices.Equal(names, all) {
		t.Fatalf("got %+v with %v, %v", got, names, err)
	}
	if again, _, err := w.get(t, o, got.Known); err != nil || again.Dir != nil || again.Known != got.Known {
		t.Errorf("what is known gave %+v, %v", again, err)
	}
	o.SHA256 = digest
	if _, names, err := w.get(t, o, Known{}); err != nil || len(names) != 3 {
		t.Errorf("the right digest gave %v, %v", names, err)
	}
	o.SHA256 = strings.Repeat("0", 64)
	_, _, err = w.get(t, o, Known{})
	wantKind(t, err, errs.Invalid, "SHA-256")
	o.SHA256 = ""
	w.limits.Compressed = 10
	_, _, err = w.get(t, o, Known{})
	wantKind(t, err, errs.Invalid, "larger than")
}

func TestHostsThatCannotAnswer(t *testing.T) {
	t.Parallel()
	at := func(w *world) marketplace.Origin {
		return marketplace.Origin{Kind: plugpack.SourceArchive, Address: w.files.Put("/p.zip", testkit.Zip("", plugin))}
	}
	for status, want := range map[int]errs.Kind{401: errs.NotFound, 403: errs.NotFound, 404: errs.NotFound, 410: errs.NotFound, 451: errs.NotFound, 500: errs.Unavailable, 502: errs.Unavailable, 429: errs.TooMany} {
		w := newWorld(t)
		o := at(w)
		w.files.Answer("/p.zip", testkit.FileAnswer{Status: status})
		_, _, err := w.get(t, o, Known{})
		wantKind(t, err, want, "")
	}
	t.Run("a host that asks for a pause is left alone", func(t *testing.T) {
		w := newWorld(t)
		now := time.Now()
		w.now = func() time.Time { return now }
		o := at(w)
		w.files.Answer("/p.zip", testkit.FileAnswer{Status: 503, Header: http.Header{"Retry-After": {"120"}}})
		for range 3 {
			_, _, err := w.get(t, o, Known{})
			wantKind(t, err, errs.TooMany, "asks for a pause")
			if wait := errs.RetryAfter(err); wait != 2*time.Minute {
				t.Errorf("wait %v", wait)
			}
		}
		if asked := w.files.Requests(); len(asked) != 1 {
			t.Errorf("asked %q", asked)
		}
		now = now.Add(3 * time.Minute)
		_, _, _ = w.get(t, o, Known{})
		if asked := w.files.Requests(); len(asked) != 1 {
			t.Errorf("asked %q after the pause", asked)
		}
	})
	t.Run("addresses that no plugin may have", func(t *testing.T) {
		w := newWorld(t)
		for _, address := range []string{"https://169.254.169.254/x", "http://10.0.0.1/x", "https://[64:ff9b::a9fe:a9fe]/x", "http://example.com/x", "ftp://example.com/x", "file:///etc"} {
			for _, kind := range []plugpack.SourceKind{plugpack.SourceURL, plugpack.SourceNPM, plugpack.SourceArchive} {
				_, _, err := w.get(t, marketplace.Origin{Kind: kind, Address: address, Package: "p"}, Known{})
				wantKind(t, err, errs.Forbidden, "its source")
			}
		}
	})
	t.Run("a redirect to such an address", func(t *testing.T) {
		w := newWorld(t)
		o := at(w)
		w.files.Answer("/p.zip", testkit.FileAnswer{Status: 302, Header: http.Header{"Location": {"http://169.254.169.254/latest/meta-data/"}}})
		_, _, err := w.get(t, o, Known{})
		wantKind(t, err, errs.Forbidden, "public internet")
	})
	t.Run("a tarball that the registry has there", func(t *testing.T) {
		w := newWorld(t)
		w.files.Put("/p", []byte(`{"dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"dist":{"tarball":"http://10.0.0.1/p.tgz","integrity":"sha512-`+strings.Repeat("A", 86)+`=="}}}}`))
		_, _, err := w.get(t, marketplace.Origin{Kind: plugpack.SourceNPM, Address: w.files.URL, Package: "p"}, Known{})
		wantKind(t, err, errs.Forbidden, "public internet")
	})
}

// Whoever waits for a slot of one host keeps nobody from another.
func TestHostsAreApart(t *testing.T) {
	t.Parallel()
	var h hosts
	var leave []func()
	for range perHost {
		l, err := h.enter(t.Context(), "slow", time.Now)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	waiting := make(chan error, 1)
	go func() {
		l, err := h.enter(t.Context(), "slow", time.Now)
		if err == nil {
			l()
		}
		waiting <- err
	}()
	l, err := h.enter(t.Context(), "quick", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l()
	select {
	case err := <-waiting:
		t.Fatalf("a host was entered once more than it may: %v", err)
	default:
	}
	leave[0]()
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
}
