package quality_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/quick"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/quality"
)

const readmeText = `# Deploy

Deploys what you have committed to the place that the project's configuration names, and takes it back when the
checks after it fail. It asks before it touches production, and says what it did.

## Install

    /plugin marketplace add acme/tools

## Usage

` + "```\n/deploy staging\n```\n\n## Examples\n\nSay: deploy the branch to staging, and tell me when the checks are green.\n"

func frontmatter(fields map[string]string) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	for k, v := range fields {
		m[k], _ = json.Marshal(v)
	}
	return m
}

// best is a plugin that earns every point.
func best() quality.Input {
	return quality.Input{
		Name: "deploy", Version: "1.2.0", EntryVersion: "1.2.0",
		Facts: plugpack.Facts{
			Description: "Deploys a project and takes it back.", Version: "1.2.0", License: "MIT",
			Author:   plugpack.Person{Name: "Ann", Email: "ann@example.com"},
			Homepage: "https://example.com", Repository: "https://github.com/acme/tools", Keywords: []string{"deploy", "release", "rollback"},
			Source: plugpack.Source{Kind: plugpack.SourceGitHub, Repo: "acme/tools", SHA: strings.Repeat("a", 40)},
			State:  plugpack.StateRead, Commit: "c0ffee", Origin: "github.com/acme/tools", Digest: "d1",
			Components: []plugpack.Component{
				{Kind: plugpack.Command, Name: "deploy", Path: "commands/deploy.md", OnUse: 300, Frontmatter: frontmatter(map[string]string{"description": "Deploys."})},
				{Kind: plugpack.Skill, Name: "rollback", Path: "skills/rollback/SKILL.md", OnUse: 900, Frontmatter: frontmatter(map[string]string{"description": "Use when a deployment fails."})},
				{Kind: plugpack.Hook, Name: "PreToolUse", Path: "hooks/hooks.json", Handlers: []plugpack.Handler{{Matcher: "Bash", Type: "command", Command: "${CLAUDE_PLUGIN_ROOT}/guard.sh"}}},
				{Kind: plugpack.MCP, Name: "host", Path: ".mcp.json", Server: &plugpack.Server{Command: "npx", Args: []string{"-y", "host@1.2.3"}}},
			},
			Scripts:  []plugpack.Script{{Path: "guard.sh"}},
			Verdicts: &plugpack.Verdicts{Client: "2.1.197", Valid: new(true), Installs: new(true), Load: plugpack.LoadWhole},
			Costs:    &plugpack.Costs{Full: plugpack.Cost{AlwaysOn: 120}},
			Documents: plugpack.Documents{
				Readme:    &plugpack.Document{Path: "README.md", Text: readmeText},
				License:   &plugpack.LicenseFile{Path: "LICENSE", SPDX: "MIT", By: "file"},
				Changelog: &plugpack.Document{Path: "CHANGELOG.md", Text: "# Changes\n\n## 1.2.0\n\nTakes back."},
			},
			Security: &plugpack.Security{State: plugpack.Scanned, Ruleset: "r1", Files: 9, Reach: []plugpack.Reach{{Kind: plugpack.MCP, Downloads: []string{"host@1.2.3"}}}},
		},
		Folder: quality.Folder{
			Manifest: true, Lines: map[string]int{"name": 2, "version": 3, "description": 4}, Tests: []string{"tests/guard.bats"},
			Workflows:  []quality.Workflow{{Path: ".github/workflows/test.yml", Checks: true, Line: 12}},
			References: []quality.Reference{{From: "hooks/hooks.json", Path: "guard.sh", Direct: true, Exists: true, Executable: true}},
		},
	}
}

func check(t *testing.T, in quality.Input, id string) plugpack.Check {
	t.Helper()
	q := quality.Assess(in)
	if q == nil {
		t.Fatal("there is no report")
	}
	for _, d := range q.Dimensions {
		for _, c := range d.Checks {
			if c.ID == id {
				return c
			}
		}
	}
	t.Fatalf("the report has no check %s", id)
	return plugpack.Check{}
}

