package marketplace

import (
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
		"what is written out stays with its marketplace": {
			`,"hooks":{},"mcpServers":{"s":{"command":"x","env":{"TOKEN":"secret"}}},"commands":{"a":{"content":"x"}}`,
			&plugpack.Declared{Inline: []string{"commands", "hooks", "mcpServers"}},
		},
		"a path that leads out": {`,"agents":["./../x.md"]`, &plugpack.Declared{Inline: []string{"agents"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := plugin(t, c.entry, map[string]string{"commands/run.md": "Run."}).Declared
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
		})
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
