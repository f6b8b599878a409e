package marketplace

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestDeclared(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry string
		want  *plugpack.Declared
	}{
		"nothing": {"", nil},
		"paths, one or a list": {
			`,"strict":false,"commands":"./a.md","skills":["./x","./y"]`,
			&plugpack.Declared{Strict: new(false), Commands: []string{"./a.md"}, Skills: []string{"./x", "./y"}},
		},
		"what is written out": {
			`,"hooks":{"Stop":[]},"mcpServers":{"s":{"command":"x","args":["${CLAUDE_PLUGIN_ROOT}/s"],"env":{"TOKEN":"${TOKEN}"}}}`,
			&plugpack.Declared{Fields: map[string]json.RawMessage{
				"hooks": json.RawMessage(`{"Stop":[]}`), "mcpServers": json.RawMessage(`{"s":{"args":["${CLAUDE_PLUGIN_ROOT}/s"],"command":"x","env":{"TOKEN":"${TOKEN}"}}}`),
			}},
		},
		"values stay with its marketplace": {
			`,"lspServers":{"l":{"command":"x","args":["--token","abcdefghijkl"]}},"mcpServers":{"s":{"command":"x","env":{"TOKEN":"secret"}}},` +
				`"settings":{"at":"http://10.0.0.7/x"},"commands":{"a":{"content":"x"}},"themes":"./../x.json"`,
			&plugpack.Declared{Inline: []string{"commands", "mcpServers", "lspServers", "themes", "settings"}},
		},
		"a path that leads out": {`,"agents":["./../x.md"]`, &plugpack.Declared{Inline: []string{"agents"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := plugin(t, c.entry, map[string]string{"commands/run.md": "Run."}).Declared
			if got != nil && len(got.Digest) != 64 {
				t.Errorf("the digest is %q", got.Digest)
			}
			if got != nil {
				got.Digest = ""
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

// Whatever an entry adds makes another version of the same files, and what it
// only tells does not.
func TestVersionDigest(t *testing.T) {
	t.Parallel()
	digest := func(entry string) string {
		f := plugin(t, entry, map[string]string{"commands/run.md": "Run."})
		return f.VersionDigest()
	}
	files := digest("")
	for _, entry := range []string{`,"description":"Other words","version":"2.0.0","keywords":["x"]`, `,"strict":true`} {
		if digest(entry) != files {
			t.Errorf("%s makes another version", entry)
		}
	}
	seen := map[string]string{files: "the files alone"}
	for _, entry := range []string{
		`,"hooks":{"Stop":[]}`, `,"hooks":{"Stop":[{"hooks":[]}]}`, `,"mcpServers":{"s":{"command":"x"}}`, `,"commands":"./x.md"`,
		`,"commands":"./x.md","strict":false`, `,"dependencies":["base"]`, `,"mcpServers":{"s":{"command":"x","env":{"A":"1"}}}`,
	} {
		d := digest(entry)
		if before, ok := seen[d]; ok {
			t.Errorf("%s is the version of %s", entry, before)
		}
		seen[d] = entry
	}
	if a, b := digest(`,"mcpServers":{"s":{"command":"x","args":[]}}`), digest(`,"mcpServers":{"s":{"args":[],"command":"x"}}`); a != b {
		t.Error("the order of fields makes a version")
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	tree := Tree{
		{Path: "other/a.sh", Mode: "100644", Blob: "0"}, {Path: "p/README.md", Mode: "100644", Blob: "1"},
		{Path: "p/bin/tool", Mode: "100755", Blob: "2"}, {Path: "p/hooks/Check.PY", Mode: "100644", Blob: "3"},
	}
	want := []plugpack.Script{{Path: "bin/tool", Blob: "2"}, {Path: "hooks/Check.PY", Blob: "3"}}
	if diff := cmp.Diff(want, tree.Scripts("p")); diff != "" {
		t.Fatal(diff)
	}
}