func TestTheBestPluginHasAllPoints(t *testing.T) {
	t.Parallel()
	q := quality.Assess(best())
	if q.Score != 100 || len(q.Caps) != 0 {
		t.Errorf("score %d, caps %v", q.Score, q.Caps)
	}
	for _, d := range q.Dimensions {
		for _, c := range d.Checks {
			if c.Outcome != plugpack.Passed || c.Points != c.Max || c.Fix != "" || c.Reason == "" {
				t.Errorf("%+v", c)
			}
		}
	}
}

// Every check loses points by a fault that is its own, and then says why and
// what to do.
func TestEveryCheckCanFail(t *testing.T) {
	t.Parallel()
	faults := map[string]func(in *quality.Input){
		"manifest.valid": func(in *quality.Input) {
			in.Facts.Verdicts.Faults = []plugpack.Fault{{Severity: plugpack.Warning, File: ".claude-plugin/plugin.json", Message: "Say who wrote it."}}
		},
		"manifest.loads": func(in *quality.Input) {
			in.Facts.Verdicts.Load, in.Facts.Verdicts.Lost = plugpack.LoadPartly, []plugpack.Lost{{Path: "agents[0]", Reason: "it is not there"}}
		},
		"manifest.name":          func(in *quality.Input) { in.Name = "My_Deploy" },
		"manifest.description":   func(in *quality.Input) { in.Facts.Description = "Deploys." },
		"manifest.version":       func(in *quality.Input) { in.Facts.Version = "1" },
		"manifest.author":        func(in *quality.Input) { in.Facts.Author = plugpack.Person{Name: "Ann"} },
		"manifest.license":       func(in *quality.Input) { in.Facts.License = "see the file" },
		"manifest.links":         func(in *quality.Input) { in.Facts.Homepage = "" },
		"manifest.keywords":      func(in *quality.Input) { in.Facts.Keywords = in.Facts.Keywords[:2] },
		"documentation.readme":   func(in *quality.Input) { in.Facts.Documents.Readme.Path = "../../README.md" },
		"documentation.sections": func(in *quality.Input) { in.Facts.Documents.Readme.Text = "# Deploy\n" },
		"documentation.install": func(in *quality.Input) {
			in.Facts.Documents.Readme.Text = strings.ReplaceAll(readmeText, "/plugin marketplace add", "copy")
		},
		"documentation.usage":      func(in *quality.Input) { in.Facts.Documents.Readme.Text = "# Deploy\n\nIt deploys.\n" },
		"documentation.examples":   func(in *quality.Input) { in.Facts.Documents.Readme.Text = "# Deploy\n\n```\nx\n```\n" },
		"documentation.license":    func(in *quality.Input) { in.Facts.Documents.License.By = "host" },
		"documentation.changelog":  func(in *quality.Input) { in.Facts.Documents.Changelog = nil },
		"documentation.components": func(in *quality.Input) { in.Facts.Components[0].Frontmatter = nil },
		"documentation.when": func(in *quality.Input) {
			in.Facts.Components[1].Frontmatter = frontmatter(map[string]string{"description": "Rolls back."})
		},
		"maintenance.version":   func(in *quality.Input) { in.EntryVersion = "1.0.0" },
		"maintenance.changelog": func(in *quality.Input) { in.Facts.Version = "1.3.0" },
		"maintenance.pinned":    func(in *quality.Input) { in.Facts.Source.SHA, in.Facts.Source.Ref = "", "main" },
		"testing.tests":         func(in *quality.Input) { in.Folder.Tests = nil },
		"testing.ci":            func(in *quality.Input) { in.Folder.Workflows[0].Checks = false },
		"testing.references":    func(in *quality.Input) { in.Folder.References[0].Exists = false },
		"testing.executable":    func(in *quality.Input) { in.Folder.References[0].Executable = false },
		"security.scan":         func(in *quality.Input) { in.Facts.Security.State = plugpack.PartlyScanned },
		"security.findings": func(in *quality.Input) {
			in.Facts.Security.Findings = []plugpack.Finding{{Rule: "x", Severity: plugpack.Medium, Confidence: plugpack.Low, Path: "guard.sh", Line: 3}}
		},
		"security.hooks": func(in *quality.Input) { in.Facts.Components[2].Handlers[0].Matcher = "*" },
		"security.downloads": func(in *quality.Input) {
			in.Facts.Security.Findings = []plugpack.Finding{{Rule: "start.unpinned", Severity: plugpack.Medium, Confidence: plugpack.Medium, Path: ".mcp.json"}}
		},
		"cost.always":     func(in *quality.Input) { in.Facts.Costs.Full.AlwaysOn = 3000 },
		"cost.use":        func(in *quality.Input) { in.Facts.Components[0].OnUse = 6000 },
		"cost.components": func(in *quality.Input) { in.Facts.Components = slices.Repeat(in.Facts.Components, 10) },
		"cost.descriptions": func(in *quality.Input) {
			in.Facts.Components[1].Frontmatter = frontmatter(map[string]string{"description": "Use when " + strings.Repeat("x", 1600)})
		},
	}
	for _, d := range quality.Dimensions() {
		for _, c := range d.Checks {
			if c.ID == plugpack.Activity.ID {
				continue
			}
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				fault, ok := faults[c.ID]
				if !ok {
					t.Fatal("the test has no fault for it")
				}
				in := best()
				fault(&in)
				got := check(t, in, c.ID)
				if got.Points >= got.Max || got.Outcome == plugpack.Passed || got.Outcome == plugpack.NotApplicable || got.Reason == "" || got.Fix == "" {
					t.Errorf("got %+v", got)
				}
				if after := quality.Assess(in); after.Score >= 100 || after.Digest == quality.Assess(best()).Digest {
					t.Errorf("score %d with the digest of a plugin without the fault: %t", after.Score, after.Digest == quality.Assess(best()).Digest)
				}
			})
		}
	}
}

