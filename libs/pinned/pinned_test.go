package pinned_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/pinned"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

var hub = pinned.Origin{URL: "https://plugpack.example", Empty: "/api/git/empty.git", EmptySHA: strings.Repeat("e", 40)}

// judged fails unless every client lists and can install each entry.
func judged(t *testing.T, f pinned.File) {
	t.Helper()
	for _, client := range claudecode.Profiles() {
		a := client.Add(f.Body, claudecode.Place{Kind: claudecode.PlaceURL})
		if a.Rejected != "" {
			t.Fatalf("the client refuses the file: %s\n%s", a.Rejected, f.Body)
		}
		if len(a.Entries) != len(f.Marketplace.Plugins) {
			t.Fatalf("%d of %d entries are listed", len(a.Entries), len(f.Marketplace.Plugins))
		}
		listed := map[string]bool{}
		for _, e := range a.Entries {
			listed[e.Name] = true
		}
		for _, e := range a.Entries {
			var o map[string]any
			if err := json.Unmarshal(e.Raw, &o); err != nil {
				t.Fatal(err)
			}
			refused := claudecode.SourceRefused(o["source"], claudecode.Place{Kind: claudecode.PlaceURL})
			if e.Result != plugpack.AddListed || refused != "" {
				t.Fatalf("%s is %s: %s %s", e.Name, e.Result, e.Reason, refused)
			}
			for _, d := range claudecode.Dependencies(o["dependencies"]) {
				if !listed[d.Name] {
					t.Fatalf("%s needs %s, which is not in the file", e.Name, d.Name)
				}
			}
		}
	}
	for _, e := range f.Marketplace.Plugins {
		if !strings.HasPrefix(e.Source.URL, "https://") || len(e.Source.SHA) != 40 || e.Source.Source != "url" && e.Source.Source != "git-subdir" {
			t.Fatalf("%s is fetched from %+v", e.Name, e.Source)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	commit, other := fmt.Sprintf("%040x", 2), strings.Repeat("a", 40)
	for name, c := range map[string]struct {
		source plugpack.Source
		want   pinned.Source
	}{
		"a folder of its marketplace": {
			plugpack.Source{Kind: plugpack.SourceRelative, Path: "./plugins/x/"},
			pinned.Source{Source: "git-subdir", URL: "https://github.com/acme/Tools.git", Path: "plugins/x", SHA: commit},
		},
		"its whole marketplace": {
			plugpack.Source{Kind: plugpack.SourceRelative, Path: "./"},
			pinned.Source{Source: "url", URL: "https://github.com/acme/Tools.git", SHA: commit},
		},
		"a github source, which the client fetches over SSH": {
			plugpack.Source{Kind: plugpack.SourceGitHub, Repo: "acme/x", Ref: "main"},
			pinned.Source{Source: "url", URL: "https://github.com/acme/x.git", SHA: commit},
		},
		"its author's own pin": {
			plugpack.Source{Kind: plugpack.SourceURL, URL: "https://git.example/x.git", SHA: other},
			pinned.Source{Source: "url", URL: "https://git.example/x.git", SHA: other},
		},
		"a folder elsewhere, by a short name": {
			plugpack.Source{Kind: plugpack.SourceGitSubdir, URL: "acme/mono", Path: "./a/b/"},
			pinned.Source{Source: "git-subdir", URL: "https://github.com/acme/mono.git", Path: "a/b", SHA: commit},
		},
		"an SSH address": {
			plugpack.Source{Kind: plugpack.SourceURL, URL: "git@gitlab.com:acme/x.git"},
			pinned.Source{Source: "url", URL: "https://gitlab.com/acme/x.git", SHA: commit},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sample.Plugin("acme/tools", "x", 1)
			p.Marketplace.Repository, p.Facts.Source = "acme/Tools", c.source
			f, err := hub.Plugin(p, nil)
			if err != nil || len(f.Marketplace.Plugins) != 1 {
				t.Fatalf("%v, left %v", err, f.Left)
			}
			judged(t, f)
			if diff := cmp.Diff(c.want, f.Marketplace.Plugins[0].Source); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestLeftOut(t *testing.T) {
	t.Parallel()
	for reason, change := range map[string]func(*plugpack.Plugin){
		"was removed":      func(p *plugpack.Plugin) { p.Removed = true },
		"cannot be pinned": func(p *plugpack.Plugin) { p.Facts.Source = plugpack.Source{Kind: plugpack.SourceNPM, Package: "x"} },
		"is not known yet": func(p *plugpack.Plugin) { p.Facts.Commit = "" },
		"no https address": func(p *plugpack.Plugin) {
			p.Facts.Source = plugpack.Source{Kind: plugpack.SourceURL, URL: "http://x.example/a.git"}
		},
		"folder of one": func(p *plugpack.Plugin) { p.Marketplace.Key = "local/srv/x" },
		"hooks, mcpServers": func(p *plugpack.Plugin) {
			p.Facts.Declared = &plugpack.Declared{Inline: []string{"hooks", "mcpServers"}}
		},
		"it needs base of the marketplace others": needs(plugpack.Dependency{Name: "base", Marketplace: "others"}),
		"it needs base, which its":                needs(plugpack.Dependency{Name: "base"}),
		"no client can":                           func(p *plugpack.Plugin) { p.Facts.State = plugpack.StateBroken },
		"not in its": func(p *plugpack.Plugin) {
			p.Facts.Source = plugpack.Source{Kind: plugpack.SourceGitSubdir, URL: "a/b", Path: "../x"}
		},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			good, bad := sample.Plugin("acme/tools", "good", 1), sample.Plugin("acme/tools", "bad", 1)
			change(&bad)
			f, err := hub.Pack(plugpack.Pack{Slug: "demo"}, []plugpack.Plugin{bad, good}, nil)
			if err != nil || len(f.Left) != 1 || f.Left[0].Slug != bad.Slug || !strings.Contains(f.Left[0].Reason, reason) {
				t.Fatalf("left %+v, %v", f.Left, err)
			}
			judged(t, f)
			if got := f.Marketplace.Plugins; len(got) != 2 || got[0].Name != "good" || got[1].Name != pinned.All || !cmp.Equal(got[1].Dependencies, []string{"good"}) {
				t.Fatalf("the file has %+v", got)
			}
		})
	}
}

func needs(d ...plugpack.Dependency) func(*plugpack.Plugin) {
	return func(p *plugpack.Plugin) { p.Facts.Requirements.Dependencies = d }
}

// What a plugin needs comes with it under its own name, or the plugin stays out.
func TestNeeds(t *testing.T) {
	t.Parallel()
	make := func(repository, name string, change ...func(*plugpack.Plugin)) plugpack.Plugin {
		p := sample.Plugin(repository, name, 1)
		for _, c := range change {
			c(&p)
		}
		return p
	}
	on := func(names ...string) func(*plugpack.Plugin) {
		var all []plugpack.Dependency
		for _, n := range names {
			all = append(all, plugpack.Dependency{Name: n})
		}
		return needs(all...)
	}
	npm := func(p *plugpack.Plugin) { p.Facts.Source = plugpack.Source{Kind: plugpack.SourceNPM, Package: "x"} }
	for name, c := range map[string]struct {
		plugins, needed []plugpack.Plugin
		want            string // entries with what they need
		left            string // slugs and reasons
	}{
		"and what that needs": {
			[]plugpack.Plugin{make("a/a", "x", on("y"))}, []plugpack.Plugin{make("a/a", "y", on("z")), make("a/a", "z")},
			"z y(z) x(y) all(z y x)", "",
		},
		"each other": {
			[]plugpack.Plugin{make("a/a", "x", on("y")), make("a/a", "y", on("x"))}, nil, "y(x) x(y) all(y x)", "",
		},
		"its own marketplace by name, and one that two need": {
			[]plugpack.Plugin{make("a/a", "x", needs(plugpack.Dependency{Name: "y", Marketplace: "a-a", Version: "^1"})), make("a/a", "z", on("y"))},
			[]plugpack.Plugin{make("a/a", "y")}, "y x(y) z(y) all(y x z)", "",
		},
		"a name that is no slug": {
			[]plugpack.Plugin{make("a/a", "x", on("Base.Kit"))}, []plugpack.Plugin{make("a/a", "Base.Kit")}, "Base.Kit x(Base.Kit) all(Base.Kit x)", "",
		},
		"another plugin has the name": {
			[]plugpack.Plugin{make("b/b", "y"), make("a/a", "x", on("y"))}, []plugpack.Plugin{make("a/a", "y")},
			"y all(y)", "a-a-x: it needs y, and the pack has another plugin of that name",
		},
		"one that cannot be pinned": {
			[]plugpack.Plugin{make("a/a", "x", on("y")), make("a/a", "z")}, []plugpack.Plugin{make("a/a", "y", npm)},
			"z all(z)", "a-a-x: it needs y, which the pack cannot have: a source of type npm cannot be pinned to a commit",
		},
		"all": {
			[]plugpack.Plugin{make("a/a", "x", on("all"))}, []plugpack.Plugin{make("a/a", "all")},
			"", "a-a-x: it needs all, and the pack has another plugin of that name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := hub.Pack(plugpack.Pack{Slug: "demo"}, c.plugins, c.needed)
			if err != nil {
				t.Fatal(err)
			}
			judged(t, f)
			var got, left []string
			for _, e := range f.Marketplace.Plugins {
				text := e.Name
				if len(e.Dependencies) > 0 {
					text += "(" + strings.Join(e.Dependencies, " ") + ")"
				}
				got = append(got, text)
			}
			for _, l := range f.Left {
				left = append(left, l.Slug+": "+l.Reason)
			}
			if diff := cmp.Diff([]string{c.want, c.left}, []string{strings.Join(got, " "), strings.Join(left, "; ")}); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

// What a marketplace writes out in an entry is written out again, and the client
// takes it.
func TestWrittenOut(t *testing.T) {
	t.Parallel()
	fields := map[string]json.RawMessage{
		"hooks":      json.RawMessage(`{"Stop":[{"hooks":[{"type":"command","command":"echo done"}]}]}`),
		"mcpServers": json.RawMessage(`{"s":{"command":"npx","env":{"TOKEN":"${TOKEN}"}}}`),
		"lspServers": json.RawMessage(`{"go":{"command":"gopls","extensionToLanguage":{".go":"go"}}}`),
	}
	p := sample.Plugin("acme/tools", "x", 1)
	p.Facts.Declared = &plugpack.Declared{Fields: fields, Digest: strings.Repeat("d", 64)}
	f, err := hub.Plugin(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	judged(t, f)
	var got struct{ Plugins []map[string]json.RawMessage }
	if err := json.Unmarshal(f.Body, &got); err != nil || len(got.Plugins) != 1 {
		t.Fatal(err, string(f.Body))
	}
	for name, want := range fields {
		if string(got.Plugins[0][name]) != string(want) {
			t.Errorf("%s is %s", name, got.Plugins[0][name])
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	t.Run("plugins of one name get names of their own", func(t *testing.T) {
		t.Parallel()
		same := []plugpack.Plugin{sample.Plugin("a/a", "all", 1), sample.Plugin("a/b", "My Tool", 1), sample.Plugin("a/c", "my.tool", 1), sample.Plugin("a/c", "my.tool", 1)}
		f, err := hub.Pack(plugpack.Pack{Slug: "demo", PackText: plugpack.PackText{Name: "Demo"}}, same, nil)
		if err != nil {
			t.Fatal(err)
		}
		judged(t, f)
		var got []string
		for _, e := range f.Marketplace.Plugins {
			got = append(got, e.Name)
		}
		if diff := cmp.Diff([]string{"a-a-all", "my-tool", "a-c-my-tool", "all"}, got); diff != "" || len(f.Left) != 1 {
			t.Fatal(diff, f.Left)
		}
	})
	t.Run("no marketplace has a name that a client refuses", func(t *testing.T) {
		t.Parallel()
		for _, slug := range []string{"demo", "claude-official", "official-anthropic", strings.Repeat("x", 200), "a-b-c"} {
			f, err := hub.Pack(plugpack.Pack{Slug: slug}, []plugpack.Plugin{sample.Plugin("a/a", "x", 1)}, nil)
			if err != nil || !strings.HasPrefix(f.Marketplace.Name, pinned.Prefix) || len(f.Marketplace.Name) > 64 {
				t.Fatalf("%s: %q, %v", slug, f.Marketplace.Name, err)
			}
			judged(t, f)
		}
	})
}

func TestDigest(t *testing.T) {
	t.Parallel()
	p := sample.Plugin("acme/tools", "x", 1)
	render := func(p plugpack.Plugin) pinned.File {
		f, err := hub.Pack(plugpack.Pack{Slug: "demo"}, []plugpack.Plugin{p}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := render(p)
	sum := sha256.Sum256(first.Body)
	if first.Digest != hex.EncodeToString(sum[:]) || render(p).Digest != first.Digest {
		t.Fatalf("the digest %s is not of the bytes, or not the same twice", first.Digest)
	}
	p.Facts.Commit = strings.Repeat("b", 40)
	if render(p).Digest == first.Digest {
		t.Fatal("another commit has the same digest")
	}
}

func TestAllChangesItsVersionWithItsMembers(t *testing.T) {
	t.Parallel()
	version := func(plugins ...plugpack.Plugin) string {
		f, err := hub.Pack(plugpack.Pack{Slug: "demo"}, plugins, nil)
		if err != nil {
			t.Fatal(err)
		}
		all := f.Marketplace.Plugins[len(f.Marketplace.Plugins)-1]
		if all.Strict == nil || *all.Strict || all.Source.URL != "https://plugpack.example/api/git/empty.git" {
			t.Fatalf("%+v", all)
		}
		return all.Version
	}
	a, b := sample.Plugin("acme/tools", "a", 1), sample.Plugin("acme/tools", "b", 1)
	moved := a
	moved.Facts.Commit = strings.Repeat("b", 40)
	if version(a) != version(moved) || version(a) == version(a, b) {
		t.Fatal("the version does not follow the members")
	}
}

func TestChosenSkills(t *testing.T) {
	t.Parallel()
	p := sample.Plugin("acme/tools", "docs", 1)
	p.Facts.Source.Path = "./"
	p.Facts.Components = []plugpack.Component{{Kind: plugpack.Skill, Name: "pdf"}, {Kind: plugpack.Skill, Name: "doc"}}
	p.Facts.Declared = &plugpack.Declared{Strict: new(false), Skills: []string{"./skills/pdf", "./skills/doc"}}
	f, err := hub.Plugin(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	judged(t, f)
	e := f.Marketplace.Plugins[0]
	if e.Source.Source != "git-subdir" || e.Source.Path != "skills" || !cmp.Equal(e.Skills, []string{"./pdf", "./doc"}) || *e.Strict {
		t.Fatalf("%+v", e)
	}
}
