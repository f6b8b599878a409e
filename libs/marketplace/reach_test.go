package marketplace

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/quality"
	"github.com/plugpack/plugpack/libs/security"
)

func TestWhatRunsAndReaches(t *testing.T) {
	t.Parallel()
	f := plugin(t, `,"dependencies":["base@^1"]`, map[string]string{
		manifestFile: `{"name":"p","userConfig":{"region":{"type":"string","title":"Region","description":"Where.","required":true}}}`,
		hooksFile: `{"hooks":{"Stop":[{"matcher":"Bash","hooks":[
			{"type":"command","command":"API_KEY=x bash -c npx thing","timeout":5,"async":true},
			{"type":"http","url":"https://user:pass@example.com/hook?token=t"}]}]}}`,
		mcpFile: `{"mcpServers":{"s":{"command":"uvx","args":["tool","--token","abcdefghijkl","https://me:secret@10.0.0.7/x"],"env":{"B":"1","A":"2"}},
			"h":{"type":"http","url":"https://example.com/mcp?key=k","headers":{"Authorization":"Bearer z"}}}}`,
	})
	byName := map[string]plugpack.Component{}
	for _, c := range f.Components {
		byName[c.Name] = c
	}
	wantHandlers := []plugpack.Handler{
		{Matcher: "Bash", Type: "command", Command: "API_KEY=x bash -c npx thing", Timeout: 5, Async: true},
		{Matcher: "Bash", Type: "http", URL: "https://example.com/hook"},
	}
	if diff := cmp.Diff(wantHandlers, byName["Stop"].Handlers); diff != "" {
		t.Errorf("handlers -want +got:\n%s", diff)
	}
	wantServer := &plugpack.Server{Transport: "stdio", Command: "uvx", Args: []string{"tool", "--token", "[redacted]", "https://[redacted]@[private]/x"}, Env: []string{"A", "B"}}
	if diff := cmp.Diff(wantServer, byName["s"].Server); diff != "" {
		t.Errorf("server -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(&plugpack.Server{Transport: "http", URL: "https://example.com/mcp", Headers: []string{"Authorization"}}, byName["h"].Server); diff != "" {
		t.Errorf("server -want +got:\n%s", diff)
	}
	want := plugpack.Requirements{
		Env: []string{"A", "B"}, Runtimes: []string{"node", "uv"},
		Config:       []plugpack.ConfigOption{{Key: "region", Type: "string", Title: "Region", Description: "Where.", Required: true}},
		Dependencies: []plugpack.Dependency{{Name: "base", Version: "^1"}},
	}
	if diff := cmp.Diff(want, f.Requirements); diff != "" {
		t.Errorf("requirements -want +got:\n%s", diff)
	}
}

func TestCosts(t *testing.T) {
	t.Parallel()
	f := plugin(t, "", map[string]string{
		manifestFile:          `{"name":"p"}`,
		"p/skills/a/SKILL.md": "", // another plugin's
		"commands/one.md":     "---\ndescription: abcdefghij\n---\n" + strings.Repeat("word", 100),
		"commands/deep/b.md":  "---\ndescription: abcdefghij\nmodel: opus\n---\nbody",
	})
	// "p:one" 5 + 1 + 10 = 16; the nested one, which the client does not count, "p:b" 3 + 1 + 10.
	if got := f.Costs.Client; got.AlwaysOn != 4 || got.OnUse != 100 || got.Skills != 1 {
		t.Errorf("the client's: %+v", got)
	}
	if got := f.Costs.Full; got.AlwaysOn != 8 || got.OnUse != 101 || got.Skills != 2 {
		t.Errorf("all: %+v", got)
	}
	for _, c := range f.Components {
		if want := c.Name == "one"; c.Counted != want {
			t.Errorf("%s counted: %t", c.Name, c.Counted)
		}
		if c.Name == "deep:b" && string(c.Frontmatter["model"]) != `"opus"` {
			t.Errorf("front matter %v", c.Frontmatter)
		}
	}
}

func TestReaderVersionMovesWithEachRuleset(t *testing.T) {
	t.Parallel()
	now := readerVersion(1, "a", "b")
	for _, other := range []int{readerVersion(2, "a", "b"), readerVersion(1, "c", "b"), readerVersion(1, "a", "c"), readerVersion(1, "b", "a")} {
		if other == now {
			t.Error("another reader or ruleset has the same version")
		}
	}
	if ReaderVersion != readerVersion(reader, security.Ruleset(), quality.Ruleset()) {
		t.Error("the version does not follow from the rulesets in use")
	}
}