func TestEvidenceIsALine(t *testing.T) {
	t.Parallel()
	in := best()
	in.Facts.Security.Findings = []plugpack.Finding{{Severity: plugpack.High, Confidence: plugpack.High, Path: "guard.sh", Line: 7}}
	for id, want := range map[string]plugpack.Evidence{
		"manifest.version":      {Path: ".claude-plugin/plugin.json", Line: 3},
		"documentation.install": {Path: "README.md", Line: 8},
		"maintenance.changelog": {Path: "CHANGELOG.md", Line: 3},
		"testing.ci":            {Path: ".github/workflows/test.yml", Line: 12},
		"security.findings":     {Path: "guard.sh", Line: 7},
	} {
		if got := check(t, in, id).Evidence; len(got) != 1 || got[0] != want {
			t.Errorf("%s: evidence %+v, want %+v", id, got, want)
		}
	}
}

func TestCaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id   string
		most int
		make func(f *plugpack.Facts)
	}{
		{"does-not-install", 20, func(f *plugpack.Facts) { f.Verdicts.Installs = new(false) }},
		{"does-not-install", 20, func(f *plugpack.Facts) { f.Verdicts.Load = plugpack.LoadNone }},
		{"critical-finding", 40, func(f *plugpack.Facts) {
			f.Security.Findings = []plugpack.Finding{{Severity: plugpack.Critical, Confidence: plugpack.High}}
		}},
		{"not-scanned", 70, func(f *plugpack.Facts) { f.Security = nil }},
		{"not-scanned", 70, func(f *plugpack.Facts) { f.Security.State = plugpack.NotScanned }},
		{"not-scanned", 70, func(f *plugpack.Facts) { f.Security.State = plugpack.ScanError }},
		{"fails-validate", 75, func(f *plugpack.Facts) { f.Verdicts.Valid = new(false) }},
		{"partly-scanned", 85, func(f *plugpack.Facts) { f.Security.State = plugpack.PartlyScanned }},
	} {
		in := best()
		c.make(&in.Facts)
		q := quality.Assess(in)
		if len(q.Caps) != 1 || q.Caps[0].ID != c.id || q.Caps[0].Max != c.most || q.Score > c.most {
			t.Errorf("want %s: score %d, caps %+v", c.id, q.Score, q.Caps)
		}
	}
}

func TestWhatWasNotReadHasNoReport(t *testing.T) {
	t.Parallel()
	for _, state := range []plugpack.State{plugpack.StateNotReadYet, plugpack.StateMissing, plugpack.StateUnsupported, plugpack.StateBroken} {
		in := best()
		in.Facts.State = state
		if q := quality.Assess(in); q != nil {
			t.Errorf("%s has a report with %d", state, q.Score)
		}
	}
	in := best()
	in.Facts.State, in.Facts.Verdicts.Installs = plugpack.StateBroken, new(false)
	if q := quality.Assess(in); q == nil || q.Score > 20 {
		t.Errorf("what is known not to install has the report %+v", q)
	}
}

