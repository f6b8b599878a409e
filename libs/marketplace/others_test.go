package marketplace

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestEveryKindOfComponentIsListed(t *testing.T) {
	t.Parallel()
	const manifest = `{"name":"p","settings":{"agent":"a","theme":"x"},"experimental":{"themes":["./t","./one.json"]},"workflows":"./w",
		"monitors":[{"name":"m","command":"watch $APP_DIR","description":"Watches."}],"commands":{"hi":{"content":"# Says hi\ntext"}}}`
	f := plugin(t, "", map[string]string{
		manifestFile: manifest, "output-styles/s.md": "---\nname: Terse\ndescription: Few words.\n---\nBe brief.", "output-styles/x/deep.md": "x",
		"t/dark.json": `{"name":"Dark","base":"dark"}`, "one.json": `{}`, "themes/never.json": `{}`, "w/flow.js": "x", "w/notes.md": "x", "workflows/never.js": "x",
		"bin/tool": "#!/usr/bin/env -S python3 -u\n", "monitors/monitors.json": `[{"name":"never","command":"x","description":"d"}]`,
	})
	got := map[plugpack.ComponentKind][]string{}
	for _, c := range f.Components {
		got[c.Kind] = append(got[c.Kind], c.Name+" "+c.Path+" "+c.Description)
	}
	want := map[plugpack.ComponentKind][]string{
		plugpack.Command: {"hi " + manifestFile + " Says hi"}, plugpack.OutputStyle: {"Terse output-styles/s.md Few words."},
		plugpack.Workflow: {"flow w/flow.js "}, plugpack.Theme: {"Dark t/dark.json dark", "one one.json "}, plugpack.Bin: {"tool bin/tool "},
		plugpack.Monitor:  {"m " + manifestFile + " Watches."},
		plugpack.Settings: {"agent " + manifestFile + " a", "theme " + manifestFile + " ignored by the client"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(plugpack.Requirements{Env: []string{"APP_DIR"}, Runtimes: []string{"python"}}, f.Requirements); diff != "" {
		t.Error(diff)
	}
	if f.Costs.Full.AlwaysOn == 0 || f.Costs.Client.AlwaysOn != 0 {
		t.Errorf("a command that the client misses is counted as %+v", f.Costs)
	}
}

func TestWhatAPluginNeedsIsToldByWhatItRuns(t *testing.T) {
	t.Parallel()
	f := plugin(t, "", map[string]string{
		".mcp.json": `{"a":{"command":"npx","args":["-y","x","${API_BASE:-https://x}"],"env":{"KEY":"${MY_KEY}"}},
			"b":{"type":"http","url":"https://x/${TENANT}","headers":{"Authorization":"Bearer ${B_TOKEN}"}},"c":{"command":"${CLAUDE_PLUGIN_ROOT}/run.rb"}}`,
		"hooks/hooks.json": `{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"X_SET=1; echo $X_SET $HOME ${NEEDED} $lower && bash ${CLAUDE_PLUGIN_ROOT}/s/go.sh"},
			{"type":"http","url":"https://x","allowedEnvVars":["SENT"]}]}]}}`,
		"run.rb": "#!/usr/bin/ruby\n", "s/go.sh": "#!/usr/bin/env deno run\n", "s/unused.py": "#!/usr/bin/env php\n",
	})
	want := plugpack.Requirements{
		Env: []string{"API_BASE", "B_TOKEN", "KEY", "MY_KEY", "NEEDED", "SENT", "TENANT"}, Runtimes: []string{"deno", "node", "ruby"},
	}
	if diff := cmp.Diff(want, f.Requirements); diff != "" {
		t.Error(diff)
	}
}

const mitText = "Permission is hereby granted, free of charge, to any person obtaining a copy. The above copyright notice and this permission notice shall be included. THE SOFTWARE IS PROVIDED \"AS IS\"."

func TestLicence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, source, host string
		files              map[string]string
		want               *plugpack.LicenseFile
	}{
		{"the host's word for a repository that is the plugin", "./", "Apache-2.0", map[string]string{"LICENSE": mitText}, &plugpack.LicenseFile{Path: "LICENSE", SPDX: "Apache-2.0", By: "host"}},
		{"the text where the host does not know", "./", "NOASSERTION", map[string]string{"license.md": mitText}, &plugpack.LicenseFile{Path: "license.md", SPDX: "MIT", By: "file"}},
		{"its own file before the repository's", "./p", "Apache-2.0", map[string]string{"p/COPYING": mitText, "LICENSE": "x"}, &plugpack.LicenseFile{Path: "COPYING", SPDX: "MIT", By: "file"}},
		{"the repository's file", "./a/p", "", map[string]string{"a/p/x": "", "LICENSE": mitText}, &plugpack.LicenseFile{Path: "../../LICENSE", SPDX: "MIT", By: "file"}},
		{"the host's word for the repository's file", "./p", "ISC", map[string]string{"p/x": "", "LICENSE": "x"}, &plugpack.LicenseFile{Path: "../LICENSE", SPDX: "ISC", By: "host"}},
		{"a text that nobody knows", "./p", "", map[string]string{"p/LICENSE": "Ask me."}, &plugpack.LicenseFile{Path: "LICENSE", By: "file"}},
		{"what the manifest declares", "./p", "", map[string]string{"p/" + manifestFile: `{"name":"p","license":"mit"}`}, &plugpack.LicenseFile{SPDX: "MIT", By: "manifest"}},
		{"nothing", "./p", "", map[string]string{"p/x": ""}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.files[File] = list(`{"name":"p","source":"` + c.source + `"}`)
			in := repository(t, c.files)
			in.License = c.host
			content, err := Read(in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, plugins(content)[0].Facts.Documents.License); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDocumentsAreBoundedAndClean(t *testing.T) {
	t.Parallel()
	f := plugin(t, "", map[string]string{
		"README.md": "# Title\u202e\nA key: ghp_0123456789abcdefghijklmnopqrstuvwxyzAB\n" + strings.Repeat("é", maxReadme), "readme.rst": "worse", "ChangeLog.md": "## 1.0\n",
	})
	readme := f.Documents.Readme
	if readme == nil || readme.Path != "README.md" || !readme.Cut || len(readme.Text) > maxReadme || strings.ContainsAny(readme.Text, "\u202e\ufffd") || strings.Contains(readme.Text, "ghp_0123456789abcdef") {
		t.Errorf("the README is %+.200v", readme)
	}
	if diff := cmp.Diff(&plugpack.Document{Path: "ChangeLog.md", Bytes: 7, Text: "## 1.0"}, f.Documents.Changelog); diff != "" {
		t.Error(diff)
	}
	alone := plugin(t, "", map[string]string{"x": ""})
	if d := alone.Documents; d.Changelog != nil || d.Readme.Text != "" {
		t.Errorf("a plugin without documents has %+v", d)
	}
}

func TestDocumentsGoBeforeComponents(t *testing.T) {
	t.Parallel()
	f := plugpack.Facts{Documents: plugpack.Documents{Readme: &plugpack.Document{Path: "README.md", Bytes: maxFacts, Text: strings.Repeat("x", maxFacts)}}}
	for range 100 {
		f.Components = append(f.Components, plugpack.Component{Kind: plugpack.Skill, Description: strings.Repeat("d", 100)})
	}
	got := shrink(f)
	want := f
	want.Documents = plugpack.Documents{Readme: &plugpack.Document{Path: "README.md", Bytes: maxFacts, Cut: true}}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || f.Documents.Readme.Text == "" {
		t.Error(diff)
	}
}

func TestKeptFrontMatterIsBounded(t *testing.T) {
	t.Parallel()
	keys := []string{}
	for i := range 100 {
		keys = append(keys, "k"+strings.Repeat("x", i)+": "+strings.Repeat("v", i*10))
	}
	f := plugin(t, "", map[string]string{"skills/s/SKILL.md": "---\n" + strings.Join(keys, "\n") + "\n---\n"})
	i := slices.IndexFunc(f.Components, func(c plugpack.Component) bool { return c.Kind == plugpack.Skill })
	b, _ := json.Marshal(f.Components[i].Frontmatter)
	if n := len(f.Components[i].Frontmatter); n == 0 || n > maxKeys || len(b) > maxKeys*(maxValue+plugpack.MaxName+8) {
		t.Errorf("%d fields in %d bytes are kept", n, len(b))
	}
}
