package claudecode_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/claudecode"
)

// What each version says of the same files; "" passes.
func TestVersionsDiffer(t *testing.T) {
	t.Parallel()
	const market = ".claude-plugin/marketplace.json"
	head := func(name string) string {
		return fmt.Sprintf(`{"name":%q,"owner":{"name":"A"},"description":"d","plugins":[{"name":"a","source":"./a"}]}`, name)
	}
	entry := func(fields string) string {
		return `{"name":"tools","owner":{"name":"A"},"description":"d","plugins":[{"name":"a","source":"./a"` + fields + `}]}`
	}
	for _, c := range []struct {
		name, file, text string
		old, newer, last []string
	}{
		{"signs in a name", manifest, `{"name":"a@b","version":"1","description":"d","author":{"name":"A"}}`,
			[]string{"warning name not_kebab_case"}, []string{"error name plugin_name_signs"}, []string{"error name plugin_name_signs"}},
		{"metadata", manifest, whole(`,"metadata":{}`), []string{"warning metadata unknown_field"}, nil, nil},
		{"metadata that is no object", manifest, whole(`,"metadata":1`), []string{"warning metadata unknown_field"}, []string{"error metadata wrong_type"}, []string{"error metadata wrong_type"}},
		{"skills at a dot", manifest, whole(`,"skills":"."`), []string{"error skills no_union_match"}, nil, nil},
		{"headers of an entry", market, entry(`,"headers":{"A":"b"}`), []string{"warning plugins[0].headers unknown_field"}, nil, nil},
		{"an archive", market, entry(`,"source":{"source":"archive","url":"https://a/x.zip"}`), []string{"error plugins[0].source no_union_match"}, nil, nil},
		{"a name that was kept later", market, head("npm"), nil, nil, []string{"error name reserved_marketplace_name"}},
		{"a beginning that was kept later", market, head("claudeai-x"), nil, nil, []string{"error name reserved_marketplace_name"}},
		{"servers are read later", ".mcp.json", `{"mcpServers":{"a":{"command":""}}}`, nil, nil, []string{"error mcpServers.a.command empty_string"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree := files(c.file, c.text)
			if c.file == ".mcp.json" {
				tree = files(manifest, whole(""), c.file, c.text)
			}
			for i, want := range [][]string{c.old, c.newer, c.last} {
				p := claudecode.Profiles()[i]
				got := []string{}
				for _, f := range p.Validate(tree, ".").Faults {
					got = append(got, fmt.Sprintf("%s %s %s", f.Severity, f.Path, f.Code))
				}
				slices.Sort(got)
				if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
					t.Errorf("client %s (-want +got):\n%s", p.Version, diff)
				}
			}
		})
	}
}

func TestVersionsKeepNamesForAnthropic(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]bool{
		"agent-skills": {true, true, true}, "healthcare": {false, true, true}, "Claude.Tag_Plugins": {false, false, true}, "tools": {false, false, false},
	} {
		for i, p := range claudecode.Profiles() {
			a := p.Add([]byte(`{"name":"`+name+`","owner":{"name":"A"},"plugins":[]}`), claudecode.Place{Kind: claudecode.PlaceFolder})
			if got := a.Rejected != ""; got != want[i] {
				t.Errorf("client %s refuses %s: %v (%s)", p.Version, name, got, a.Rejected)
			}
		}
	}
}