// Security that nobody looked at earns nothing and says so.
func TestNotScannedEarnsNothing(t *testing.T) {
	t.Parallel()
	in := best()
	in.Facts.Security = nil
	for _, id := range []string{"security.scan", "security.findings", "security.downloads"} {
		if c := check(t, in, id); c.Outcome != plugpack.NotKnown || c.Points != 0 || !strings.Contains(c.Reason, "not looked through") {
			t.Errorf("got %+v", c)
		}
	}
}

// The same content gives the same bytes: at any commit, in any marketplace, in
// any order of maps, however often.
func TestReportsAreTheSameByteForByte(t *testing.T) {
	t.Parallel()
	want, _ := json.Marshal(quality.Assess(best()))
	same := func(commit, origin, path string) bool {
		in := best()
		in.Facts.Commit, in.Facts.Origin, in.Facts.Quality = commit, origin, &plugpack.Quality{Score: 3}
		shuffled := map[string]int{}
		for k, v := range in.Folder.Lines {
			shuffled[k] = v
		}
		in.Folder.Lines = shuffled
		got, _ := json.Marshal(quality.Assess(in))
		return string(got) == string(want)
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
	relative := func(path string) string {
		in := best()
		in.Facts.Source = plugpack.Source{Kind: plugpack.SourceRelative, Path: path}
		b, _ := json.Marshal(quality.Assess(in))
		return string(b)
	}
	if relative("./a") != relative("./plugins/b") {
		t.Error("where the plugin is in its repository changes its report")
	}
}

// Reports of one digest are equal: what a check looks at is in the digest.
func TestOneDigestIsOneReport(t *testing.T) {
	t.Parallel()
	reports := map[string]string{}
	covered := func(name, description, version, reason string, stars, lines uint8, state, load uint8) bool {
		in := best()
		in.Name, in.Facts.Description, in.EntryVersion = name, description, version
		in.Facts.Security.State = plugpack.SecurityState(state % 4)
		in.Facts.Security.Reason = reason
		in.Folder.Lines["name"] = int(lines)
		in.Facts.Costs.Full.AlwaysOn = int(stars) * 40
		in.Facts.Verdicts.Load = []plugpack.LoadResult{plugpack.LoadWhole, plugpack.LoadPartly, plugpack.LoadNone}[load%3]
		q := quality.Assess(in)
		digest := q.Digest
		b, _ := json.Marshal(q)
		if before, ok := reports[digest]; ok && before != string(b) {
			return false
		}
		reports[digest] = string(b)
		return true
	}
	if err := quick.Check(covered, &quick.Config{MaxCount: 300}); err != nil {
		t.Error(err)
	}
}

func TestRulesetNamesWhatTheReportRestsOn(t *testing.T) {
	t.Parallel()
	in := best()
	want := quality.Ruleset() + ", security r1, client 2.1.197"
	if got := quality.Assess(in).Ruleset; got != want || !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(quality.Ruleset()) {
		t.Errorf("ruleset %q, want %q", got, want)
	}
}

func TestWeightsAreOfAHundred(t *testing.T) {
	t.Parallel()
	sum := 0.0
	seen := map[string]bool{}
	for _, d := range quality.Dimensions() {
		sum += d.Weight
		for _, c := range d.Checks {
			if seen[c.ID] || !strings.HasPrefix(c.ID, d.Name+".") || c.Version < 1 || c.Max <= 0 || c.Title == "" {
				t.Errorf("%+v", c)
			}
			seen[c.ID] = true
		}
	}
	if sum != 100 {
		t.Errorf("the weights are %g together", sum)
	}
}

// A stranger's text cannot make a report long or put control characters in it.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	bad := "\x1b]0;x\x07\u202e" + strings.Repeat("é<", 5000)
	in := best()
	in.Name, in.Version, in.EntryVersion, in.Facts.Version, in.Facts.License = bad, bad, "1", bad, bad
	in.Facts.Verdicts.Installs, in.Facts.Verdicts.InstallReason = new(false), bad
	in.Facts.Components[0].Name, in.Facts.Components[0].Frontmatter = bad, nil
	in.Folder.References[0].Path, in.Folder.References[0].Exists = bad, false
	b, err := json.Marshal(quality.Assess(in))
	if err != nil || len(b) > 40_000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	for _, d := range quality.Assess(in).Dimensions {
		for _, c := range d.Checks {
			if strings.ContainsAny(c.Reason+c.Fix, "\x1b\x07\u202e") {
				t.Errorf("%s: %q", c.ID, c.Reason)
			}
		}
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		".claude-plugin/plugin.json":  {Data: []byte("{\n  \"name\": \"x\",\n  \"author\": {\n    \"name\": \"A\"\n  },\n  \"version\": \"1\"\n}\n")},
		".github/workflows/a.yml":     {Data: []byte("# tests\njobs:\n  x:\n    - uses: actions/checkout@v4\n    - run: npm test # all\n")},
		".github/workflows/only.yaml": {Data: []byte("jobs:\n  publish:\n    - run: npm publish\n")},
	}
	files := []quality.File{
		{Path: ".claude-plugin/plugin.json"}, {Path: ".github/workflows/a.yml"}, {Path: ".github/workflows/only.yaml"},
		{Path: "tests/README.md"}, {Path: "tests/run.sh", Mode: "100755"}, {Path: "src/x.test.ts"}, {Path: "node_modules/y/test/z.js"}, {Path: "contest.py"},
		{Path: "scripts/a.sh", Mode: "100644"}, {Path: "scripts/b.py", Mode: "100644"}, {Path: "data/x.json"},
	}
	hook := func(command string, args ...string) plugpack.Component {
		return plugpack.Component{Kind: plugpack.Hook, Path: "hooks/hooks.json", Handlers: []plugpack.Handler{{Type: "command", Command: command, Args: args}}}
	}
	f := quality.Look(files, []quality.File{{Path: "../../.circleci/config.yml"}}, []plugpack.Component{
		hook(`"${CLAUDE_PLUGIN_ROOT}"/scripts/a.sh --all`), hook("python3 $CLAUDE_PLUGIN_ROOT/scripts/b.py"), hook("echo hello"),
		hook("node", "${CLAUDE_PLUGIN_ROOT}/gone.js", "--data=${CLAUDE_PLUGIN_ROOT}/data", "${CLAUDE_PLUGIN_ROOT}/node_modules/x/y.js"),
		{Kind: plugpack.MCP, Path: ".mcp.json", Server: &plugpack.Server{Command: "${CLAUDE_PLUGIN_ROOT}/tests/run.sh"}},
	}, fsys.ReadFile)
	want := quality.Folder{
		Manifest: true, Lines: map[string]int{"name": 2, "author": 3, "version": 6}, Tests: []string{"tests/run.sh", "src/x.test.ts"},
		Workflows: []quality.Workflow{
			{Path: ".github/workflows/a.yml", Checks: true, Line: 5}, {Path: ".github/workflows/only.yaml"}, {Path: "../../.circleci/config.yml"},
		},
		References: []quality.Reference{
			{From: "hooks/hooks.json", Path: "scripts/a.sh", Direct: true, Exists: true},
			{From: "hooks/hooks.json", Path: "scripts/b.py", Exists: true},
			{From: "hooks/hooks.json", Path: "gone.js"},
			{From: "hooks/hooks.json", Path: "data", Exists: true},
			{From: ".mcp.json", Path: "tests/run.sh", Direct: true, Exists: true, Executable: true},
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if f := quality.Look(nil, nil, nil, func(string) ([]byte, error) { return []byte("[1"), nil }); f.Manifest {
		t.Error("a list is no manifest")
	}
}

// The page explains every check and cap that there is, with its points, and no
// other.
func TestThePageIsTrue(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/quality-report.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, d := range quality.Dimensions() {
		want = append(want, fmt.Sprintf("## %s: %g of 100", d.Name, d.Weight))
		for _, c := range d.Checks {
			want = append(want, fmt.Sprintf("| `%s` | %g |", c.ID, c.Max))
		}
	}
	for _, c := range quality.Caps() {
		want = append(want, fmt.Sprintf("| `%s` | %d |", c.ID, c.Max))
	}
	got := regexp.MustCompile("(?m)^(## [a-z]+: \\d+ of 100|\\| `[a-z.-]+` \\| \\d+ \\|)").FindAllString(string(b), -1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/quality-report.md -want +got:\n%s", diff)
	}
}
