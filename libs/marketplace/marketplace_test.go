package marketplace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plugpack/plugpack/libs/plugpack"
)

const key = plugpack.MarketplaceKey("github.com/acme/tools")

// repository makes the input of a repository with these files.
func repository(t testing.TB, files map[string]string) Input {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	tree, err := ReadTree(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	return Input{FS: fsys, Tree: tree, Key: key, Commit: "c1"}
}

// plugins reads all of them.
func plugins(c Content) []Plugin { return slices.Collect(c.Plugins(nil)) }

func list(entries string) string {
	return `{"name":"tools","owner":{"name":"Acme"},"plugins":[` + entries + `]}`
}

func TestRejected(t *testing.T) {
	t.Parallel()
	head := func(fields string) string { return `{"plugins":[{},{}],` + fields + `}` }
	named := func(name string) string { return head(fmt.Sprintf(`"owner":{"name":"A"},"name":%q`, name)) }
	tests := []struct{ name, file, want string }{
		{"no JSON", `{"name":`, "is not JSON"},
		{"a byte order mark", "\ufeff" + list(""), "byte order mark"},
		{"a comment", `{/**/}`, "is not JSON"},
		{"text after the end", list("") + "{}", "is not JSON"},
		{"a list at the root", `[]`, "is not a JSON object"},
		{"null at the root", `null`, "is not a JSON object"},
		{"no plugins", `{"name":"tools","owner":{"name":"A"}}`, "plugins: It is missing"},
		{"plugins no list", `{"name":"tools","owner":{"name":"A"},"plugins":{}}`, "make it a list"},
		{"no name", head(`"owner":{"name":"A"}`), "name: It is missing"},
		{"a name that is a number", head(`"owner":{"name":"A"},"name":1`), "name: It is a number"},
		{"a name with a blank", named("my tools"), "has a blank"},
		{"a name of other letters", named("café"), "official"},
		{"a name like a path", named("a/b"), "path"},
		{"an impersonation", named("Claude-Plugins-plus"), "official"},
		{"an impersonation in the middle", named("x-claude-official"), "official"},
		{"a name of Anthropic's", named("agent-skills"), "Anthropic"},
		{"a name of the client's", named("Inline"), "keeps this name"},
		{"a JavaScript member", named("constructor"), "breaks at the name"},
		{"no owner", head(`"name":"tools"`), "owner: It is missing"},
		{"an owner without a name", head(`"name":"tools","owner":{}`), "owner.name: It is missing"},
		{"a description that is null", head(`"name":"tools","owner":{"name":"A"},"description":null`), "description"},
		{"bad metadata", head(`"name":"tools","owner":{"name":"A"},"metadata":{"pluginRoot":1}`), "metadata"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(repository(t, map[string]string{File: tt.file}))
			r, ok := errors.AsType[*Rejected](err)
			if !ok || !strings.Contains(r.Error(), tt.want) {
				t.Fatalf("got %v, want a rejection with %q", err, tt.want)
			}
			if want := strings.Count(tt.file, "{},{}") * 2; r.Entries != want {
				t.Errorf("got %d entries, want %d", r.Entries, want)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		_, err := Read(repository(t, map[string]string{"README.md": ""}))
		if r, ok := errors.AsType[*Rejected](err); !ok || !strings.Contains(r.Reason, "no such file in the repository") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("Anthropic may use its names", func(t *testing.T) {
		in := repository(t, map[string]string{File: strings.Replace(list(""), "tools", "claude-plugins-official", 1)})
		in.Key = "github.com/anthropics/claude-plugins-official"
		if _, err := Read(in); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReadHead(t *testing.T) {
	t.Parallel()
	got, err := Read(repository(t, map[string]string{File: `{"name":"tools","owner":{"name":" Ac\u202eme ","email":"a@b"},
		"metadata":{"description":"All\ttools","version":"2"},"unknown":[],"renames":{"old":"new","gone":null},"plugins":[]}`}))
	want := Content{
		Name: "tools", Description: "All\ttools", Version: "2", Owner: plugpack.Person{Name: "Acme", Email: "a@b"},
		Renames: map[string]string{"old": "new", "gone": ""},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Content{})); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	const source = `,"source":{"source":"github","repo":"x/y"}`
	tests := []struct {
		name, entry string
		skipped     string
		state       plugpack.State
		reason      string
	}{
		{"no object", `"p"`, "not an object", "", ""},
		{"no name", `{"source":"./p"}`, "name: It is missing", "", ""},
		{"an empty name", `{"name":""}`, "empty", "", ""},
		{"a name with a blank", `{"name":"a b"}`, "blank", "", ""},
		{"a name with a control character", `{"name":"a\u0007b"}`, "invisible", "", ""},
		{"a name too long", `{"name":"` + strings.Repeat("n", 129) + `"}`, "longer", "", ""},
		{"an external source", `{"name":"p"` + source + `}`, "", plugpack.StateNotReadYet, ""},
		{"no source", `{"name":"p"}`, "", plugpack.StateUnsupported, "no source that the client knows"},
		{"an unknown type", `{"name":"p","source":{"source":"pip","package":"x"}}`, "", plugpack.StateUnsupported, `"pip" is unknown`},
		{"a bare path", `{"name":"p","source":"plugins/p"}`, "", plugpack.StateUnsupported, "./"},
		{"a short sha", `{"name":"p","source":{"source":"github","repo":"x/y","sha":"abc1234"}}`, "", plugpack.StateUnsupported, "sha"},
		{"a repo the client cannot install", `{"name":"p","source":{"source":"github","repo":"x"}}`, "", plugpack.StateUnsupported, "owner/repo"},
		{"a url the client cannot clone", `{"name":"p","source":{"source":"url","url":"git://x/y"}}`, "", plugpack.StateUnsupported, "clone"},
		{"a ref that leads to another repository", `{"name":"p","source":{"source":"github","repo":"x/y","ref":"../../../good/one/tar.gz/main"}}`, "", plugpack.StateUnsupported, "branch or tag"},
		{"a ref that git cannot have", `{"name":"p","source":{"source":"url","url":"https://git.example/x/y","ref":"a b"}}`, "", plugpack.StateUnsupported, "branch or tag"},
		{"a path out of the marketplace", `{"name":"p","source":"./../p"}`, "", plugpack.StateUnsupported, "leads out"},
		{"an author as text", `{"name":"p","author":"A"` + source + `}`, "", plugpack.StateUnsupported, "author"},
		{"null for a known field", `{"name":"p","version":null` + source + `}`, "", plugpack.StateUnsupported, "version"},
		{"tags as text", `{"name":"p","tags":"a"` + source + `}`, "", plugpack.StateUnsupported, "tags"},
		{"an unknown hook event", `{"name":"p","hooks":{"OnSave":[]}` + source + `}`, "", plugpack.StateUnsupported, "hooks"},
		{"an unknown field", `{"name":"p","icon":1` + source + `}`, "", plugpack.StateNotReadYet, ""},
		{"a folder that is not there", `{"name":"p","source":"./nowhere"}`, "", plugpack.StateMissing, "nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(repository(t, map[string]string{File: list(tt.entry)}))
			if err != nil {
				t.Fatal(err)
			}
			if tt.skipped != "" {
				if len(got.Skipped) != 1 || !strings.Contains(got.Skipped[0].Reason, tt.skipped) || len(got.Names) != 0 {
					t.Fatalf("got %+v, want it skipped: %s", got, tt.skipped)
				}
				return
			}
			if len(got.Names) != 1 || len(got.Skipped) != 0 {
				t.Fatalf("got %+v, want one plugin", got)
			}
			f := plugins(got)[0].Facts
			if f.State != tt.state || !strings.Contains(f.StateReason, tt.reason) {
				t.Errorf("got %s, %q", f.State, f.StateReason)
			}
		})
	}
	t.Run("the first of two names counts", func(t *testing.T) {
		got, err := Read(repository(t, map[string]string{File: list(`{"name":"p","version":"1"` + source + `},{"name":"p","version":"2"` + source + `}`)}))
		if err != nil || len(got.Names) != 1 || plugins(got)[0].Facts.Version != "1" || len(got.Skipped) != 1 || got.Skipped[0].Index != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
	})
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct{ source, want string }{
		{`"./plugins/A/"`, "github.com/acme/tools/plugins/a"},
		{`"./"`, "github.com/acme/tools"},
		{`{"source":"github","repo":"X/Y"}`, "github.com/x/y"},
		{`{"source":"url","url":"https://GitHub.com/X/Y.git"}`, "github.com/x/y"},
		{`{"source":"url","url":"https://u:p@host.example:8443/g/sub/r.git"}`, "host.example/g/sub/r"},
		{`{"source":"url","url":"git@github.com:X/Y.git"}`, "github.com/x/y"},
		{`{"source":"git-subdir","url":"X/Y","path":"./Sub/"}`, "github.com/x/y/sub"},
		{`{"source":"archive","url":"https://Files.example/P/a.zip?x=1","sha256":"` + strings.Repeat("0", 64) + `"}`, "files.example/p/a.zip"},
		{`{"source":"npm","package":"@x/y"}`, "registry.npmjs.org/@x/y"},
		{`{"source":"npm","package":"y","registry":"https://npm.corp.example/"}`, "npm.corp.example/y"},
	}
	for _, tt := range tests {
		got, err := Read(repository(t, map[string]string{File: list(`{"name":"p","source":` + tt.source + `}`)}))
		if err != nil || len(got.Names) != 1 {
			t.Fatalf("%s: %+v, %v", tt.source, got, err)
		}
		f := plugins(got)[0].Facts
		if f.Origin != tt.want || strings.Contains(f.Source.URL, "u:p") {
			t.Errorf("%s: got %q from %+v, want %q", tt.source, f.Origin, f.Source, tt.want)
		}
	}
}

// plugin reads one plugin in the folder p.
func plugin(t *testing.T, entry string, files map[string]string) plugpack.Facts {
	t.Helper()
	all := map[string]string{File: list(`{"name":"p","source":"./p"` + entry + `}`), "p/README.md": ""}
	for name, text := range files {
		all["p/"+name] = text
	}
	got, err := Read(repository(t, all))
	if err != nil || len(got.Names) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	return plugins(got)[0].Facts
}

func TestFacts(t *testing.T) {
	t.Parallel()
	got := plugin(t, `,"description":"From the entry.","category":"development","tags":["b","C"],"keywords":["a"],"version":"1"`, map[string]string{
		manifestFile: `{"name":"p","version":"2","description":"Its own.","author":{"name":"Ann"},"homepage":"javascript:x","license":"MIT",
			"repository":"https://u:p@github.com/a/b","keywords":["c","d"],"displayName":"Pee"}`,
	})
	if v := got.Verdicts; v == nil || v.Valid == nil || !*v.Valid || v.Add != plugpack.AddListed || v.Load != plugpack.LoadWhole || got.Costs == nil || got.Files != 2 {
		t.Errorf("the verdicts are %+v, the costs %+v of %d files", v, got.Costs, got.Files)
	}
	if s := got.Security; s == nil || s.State != plugpack.Scanned || s.Files != 2 || s.Ruleset == "" {
		t.Errorf("the security scan is %+v", s)
	}
	if q := got.Quality; q == nil || q.Dimensions[2].Checks[0].Outcome != plugpack.PartlyPassed || len(q.Caps) > 0 {
		t.Errorf("the report is %+v, and wants two versions that differ", q)
	}
	got.Digest, got.Verdicts, got.Costs, got.Files, got.Bytes, got.Security, got.Quality = "", nil, nil, 0, 0, nil, nil
	want := plugpack.Facts{
		DisplayName: "Pee", Description: "From the entry.", Version: "2", Author: plugpack.Person{Name: "Ann"}, License: "MIT",
		Repository: "https://github.com/a/b", Category: "development", Keywords: []string{"a", "b", "C", "d"},
		Source: plugpack.Source{Kind: plugpack.SourceRelative, Path: "./p"}, Origin: "github.com/acme/tools/p",
		State: plugpack.StateRead, Commit: "c1", Categorised: &plugpack.Categorised{By: "marketplace", Raw: "development"},
		Documents: plugpack.Documents{Readme: &plugpack.Document{Path: "README.md"}, License: &plugpack.LicenseFile{SPDX: "MIT", By: "manifest"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, entry, manifest, want string }{
		{"no JSON", "", "{", "is not JSON"},
		{"a byte order mark", "", "\ufeff{}", "byte order mark"},
		{"no name", "", "{}", "name: It is missing"},
		{"a bad field", "", `{"name":"p","keywords":"x"}`, "keywords"},
		{"a bad inline server", "", `{"name":"p","mcpServers":{"s":{"url":"https://x"}}}`, "mcpServers"},
		{"a conflict", `,"strict":false,"commands":["./x.md"]`, `{"name":"p"}`, "not strict"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := plugin(t, `,"description":"Listed."`+tt.entry, map[string]string{manifestFile: tt.manifest})
			if f.State != plugpack.StateBroken || !strings.Contains(f.StateReason, tt.want) || f.Description != "Listed." || f.Digest == "" {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestComponents(t *testing.T) {
	t.Parallel()
	const head = "---\nname: own-name\ndescription: About it.\n---\nBody.\n"
	const hooks = `{"hooks":{"Stop":[{"matcher":"Bash","hooks":[{"type":"command","command":"./a.sh"}]}]}}`
	tests := []struct {
		name, entry, manifest string
		files                 map[string]string
		want                  []string // kind name path: description
	}{
		{"default folders", "", "", map[string]string{
			"commands/a.md": head, "commands/deep/b.md": "# Title\n", "agents/c.md": head, "agents/d.txt": "",
			"skills/s/SKILL.md": head, "skills/no/README.md": "", hooksFile: hooks,
			mcpFile:    `{"mcpServers":{"one":{"command":"npx","args":["--token=x"]},"bad":{"url":"x"}}}`,
			lspFile:    `{"go":{"command":"gopls","extensionToLanguage":{".go":"go"}}}`,
			"SKILL.md": head,
		}, []string{
			"command a commands/a.md: About it.", "command deep:b commands/deep/b.md: Title", "agent own-name agents/c.md: About it.",
			"skill s skills/s/SKILL.md: About it.", "hook Stop hooks/hooks.json: Bash: command: ./a.sh", "mcp one .mcp.json: stdio: npx",
			"lsp go .lsp.json: gopls: .go",
		}},
		{"manifest paths replace commands and agents, and add skills", "", `{"name":"p","commands":"./cmd","agents":["./x.md"],"skills":["./more"]}`, map[string]string{
			"commands/a.md": head, "cmd/b.md": head, "agents/c.md": head, "x.md": head, "skills/s/SKILL.md": head, "more/t/SKILL.md": head,
		}, []string{
			"command b cmd/b.md: About it.", "agent own-name x.md: About it.", "skill s skills/s/SKILL.md: About it.", "skill t more/t/SKILL.md: About it.",
		}},
		{"a map of commands", "", `{"name":"p","commands":{"x":{"source":"./c.md"},"y":{"content":"Do.","description":"D."},"z":{"source":"./nowhere.md"}}}`, map[string]string{
			"c.md": head,
		}, []string{"command x c.md: About it.", "command y .claude-plugin/plugin.json: D."}},
		{"the entry is the manifest when there is none", `,"mcpServers":{"m":{"type":"http","url":"https://u:p@h.example/mcp?key=1"}}`, "", nil, []string{
			"mcp m .claude-plugin/plugin.json: http: h.example",
		}},
		{"a plugin.json hides the entry's servers", `,"mcpServers":{"m":{"command":"x"}}`, `{"name":"p"}`, nil, nil},
		{"lists of both are joined", `,"commands":["./b.md"]`, `{"name":"p","commands":["./a.md"]}`, map[string]string{"a.md": "A", "b.md": "B"}, []string{
			"command a a.md: A", "command b b.md: B",
		}},
		{"a lone SKILL.md", "", "", map[string]string{"SKILL.md": head}, []string{"skill own-name SKILL.md: About it."}},
		{"one bad event loses all hooks of its file", "", "", map[string]string{hooksFile: `{"hooks":{"Stop":[],"Typo":[]}}`}, nil},
		{"hooks without the wrapper are none", "", "", map[string]string{hooksFile: `{"Stop":[]}`}, nil},
		{"paths that lead out are lost", "", `{"name":"p","commands":"./../../secret.md","hooks":"./../x.json"}`, map[string]string{"secret.md": "S"}, nil},
		{"two agents of one name are two", "", "", map[string]string{"agents/a.md": head, "agents/b.md": head}, []string{
			"agent own-name agents/a.md: About it.", "agent b agents/b.md: About it.",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			for n, s := range tt.files {
				files[n] = s
			}
			if tt.manifest != "" {
				files[manifestFile] = tt.manifest
			}
			f := plugin(t, tt.entry, files)
			if f.State != plugpack.StateRead {
				t.Fatalf("got %s: %s", f.State, f.StateReason)
			}
			var got []string
			for _, c := range f.Components {
				got = append(got, fmt.Sprintf("%s %s %s: %s", c.Kind, c.Name, c.Path, c.Description))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("an entry that chooses skills of the whole repository", func(t *testing.T) {
		got, err := Read(repository(t, map[string]string{
			File:                list(`{"name":"p","source":"./","strict":false,"skills":["./skills/a"]}`),
			"skills/a/SKILL.md": head, "skills/b/SKILL.md": head,
		}))
		if err != nil || len(plugins(got)[0].Facts.Components) != 1 || plugins(got)[0].Facts.Components[0].Name != "a" {
			t.Fatalf("got %+v, %v", got, err)
		}
	})
}

// Thousands of entries may name one folder, which costs for each of them.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	files := map[string]string{File: list(`{"name":"p","source":"./"}`), "SKILL.md": "---\nname: s\nx: " + strings.Repeat("x", 25_600) + "\n---\n"}
	for i := range 100 {
		files[fmt.Sprintf("commands/%d.txt", i)] = "no command"
	}
	in := repository(t, files)
	c, err := Read(in)
	if err != nil {
		t.Fatal(err)
	}
	e := decodeEntry(c.entries[0], key)
	w := newWork(c.Names)
	f := readPlugin(in, e, nil, w)
	f.Quality = nil // of bounded size, and not counted
	if b, _ := json.Marshal(f); f.State != plugpack.StateRead || len(f.Components) != 1 || w.reads < 100+100 || w.facts != len(b) {
		t.Errorf("got %+v for %+v", f, w)
	}
	w.reads, w.facts = 0, maxAllFacts
	if f := readPlugin(in, e, nil, w); f.State != plugpack.StateBroken || !strings.Contains(f.StateReason, "too much text") || f.Components != nil {
		t.Errorf("got %+v", f)
	}
	w.reads, w.facts = maxReads, 0
	if f := readPlugin(in, e, nil, w); f.State != plugpack.StateBroken || !strings.Contains(f.StateReason, "too many files") {
		t.Errorf("got %+v", f)
	}
}

func TestABugCostsOnePlugin(t *testing.T) {
	t.Parallel()
	in := repository(t, map[string]string{File: list(`{"name":"p","source":"./"},{"name":"q","source":{"source":"github","repo":"x/y"}}`)})
	c, err := Read(in)
	if err != nil {
		t.Fatal(err)
	}
	c.in.FS = nil
	if ps := plugins(c); len(ps) != 2 || ps[0].Bug == nil || ps[0].Facts.State != plugpack.StateBroken || ps[1].Bug != nil {
		t.Errorf("got %+v", ps)
	}
}

func TestLargePluginFitsAnEvent(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 1500 {
		files[fmt.Sprintf("commands/c%d.md", i)] = "---\ndescription: " + strings.Repeat("<", 5000) + "\n---\n"
	}
	f := plugin(t, "", files)
	b, err := json.Marshal(f)
	if err != nil || len(b) > maxFacts || len(f.Components) != plugpack.MaxComponents {
		t.Fatalf("%d components in %d bytes, %v", len(f.Components), len(b), err)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode fs.FileMode) {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), mode), os.Chmod(p, mode)); err != nil {
			t.Fatal(err)
		}
	}
	read := func() Tree {
		t.Helper()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		tree, err := ReadTree(t.Context(), root.FS(), ".git")
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	write("a/x.md", "hello\n", 0o644)
	write("a-b/y.md", "", 0o755)
	write(".git/HEAD", "ref", 0o644)
	if err := os.Symlink("x.md", filepath.Join(dir, "a/link")); err != nil {
		t.Fatal(err)
	}
	before := read()
	// What git hash-object says of the same files.
	want := Tree{
		{"a-b/y.md", "100755", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", 0, ""},
		{"a/link", ModeLink, "31478031cf55c06429ff4dc0f7c0d845fd197649", 0, "x.md"},
		{"a/x.md", "100644", "ce013625030ba8dba906f756967f9e9ca394464a", 6, ""},
	}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Fatal(diff)
	}
	write("a-b/y.md", "", 0o644)
	after := read()
	if before.Digest("a") != after.Digest("a") || before.Digest("a-b") == after.Digest("a-b") || before.Digest(".") == after.Digest(".") {
		t.Error("a digest is not that of its own folder only")
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"real/f":  &fstest.MapFile{},
		"link":    &fstest.MapFile{Data: []byte("real"), Mode: fs.ModeSymlink},
		"x/up":    &fstest.MapFile{Data: []byte("../link"), Mode: fs.ModeSymlink},
		"x/loop":  &fstest.MapFile{Data: []byte("loop"), Mode: fs.ModeSymlink},
		"x/leave": &fstest.MapFile{Data: []byte("../../etc"), Mode: fs.ModeSymlink},
	}
	for dir, want := range map[string]string{".": ".", "real": "real", "link": "real", "x/up": "real", "x/loop": "x/loop", "x/leave": "x/leave"} {
		if got := resolve(fsys, dir); got != want {
			t.Errorf("%s: got %s, want %s", dir, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(list(`{"name":"p","source":"./p","hooks":{"Stop":[]}}`)), []byte(`{"name":"p","commands":{"a":{"content":""}}}`), []byte("---\ndescription: a: b\n---\n"))
	f.Add([]byte(list(`{"name":"p","source":{"source":"git-subdir","url":"x/y","path":"."}},null,7`)), []byte(`{"name":"p","skills":"./"}`), []byte("---\n&a [*a]\n---\n"))
	f.Add([]byte(`{"name":"p","name":"q","renames":{"a":null}}`), []byte("\ufeff"), []byte("---\n---\n"))
	f.Fuzz(func(t *testing.T, market, manifest, component []byte) {
		fsys := fstest.MapFS{}
		for name, b := range map[string][]byte{
			File: market, "p/" + manifestFile: manifest, "p/commands/c.md": component, "p/skills/s/SKILL.md": component,
			"p/" + hooksFile: manifest, "p/" + mcpFile: manifest, "p/" + lspFile: component,
		} {
			fsys[name] = &fstest.MapFile{Data: b}
		}
		content, err := Read(Input{FS: fsys, Key: key})
		if err != nil {
			return
		}
		if len(content.Names)+len(content.Skipped) != content.Entries {
			t.Fatalf("%d entries, %d plugins, %d skipped", content.Entries, len(content.Names), len(content.Skipped))
		}
		for _, p := range plugins(content) {
			if p.Bug != nil {
				t.Fatal(p.Bug)
			}
			if p.Name != plugpack.Clean(p.Name) || p.Facts.Description != plugpack.CleanText(p.Facts.Description) || p.Facts.State == "" {
				t.Fatalf("unclean: %+v", p)
			}
		}
	})
}
