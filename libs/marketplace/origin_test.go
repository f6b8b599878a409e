package marketplace

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

func TestOrigins(t *testing.T) {
	t.Parallel()
	git := func(address, path, ref, sha string) Origin {
		return Origin{Kind: plugpack.SourceURL, Address: address, Path: path, Ref: ref, SHA: sha}
	}
	tests := []struct {
		name, source string
		want         Origin
		pinned       bool
	}{
		{"github", `{"source":"github","repo":"X/Y","ref":"v1"}`, git("https://github.com/x/y", "", "v1", ""), false},
		{"an address at GitHub is the same", `{"source":"url","url":"https://github.com/X/Y.git/","ref":"v1"}`, git("https://github.com/x/y", "", "v1", ""), false},
		{"so is an SSH address", `{"source":"url","url":"git@github.com:X/Y.git","ref":"v1"}`, git("https://github.com/x/y", "", "v1", ""), false},
		{"a commit decides over a branch", `{"source":"github","repo":"x/y","ref":"v1","sha":"` + sha + `"}`, git("https://github.com/x/y", "", "", sha), true},
		{"another host keeps its letters and its port", `{"source":"url","url":"https://Git.Example:8443/G/sub/R.git"}`, git("https://git.example:8443/G/sub/R", "", "", ""), false},
		{"a folder", `{"source":"git-subdir","url":"x/y","path":"./a/b/"}`, git("https://github.com/x/y", "a/b", "", ""), false},
		{"a branch with a slash", `{"source":"github","repo":"x/y","ref":"feature/@x/é@1.0_x"}`, git("https://github.com/x/y", "", "feature/@x/é@1.0_x", ""), false},
		{"npm", `{"source":"npm","package":"@x/y","version":"^1"}`, Origin{Kind: plugpack.SourceNPM, Address: npmRegistry, Package: "@x/y", Version: "^1"}, false},
		{"npm elsewhere", `{"source":"npm","package":"y","registry":"https://npm.example/r/"}`, Origin{Kind: plugpack.SourceNPM, Address: "https://npm.example/r", Package: "y"}, false},
		{"an archive", `{"source":"archive","url":"https://x.example/a.zip","sha256":"` + strings.Repeat("AB", 32) + `"}`,
			Origin{Kind: plugpack.SourceArchive, Address: "https://x.example/a.zip", SHA256: strings.Repeat("ab", 32)}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Read(repository(t, map[string]string{File: list(fmt.Sprintf(`{"name":"p","source":%s},{"name":"q","source":%[1]s}`, tt.source))}))
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Origins(); !slices.Equal(got, []Origin{tt.want}) || got[0].Pinned() != tt.pinned {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestFoldersAndCommandsAreNotFetched(t *testing.T) {
	t.Parallel()
	c, err := Read(repository(t, map[string]string{File: list(`{"name":"p","source":{"source":"url","url":"file:///etc"}},{"name":"q","source":{"source":"command","command":"x"}}`)}))
	if err != nil || len(c.Origins()) != 0 {
		t.Fatalf("got %+v, %v", c.Origins(), err)
	}
	for _, p := range plugins(c) {
		if p.Facts.State != plugpack.StateUnsupported || !strings.Contains(p.Facts.StateReason, "machine") {
			t.Errorf("got %+v", p.Facts)
		}
	}
}

// A plugin has the same facts wherever its files are, but for where that is.
func TestAnExternalPluginIsReadLikeARelativeOne(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		".claude-plugin/plugin.json": `{"name":"p","version":"1.2.3","description":"Deploys."}`,
		"commands/deploy.md":         "---\ndescription: Deploys it.\n---\nDo it.\n",
		"skills/s/SKILL.md":          "---\nname: s\ndescription: Knows.\n---\nText.\n",
		"hooks/hooks.json":           `{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"./x.sh"}]}]}}`,
	}
	inside := map[string]string{}
	for name, text := range files {
		inside["p/"+name] = text
	}
	for _, more := range []string{"", `,"strict":false`, `,"strict":false,"skills":["./skills/s"]`, `,"skills":["./nowhere"]`} {
		inside[File] = list(`{"name":"p","source":"./p"` + more + `}`)
		in := repository(t, inside)
		c, err := Read(in)
		if err != nil {
			t.Fatal(err)
		}
		want := plugins(c)[0].Facts

		in.FS = repository(t, map[string]string{File: list(`{"name":"p","source":{"source":"github","repo":"x/y"}` + more + `}`)}).FS
		if c, err = Read(in); err != nil {
			t.Fatal(err)
		}
		closed := 0
		origin := repository(t, files)
		origin.Commit = sha
		for p := range c.Plugins(func(o Origin) (Files, error) { return Files{origin, func() { closed++ }}, nil }) {
			got := p.Facts
			if got.Commit != sha || got.Origin != "github.com/x/y" || closed != 0 && p.Index != 0 {
				t.Errorf("%s: got %+v", more, got)
			}
			got.Quality, want.Quality = nil, nil // the one source is pinned and the other not
			got.Commit, got.Origin, got.Source = want.Commit, want.Origin, want.Source
			if a, b := size(got), size(want); a != b || got.Digest != want.Digest || got.State != want.State || len(got.Components) != len(want.Components) {
				t.Errorf("%s: got %+v, want %+v", more, got, want)
			}
		}
		if closed != 1 {
			t.Errorf("the files were closed %d times", closed)
		}
	}
}

func TestAnOriginThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	for kind, want := range map[errs.Kind]plugpack.State{
		errs.NotFound: plugpack.StateMissing, errs.Invalid: plugpack.StateBroken, errs.Forbidden: plugpack.StateUnsupported,
		errs.Unavailable: plugpack.StateNotReadYet, errs.TooMany: plugpack.StateNotReadYet, errs.Internal: plugpack.StateNotReadYet,
	} {
		c, err := Read(repository(t, map[string]string{File: list(`{"name":"p","source":{"source":"github","repo":"x/y"}}`)}))
		if err != nil {
			t.Fatal(err)
		}
		for p := range c.Plugins(func(Origin) (Files, error) { return Files{}, errs.New(kind, "it is so") }) {
			f := p.Facts
			if f.State != want || f.StateReason == "" || f.Verdicts == nil || (want == plugpack.StateMissing) != (f.Verdicts.Installs != nil) {
				t.Errorf("%v: got %s, %q, %+v", kind, f.State, f.StateReason, f.Verdicts)
			}
		}
	}
}

// What only newer clients know is judged by them.
func TestNewerClientsReadMore(t *testing.T) {
	t.Parallel()
	in := repository(t, map[string]string{
		File: `{"name":"tools","owner":{"name":"A"},"metadata":{"pluginRoot":"./all"},"plugins":[{"name":"bare","source":"p"},
			{"name":"zip","source":{"source":"archive","url":"https://x.example/a.zip"}},{"name":"plain","source":"./all/p"},
			{"name":"up","source":".."},{"name":"pip","source":{"source":"pip","package":"x"}}]}`,
		"all/p/.claude-plugin/plugin.json": `{"name":"p"}`,
	})
	c, err := Read(in)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		state  plugpack.State
		client string
	}{
		"bare": {plugpack.StateRead, "2.1.240"}, "zip": {plugpack.StateNotReadYet, "2.1.240"}, "plain": {plugpack.StateRead, "2.1.197"},
		"up": {plugpack.StateUnsupported, "2.1.197"}, "pip": {plugpack.StateUnsupported, "2.1.197"},
	}
	for _, p := range plugins(c) {
		w := want[p.Name]
		if p.Facts.State != w.state || p.Facts.Verdicts.Client != w.client || c.Names[p.Index] != p.Name {
			t.Errorf("%s: got %s by %s: %s", p.Name, p.Facts.State, p.Facts.Verdicts.Client, p.Facts.StateReason)
		}
		if newer := w.client == "2.1.240"; newer != strings.Contains(p.Facts.Verdicts.AddReason, "2.1.197 and older") {
			t.Errorf("%s: got %q", p.Name, p.Facts.Verdicts.AddReason)
		}
	}
}
