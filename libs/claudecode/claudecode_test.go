package claudecode_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const manifest = ".claude-plugin/plugin.json"

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1]), Mode: 0o644}
	}
	return m
}

// whole is a manifest with nothing to complain of but what is added.
func whole(fields string) string {
	return `{"name":"tool","version":"1","description":"d","author":{"name":"A"}` + fields + `}`
}

func codes(problems []plugpack.Fault) []string {
	list := []string{}
	for _, p := range problems {
		list = append(list, fmt.Sprintf("%s %s %s %s", p.Severity, p.File, p.Path, p.Code))
		if p.Message == "" || strings.Contains(p.Message, "\n") {
			list = append(list, "no sentence for "+p.Code)
		}
	}
	slices.Sort(list)
	return list
}

func TestValidatePlugin(t *testing.T) {
	t.Parallel()
	const e, w = "error " + manifest + " ", "warning " + manifest + " "
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		want  []string
	}{
		{"a complete one", files(manifest, whole("")), nil},
		{"advice", files(manifest, `{"name":"Tool"}`), []string{w + "author no_author", w + "description no_description", w + "name not_kebab_case", w + "version no_version"}},
		{"no advice on what is broken", files(manifest, `{"name":"a b"}`), []string{e + "name plugin_name_space"}},
		{"a list's item", files(manifest, whole(`,"keywords":["a",2]`)), []string{e + "keywords[1] wrong_type"}},
		{"null is a type of its own", files(manifest, whole(`,"license":null`)), []string{e + "license wrong_type"}},
		{"a union is one place", files(manifest, whole(`,"mcpServers":{"s":{"command":""}}`)), []string{e + "mcpServers no_union_match"}},
		{"two faults of one path", files(manifest, whole(`,"agents":["../a.md"]`)), []string{e + "agents no_union_match", e + "agents[0] path_dotdot"}},
		{"a path to nowhere", files(manifest, whole(`,"skills":"./none"`)), []string{e + "skills[0] path_missing"}},
		{"a file for a folder", files(manifest, whole(`,"skills":["./a.md"]`), "a.md", ""), []string{e + "skills[0] skills_path_is_file"}},
		{"an option nobody knows", files(manifest, whole(`,"userConfig":{"k":{"type":"string","title":"t","description":"d","x":1}}`)), []string{e + "userConfig.k unknown_key_strict"}},
		{"fields of elsewhere", files(manifest, whole(`,"tags":[],"scripts":{},"descripton":"","zzz":1`)), []string{
			w + "descripton unknown_field_near", w + "scripts unknown_field_foreign", w + "tags entry_only_field", w + "zzz unknown_field",
		}},
		{"a mark before it", files(manifest, "\ufeff"+whole("")), []string{e + "json bad_json"}},
		{"a handler without its command", files(manifest, whole(""), "hooks/hooks.json", `{"hooks":{"Stop":[{"hooks":[{"type":"command"}]}]}}`), []string{"error hooks/hooks.json hooks.Stop[0].hooks[0].command wrong_type"}},
		{"an event nobody knows", files(manifest, whole(""), "hooks/hooks.json", `{"hooks":{"Later":[]}}`), []string{"error hooks/hooks.json hooks.Later bad_map_key"}},
		{"a colon in plain text", files(manifest, whole(""), "agents/x/a.md", "---\ndescription: Use when: always\n---\n"), []string{"error agents/x/a.md frontmatter bad_yaml"}},
		{"a name that is a number", files(manifest, whole(""), "skills/a/SKILL.md", "---\nname: 7\ndescription: d\n---\n"), []string{"error skills/a/SKILL.md name name_type"}},
		{"no front matter", files(manifest, whole(""), "commands/a.MD", "text"), []string{"warning commands/a.MD frontmatter no_frontmatter"}},
		{"nothing to validate", files("README.md", ""), []string{"error . directory no_manifest"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := claudecode.Default().Validate(c.files, ".")
			if diff := cmp.Diff(append([]string{}, c.want...), codes(v.Faults)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if wantValid := !slices.ContainsFunc(c.want, func(s string) bool { return strings.HasPrefix(s, "error") }); v.Valid != wantValid {
				t.Errorf("valid %t, want %t", v.Valid, wantValid)
			}
			if strict := v.ExitCode(true); strict != min(len(c.want), 1) {
				t.Errorf("exit %d with --strict", strict)
			}
		})
	}
}

