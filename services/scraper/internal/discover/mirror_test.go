package discover

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

// A look-alike that was written apart from this code, and does not know NOT:
// more results than it gives of one search, and more of one size than any range
// can part, are all found.
func TestDiscoveryOnTheLookAlike(t *testing.T) {
	t.Parallel()
	m, ok := testkit.StartMirror(t, "--code-search-limit", "100000", "--search-limit", "100000", "--rate-limit", "1000000")
	if !ok {
		t.Skip("no look-alike of GitHub here: set PLUGPACK_SHARED to the folder that has ghmirror/ to search there")
	}
	const ofOneSize, ofAnySize, plain = 1080, 200, 40
	create := func(repo, path, text string) {
		m.Admin("create", map[string]any{"repo": repo, "changes": map[string]string{path: text}})
	}
	words := []string{"security", "review", "development", "workflow"}
	for i := range ofOneSize {
		text := fmt.Sprintf("%-400s", `{"name":"x","plugins":[],"about":"`+words[i%len(words)]+`"}`)
		create(fmt.Sprintf("same/r%d", i), manifest, text)
	}
	for i := range ofAnySize {
		create(fmt.Sprintf("any/r%d", i), manifest, `{"name":"x"}`+strings.Repeat(" ", i*7%600))
	}
	for i := range plain {
		create(fmt.Sprintf("plain/r%d", i), ".claude-plugin/plugin.json", `{"name":"x"}`)
	}
	w := newWorld(t)
	client, err := github.New(github.Options{BaseURL: m.URL, Token: "T1"})
	if err != nil {
		t.Fatal(err)
	}
	w.Client, w.Now = client, time.Now
	ends := w.goOn()
	if got := ends[byCode]; got.Found != ofOneSize+ofAnySize || got.Total != got.Found || got.Incomplete || got.Slices < 2 {
		t.Errorf("marketplaces: %+v", got)
	}
	if got := ends["code-search:plugin.json"]; got.Found != plain || got.Total != plain || got.Incomplete {
		t.Errorf("plugins: %+v", got)
	}
	if n := len(w.found()); n != ofOneSize+ofAnySize {
		t.Errorf("%d marketplaces were taken in", n)
	}
	t.Logf("%+v", ends)
}
