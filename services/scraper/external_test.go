package scraper_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper"
)

const listsOthers = `{"name":"m","owner":{"name":"A"},"plugins":[
	{"name":"own","source":"./"},
	{"name":"all","source":{"source":"github","repo":"o/r0"}},
	{"name":"again","source":{"source":"url","url":"https://github.com/O/R0.git"}},
	{"name":"folder","source":{"source":"git-subdir","url":"o/r0","path":"tools"}},
	{"name":"gone","source":{"source":"github","repo":"o/gone"}},
	{"name":"out","source":{"source":"github","repo":"shy/r"}}]}`

// external opens a folder whose marketplace lists others, and begins to fetch
// them.
func external(ctx context.Context, t *testing.T, o scraper.Options, step func(string)) (marketplace.Content, marketplace.Opener) {
	t.Helper()
	dir := filepath.Dir(filepath.Dir(file(t, ".claude-plugin/marketplace.json", listsOthers)))
	c, err := scraper.Open(ctx, o, testkit.Log(t), plugpack.NewMarketplaceKey(plugpack.LocalHost, dir), "", func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	content, err := marketplace.Read(c.Input)
	if err != nil {
		t.Fatal(err)
	}
	open, err := c.External(ctx, content.Origins(), step)
	if err != nil {
		t.Fatal(err)
	}
	return content, open
}

func TestACheckoutReadsWhatItListsElsewhere(t *testing.T) {
	t.Parallel()
	o, g := options(t, 1)
	g.Write("o/r0", "tools/commands/go.md", "Go.")
	g.Write("shy/r", "README.md", "Shy.")
	o.OptOutFile = file(t, "out.txt", "shy\n")
	var steps []string
	content, open := external(t.Context(), t, o, func(s string) { steps = append(steps, s) })
	got := map[string]plugpack.State{}
	for p := range content.Plugins(open) {
		got[p.Name] = p.Facts.State
		if p.Name != "own" && p.Facts.State == plugpack.StateRead && p.Facts.Commit != g.Commit("o/r0") {
			t.Errorf("%s is at %q", p.Name, p.Facts.Commit)
		}
	}
	for name, want := range map[string]plugpack.State{
		"own": plugpack.StateRead, "all": plugpack.StateRead, "again": plugpack.StateRead, "folder": plugpack.StateRead,
		"gone": plugpack.StateMissing, "out": plugpack.StateUnsupported,
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	want := []string{"fetching 1 of 4", "fetching 1 of 4", "fetching 2 of 4", "fetching 3 of 4", "fetching 4 of 4"}
	if !slices.Equal(steps, want) {
		t.Errorf("said %q, want %q", steps, want)
	}
	downloads := 0
	for _, r := range g.Requests() {
		if r.Download {
			downloads++
		}
		if r.Path == "/codeload/shy/r/legacy.tar.gz/HEAD" {
			t.Errorf("asked for %s, whose owner opted out", r.Path)
		}
	}
	if downloads != 2 {
		t.Errorf("%d downloads, want one of o/r0 and one of o/gone", downloads)
	}
}

func TestACheckoutThatIsInterruptedWaitsForNobody(t *testing.T) {
	t.Parallel()
	o, g := options(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	g.Fault(testkit.GitHubFault{Path: "^/codeload/o/r0", Hook: func() { cancel(); <-release }})
	content, open := external(ctx, t, o, func(string) {})
	if _, err := open(content.Origins()[0]); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestACheckoutWithNothingElsewhereAsksNobody(t *testing.T) {
	t.Parallel()
	c := &scraper.Checkout{}
	if open, err := c.External(t.Context(), nil, func(string) {}); open != nil || err != nil {
		t.Errorf("got %v", err)
	}
}