const marketFile = ".claude-plugin/marketplace.json"

func market(fields, plugins string) string {
	return `{"name":"m","owner":{"name":"O"},"description":"d","plugins":[` + plugins + `]` + fields + `}`
}

func TestValidateMarketplace(t *testing.T) {
	t.Parallel()
	const e, w = "error " + marketFile + " ", "warning " + marketFile + " "
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"a good one", market("", `{"name":"x","source":"./x"}`), nil},
		{"an official sounding name", `{"name":"claude-plugins-more","owner":{"name":"O"},"description":"d","plugins":[{"name":"x","source":"./x"}]}`, []string{e + "name marketplace_name_impersonation"}},
		{"the same name twice", market("", `{"name":"x","source":"./x"},{"name":"x","source":"./z"}`), []string{e + "plugins[0].name duplicate_entry_name", e + "plugins[1].name duplicate_entry_name"}},
		{"a source nobody knows", market("", `{"name":"x","source":{"source":"pip","package":"x"}}`), []string{e + "plugins[0].source no_union_match"}},
		{"a source that leads out", market("", `{"name":"x","source":"./../x"}`), []string{e + "plugins[0].source source_dotdot"}},
		{"renames in a circle", market(`,"renames":{"a":"b","b":"a"}`, `{"name":"x","source":"./x"}`), []string{e + "renames.a renames_cycle", e + "renames.b renames_cycle"}},
		{"no comparison of what is broken", market(`,"renames":{"a":"gone"}`, `{"name":"x","source":"./x","tags":1}`), []string{e + "plugins[0].tags wrong_type"}},
		{"no plugins", market("", ""), []string{w + "plugins no_plugins"}},
		{"a local manifest", market("", `{"name":"y","source":"./y","version":"2"}`), []string{w + "plugins[0].<plugin.json>.author no_author", w + "plugins[0].<plugin.json>.description no_description", w + "plugins[0].version version_mismatch"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := claudecode.Default().Validate(files(marketFile, c.file, "y/"+manifest, `{"name":"y","version":"1"}`), ".")
			if diff := cmp.Diff(append([]string{}, c.want...), codes(v.Faults)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	entries := `{"name":"a","source":"./a"},{"name":"b","source":"b"},{"name":"c d","source":"./c"},7,{"name":"e","source":"./e","tags":"x"}`
	a := claudecode.Default().Add([]byte(market("", entries)), claudecode.Place{Kind: claudecode.PlaceFolder})
	got := []string{}
	for _, e := range a.Entries {
		got = append(got, fmt.Sprintf("%d %s %s %t", e.Index, e.Name, e.Result, e.Reason != ""))
	}
	if diff := cmp.Diff([]string{"0 a listed false", "1 b stub true", "2 c d dropped true", "3  dropped true", "4 e stub true"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	named := func(name string) []byte {
		return []byte(`{"name":"` + name + `","owner":{"name":"O"},"plugins":[]}`)
	}
	for name, c := range map[string]struct {
		file     []byte
		from     claudecode.Place
		rejected bool
	}{
		"Anthropic's name from Anthropic":   {named("agent-skills"), claudecode.Place{Host: "github.com", Owner: "anthropics"}, false},
		"Anthropic's name from another":     {named("agent-skills"), claudecode.Place{Host: "github.com", Owner: "acme"}, true},
		"Anthropic's name from its own URL": {named("agent-skills"), claudecode.Place{Kind: claudecode.PlaceURL, Host: "example.com", Owner: "anthropics"}, true},
		"a name that breaks the client":     {named("constructor"), claudecode.Place{}, true},
		"a mark in a file":                  {append([]byte("\ufeff"), named("m")...), claudecode.Place{Kind: claudecode.PlaceFolder}, true},
		"a mark over HTTP":                  {append([]byte("\ufeff"), named("m")...), claudecode.Place{Kind: claudecode.PlaceURL}, false},
		"a list":                            {[]byte("[]"), claudecode.Place{}, true},
		"nothing":                           {nil, claudecode.Place{}, true},
	} {
		if a := claudecode.Default().Add(c.file, c.from); (a.Rejected != "") != c.rejected {
			t.Errorf("%s: rejected %q", name, a.Rejected)
		}
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	listed := func(name string) bool { return name == "base" }
	for _, c := range []struct {
		name, entry string
		files       fstest.MapFS
		installs    bool
		load        plugpack.LoadResult
	}{
		{"a good one", `{"name":"x","source":"./x"}`, files(manifest, whole("")), true, plugpack.LoadWhole},
		{"without a manifest", `{"name":"x","source":"./x"}`, files("commands/a.md", ""), true, plugpack.LoadWhole},
		{"files that are not known", `{"name":"x","source":{"source":"github","repo":"a/b"}}`, nil, true, plugpack.LoadUnknown},
		{"a bad manifest", `{"name":"x","source":"./x"}`, files(manifest, `{"name":7}`), false, plugpack.LoadNone},
		{"an entry with a typo", `{"name":"x","source":"./x","homepage":"x"}`, files(manifest, whole("")), false, plugpack.LoadNone},
		{"a name with an @", `{"name":"x@y","source":"./x"}`, files(manifest, whole("")), false, plugpack.LoadNone},
		{"an address that git does not get", `{"name":"x","source":{"source":"url","url":"ssh://a/b"}}`, nil, false, plugpack.LoadNone},
		{"a repo of three parts", `{"name":"x","source":{"source":"github","repo":"a/b/c"}}`, nil, false, plugpack.LoadNone},
		{"a missing dependency of the entry", `{"name":"x","source":"./x","dependencies":["none"]}`, files(manifest, whole("")), false, plugpack.LoadNone},
		{"a missing dependency of the plugin", `{"name":"x","source":"./x"}`, files(manifest, whole(`,"dependencies":["none"]`)), true, plugpack.LoadNone},
		{"a dependency that is there", `{"name":"x","source":"./x","dependencies":["base"]}`, files(manifest, whole(`,"dependencies":["base@^1"]`)), true, plugpack.LoadWhole},
		{"two that declare components", `{"name":"x","source":"./x","strict":false,"commands":"./c"}`, files(manifest, whole("")), true, plugpack.LoadNone},
		{"a lost command", `{"name":"x","source":"./x"}`, files(manifest, whole(`,"commands":"./none"`)), true, plugpack.LoadPartly},
		{"bad hooks", `{"name":"x","source":"./x"}`, files(manifest, whole(""), "hooks/hooks.json", "{}"), true, plugpack.LoadPartly},
		{"the default hooks named again", `{"name":"x","source":"./x"}`, files(manifest, whole(`,"hooks":"./hooks/hooks.json"`), "hooks/hooks.json", `{"hooks":{}}`), true, plugpack.LoadPartly},
		{"bad monitors", `{"name":"x","source":"./x"}`, files(manifest, whole(""), "monitors/monitors.json", "{}"), true, plugpack.LoadPartly},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := claudecode.Default()
			in := p.Install(json.RawMessage(c.entry), claudecode.Place{Kind: claudecode.PlaceFolder}, nil, listed)
			if c.files != nil {
				in = p.Install(json.RawMessage(c.entry), claudecode.Place{Kind: claudecode.PlaceFolder}, c.files, listed)
			}
			if in.Installs != c.installs || in.Load != c.load {
				t.Errorf("got %+v", in)
			}
			if bad := !in.Installs || in.Load == plugpack.LoadNone; bad != (in.Reason != "") || (in.Load == plugpack.LoadPartly) != (len(in.Lost) > 0) {
				t.Errorf("the reason is missing or too much: %+v", in)
			}
		})
	}
}

func TestNewerProfile(t *testing.T) {
	t.Parallel()
	newer, ok := claudecode.ProfileOf("2.1.240")
	if !ok || newer.Verified || !claudecode.Default().Verified {
		t.Fatalf("profiles: %t %+v", ok, newer)
	}
	entry := json.RawMessage(`{"name":"x","source":{"source":"archive","url":"https://x.example/a.zip"}}`)
	for _, p := range claudecode.Profiles() {
		in := p.Install(entry, claudecode.Place{}, nil, nil)
		if in.Installs == (p == claudecode.Default()) {
			t.Errorf("%s: an archive installs: %t", p.Version, in.Installs)
		}
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	d := claudecode.Default().Details(files(
		manifest, whole(`,"hooks":{"Stop":[]}`),
		"skills/a/SKILL.md", "---\ndescription: 1234567890\n---\n"+strings.Repeat("word ", 100),
		"commands/b.md", "# A heading\nbody", "commands/deep/c.md", "not counted",
		"agents/d.md", "---\ndescription: \"😀😀\"\n---\n",
		".mcp.json", `{"mcpServers":{"s":{}}}`,
	), "x", nil)
	// a: "tool:a" 6 + 1 + 10; b: "tool:b" 6 + 1 + 9; d: 1 + 1 + 4. 39 / 4 = 9.75.
	want := plugpack.Cost{AlwaysOn: 10, OnUse: 125 + 4, Skills: 2, Agents: 1, Hooks: 1, MCP: 1}
	if diff := cmp.Diff(want, d.Cost); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for n, want := range map[int]string{0: "< 20", 19: "< 20", 24: "~20", 25: "~30", 995: "~1k", 1149: "~1.2k", 12_345: "~12.4k"} {
		if got := claudecode.TokenText(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

func FuzzManifest(f *testing.F) {
	for _, s := range append(shared(f), whole(""), market("", `{"name":"x","source":"./x"}`), "[]", "{", `{"name":{"name":{}}}`) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p := claudecode.Default()
		p.Validate(files(manifest, string(b), "hooks/hooks.json", string(b)), ".")
		v := p.Validate(files(marketFile, string(b), "x/"+manifest, string(b)), ".")
		if len(v.Faults) > 500 {
			t.Errorf("%d problems", len(v.Faults))
		}
		p.Add(b, claudecode.Place{})
		p.Install(b, claudecode.Place{}, files(manifest, string(b)), nil)
		p.Details(files(manifest, string(b), ".mcp.json", string(b)), "x", b)
	})
}

func FuzzFrontMatter(f *testing.F) {
	for _, s := range append(shared(f), "---\na: b\n---\nbody", "---\na: &x [*x]\n---\n", "---\n\ta: b: c\n---", "---\n---\n") {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fm, body := claudecode.ReadFrontMatter(b)
		if len(body) > len(b) || !fm.Found && len(body) != len(b) {
			t.Errorf("%d bytes of body in %d", len(body), len(b))
		}
		if _, err := json.Marshal(fm.JSON()); err != nil {
			t.Errorf("fields that JSON has not: %v", err)
		}
	})
}

// shared gives the manifests that somebody else made to break readers, where
// PLUGPACK_SHARED names their folder.
func shared(f *testing.F) (seeds []string) {
	in, err := os.Open(filepath.Join(os.Getenv("PLUGPACK_SHARED"), "corpus", "malformed-open.json.gz"))
	if err != nil {
		return nil
	}
	defer in.Close()
	r, err := gzip.NewReader(in)
	if err != nil {
		f.Fatal(err)
	}
	for dec := json.NewDecoder(r); ; {
		var v any
		if err := dec.Decode(&v); err == io.EOF {
			return seeds
		} else if err != nil {
			f.Fatal(err)
		}
		collect(v, &seeds)
	}
}

// collect gathers every text in v.
func collect(v any, seeds *[]string) {
	switch v := v.(type) {
	case string:
		*seeds = append(*seeds, v)
	case []any:
		for _, item := range v {
			collect(item, seeds)
		}
	case map[string]any:
		for _, item := range v {
			collect(item, seeds)
		}
	}
}

func BenchmarkPlugin(b *testing.B) {
	fsys := files(manifest, whole(`,"keywords":["a","b"]`), "skills/a/SKILL.md", "---\ndescription: d\n---\n"+strings.Repeat("word ", 1000),
		"hooks/hooks.json", `{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x"}]}]}}`)
	entry, p := json.RawMessage(`{"name":"x","source":"./x"}`), claudecode.Default()
	for name, f := range map[string]func(){
		"validate": func() { p.Validate(fsys, ".") },
		"install":  func() { p.Install(entry, claudecode.Place{}, fsys, nil) },
		"details":  func() { p.Details(fsys, "x", entry) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
