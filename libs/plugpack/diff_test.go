package plugpack_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	base := func() plugpack.Facts {
		return plugpack.Facts{
			Files: 2, Bytes: 100, Costs: &plugpack.Costs{Full: plugpack.Cost{AlwaysOn: 10, OnUse: 20}},
			Components: []plugpack.Component{
				{Kind: plugpack.Command, Name: "run", Description: "Runs", Frontmatter: map[string]json.RawMessage{"allowed-tools": json.RawMessage(`"Read, Bash(git log, git diff)"`), "model": json.RawMessage(`"opus"`)}},
				{Kind: plugpack.Hook, Name: "PreToolUse", Handlers: []plugpack.Handler{{Matcher: "Bash", Type: "command", Command: "check.sh"}}},
				{Kind: plugpack.MCP, Name: "db", Server: &plugpack.Server{Transport: "stdio", Command: "npx", Args: []string{"db"}, Env: []string{"DB_URL"}}},
			},
			Scripts: []plugpack.Script{{Path: "check.sh", Blob: "a"}},
		}
	}
	for name, c := range map[string]struct {
		change func(*plugpack.Facts)
		want   func(*plugpack.Diff)
	}{
		"the same version has no difference": {
			func(*plugpack.Facts) {}, func(*plugpack.Diff) {},
		},
		"a description is no capability": {
			func(f *plugpack.Facts) { f.Components[0].Description = "Runs well" },
			func(d *plugpack.Diff) { d.Components.Changed = []string{"command run"} },
		},
		"front matter that grants nothing is not compared": {
			func(f *plugpack.Facts) { f.Components[0].Frontmatter["model"] = json.RawMessage(`"haiku"`) },
			func(*plugpack.Diff) {},
		},
		"a tool more is a capability, its list read in any form": {
			func(f *plugpack.Facts) {
				f.Components[0].Frontmatter["allowed-tools"] = json.RawMessage(`["Bash(git log, git diff)","Read","Write"]`)
			},
			func(d *plugpack.Diff) {
				d.Components.Changed, d.Permissions.Added = []string{"command run"}, []string{"command run: Write"}
				d.Capabilities = []string{"it asks for another tool: command run: Write"}
			},
		},
		"a hook that runs another command is a new one": {
			func(f *plugpack.Facts) { f.Components[1].Handlers[0].Command = "other.sh" },
			func(d *plugpack.Diff) {
				d.Hooks.Added, d.Hooks.Removed = []string{"PreToolUse Bash: command other.sh"}, []string{"PreToolUse Bash: command check.sh"}
				d.Capabilities = []string{"it runs a new hook: PreToolUse Bash: command other.sh"}
			},
		},
		"a server that is started in another way": {
			func(f *plugpack.Facts) { f.Components[2].Server.Args = []string{"evil"} },
			func(d *plugpack.Diff) {
				d.Servers.Changed = []string{"mcp db"}
				d.Capabilities = []string{"a server is started or reached in another way: mcp db"}
			},
		},
		"a variable, a script and a dependency more": {
			func(f *plugpack.Facts) {
				f.Requirements.Env = []string{"TOKEN"}
				f.Scripts = []plugpack.Script{{Path: "check.sh", Blob: "b"}, {Path: "new.py", Blob: "c"}}
				f.Requirements.Dependencies = []plugpack.Dependency{{Name: "helper", Marketplace: "acme"}}
				f.Files, f.Bytes, f.Costs.Full.AlwaysOn = 3, 150, 30
			},
			func(d *plugpack.Diff) {
				d.Env.Added = []string{"TOKEN"}
				d.Scripts = plugpack.Change{Added: []string{"new.py"}, Changed: []string{"check.sh"}}
				d.Dependencies.Added = []string{"helper@acme"}
				d.Files.To, d.Bytes.To, d.AlwaysOn.To = 3, 150, 30
				d.Capabilities = []string{
					"it reads another environment variable: TOKEN", "it brings a new script: new.py",
					"a script has another content: check.sh", "it installs another plugin: helper@acme",
				}
			},
		},
		"what goes is no capability": {
			func(f *plugpack.Facts) { f.Components, f.Scripts = f.Components[:1], nil },
			func(d *plugpack.Diff) {
				d.Hooks.Removed, d.Servers.Removed = []string{"PreToolUse Bash: command check.sh"}, []string{"mcp db"}
				d.Env.Removed, d.Scripts.Removed = []string{"DB_URL"}, []string{"check.sh"}
			},
		},
		"a program on the path is a capability": {
			func(f *plugpack.Facts) {
				f.Components = append(f.Components, plugpack.Component{Kind: plugpack.Bin, Name: "tool"})
			},
			func(d *plugpack.Diff) {
				d.Components.Added = []string{"bin tool"}
				d.Capabilities = []string{"it puts a program to work: bin tool"}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := base()
			c.change(&to)
			want := plugpack.Diff{
				Files: plugpack.Amount{From: 2, To: 2}, Bytes: plugpack.Amount{From: 100, To: 100},
				AlwaysOn: plugpack.Amount{From: 10, To: 10}, OnUse: plugpack.Amount{From: 20, To: 20},
			}
			c.want(&want)
			want.NewCapabilities = len(want.Capabilities) > 0
			if diff := cmp.Diff(want, plugpack.Compare(base().Contents(), to.Contents())); diff != "" {
				t.Fatalf("-want +got:\n%s", diff)
			}
		})
	}
}
