package analysis_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/plugpack/plugpack/libs/analysis"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// made is a marketplace of a plugin with something of everything and one whose
// folder is not there.
func made() analysis.Analysis {
	no, yes := false, true
	deploy := analysis.NewPlugin("deploy", plugpack.Facts{
		Quality:     quality(),
		Description: "Rolls out.", Version: "1.2.0", License: "MIT", Category: "deployment",
		Source: plugpack.Source{Kind: plugpack.SourceRelative, Path: "./plugins/deploy"}, State: plugpack.StateRead,
		Components: []plugpack.Component{{Kind: plugpack.Skill, Name: "a"}, {Kind: plugpack.Skill, Name: "b"}, {Kind: plugpack.MCP, Name: "c", Server: &plugpack.Server{Transport: "stdio", Command: "npx", Args: []string{"-y", "thing"}}},
			{Kind: plugpack.Hook, Name: "Stop", Handlers: []plugpack.Handler{{Matcher: "Bash", Type: "command", Command: "./run.sh"}}}},
		Requirements: plugpack.Requirements{
			Env: []string{"API_KEY"}, Runtimes: []string{"node"},
			Config: []plugpack.ConfigOption{{Key: "region"}}, Dependencies: []plugpack.Dependency{{Name: "base"}},
		},
		Verdicts: &plugpack.Verdicts{
			Client: "2.1.197", Valid: &no, Add: plugpack.AddListed, Installs: &yes, Load: plugpack.LoadPartly,
			Faults: []plugpack.Fault{
				{Severity: plugpack.Error, File: "skills/a b/SKILL.md", Code: "bad_yaml", Message: "The front matter is not YAML: quote the description."},
				{Severity: plugpack.Warning, File: ".claude-plugin/plugin.json", Path: "author", Code: "no_author", Message: "Say who wrote it."},
			},
			Lost: []plugpack.Lost{{Path: "agents[0]", Reason: "the file is not there"}},
		},
		Costs: &plugpack.Costs{Client: plugpack.Cost{AlwaysOn: 140, OnUse: 2300}, Full: plugpack.Cost{AlwaysOn: 150, OnUse: 2300}},
		Documents: plugpack.Documents{
			Readme: &plugpack.Document{Path: "README.md", Bytes: 9, Text: "# deploy"}, License: &plugpack.LicenseFile{Path: "LICENSE", SPDX: "MIT", By: "file"},
		},
		Security: &plugpack.Security{State: plugpack.PartlyScanned, Reason: "1 file is too large", Ruleset: "r1", Files: 3, Findings: []plugpack.Finding{
			{Rule: "run.pipe", Version: 1, Category: "remote code", Severity: plugpack.High, Confidence: plugpack.Medium, Message: "What is downloaded runs at once.", Path: "run.sh", Line: 4, Excerpt: "curl x | sh", Fix: "Check it first."},
			{Rule: "run.pipe", Version: 1, Category: "remote code", Severity: plugpack.High, Confidence: plugpack.Medium, Message: "What is downloaded runs at once.", Path: "run.sh", Line: 9, Excerpt: "curl y | sh", Fix: "Check it first."},
			{Rule: "file.large", Version: 1, Category: "files", Severity: plugpack.Low, Confidence: plugpack.High, Message: "The file is large.", Path: "x.bin"},
		}},
	}, plugpack.Slow)
	gone := analysis.NewPlugin("gone", plugpack.Facts{
		Source: plugpack.Source{Kind: plugpack.SourceRelative, Path: "./gone"},
		State:  plugpack.StateMissing, StateReason: "the repository has no folder gone",
		Verdicts: &plugpack.Verdicts{Client: "2.1.197", Add: plugpack.AddListed, Installs: &no, InstallReason: "its folder is missing", Load: plugpack.LoadNone},
	}, plugpack.Slow)
	return analysis.Analysis{
		Target: "acme/tools", Commit: strings.Repeat("ab", 20), Client: "2.1.197",
		Marketplace: &analysis.Marketplace{Name: "tools", Entries: 3, Skipped: []plugpack.Skipped{{Index: 2, Name: "x", Reason: "the entry has no name"}}},
		Plugins:     []analysis.Plugin{deploy, gone},
	}
}

// quality makes a report with a check of each outcome and a cap.
func quality() *plugpack.Quality {
	q := plugpack.Quality{Ruleset: "q1", Digest: "d1", Caps: []plugpack.Cap{{ID: "partly-scanned", Max: 45, Reason: "Some files were not looked through."}},
		Dimensions: []plugpack.Dimension{
			{Name: "documentation", Weight: 60, Checks: []plugpack.Check{
				{ID: "documentation.readme", Version: 1, Outcome: plugpack.Passed, Points: 8, Max: 8, Reason: "it has 900 characters"},
				{ID: "documentation.install", Version: 1, Outcome: plugpack.NotPassed, Max: 4, Reason: "it does not say how to install it", Fix: "Write down the two commands."},
				{ID: "documentation.when", Version: 1, Outcome: plugpack.NotApplicable, Max: 6, Reason: "it has no agents"},
			}},
			{Name: plugpack.MaintenanceDimension, Weight: 40, Checks: []plugpack.Check{
				{ID: "maintenance.version", Version: 1, Outcome: plugpack.NotKnown, Max: 4, Reason: "nobody looked"},
			}},
			{Name: "testing", Weight: 5, Checks: []plugpack.Check{{ID: "testing.tests", Version: 1, Outcome: plugpack.NotApplicable, Max: 4, Reason: "no code"}}},
		}}.Reckoned()
	return &q
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	a := made()
	a.Plugins = a.Plugins[:1]
	score := *a.Plugins[0].Score
	if !a.AtLeast(score) || a.AtLeast(score+1) {
		t.Errorf("with %d: at least that %t, at least one more %t", score, a.AtLeast(score), a.AtLeast(score+1))
	}
	if made().AtLeast(0) {
		t.Error("a plugin without a score passes")
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, format := range analysis.Formats {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := analysis.Write(&b, made(), format, false); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "analysis."+format)
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s is out of date, run with -update if the change is meant (-want +got):\n%s", path, diff)
			}
		})
	}
	t.Run("an unknown format is refused", func(t *testing.T) {
		t.Parallel()
		if err := analysis.Write(&bytes.Buffer{}, made(), "pdf", false); errs.KindOf(err) != errs.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestJSONComesBack(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := analysis.Write(&b, made(), "json", false); err != nil {
		t.Fatal(err)
	}
	var got analysis.Analysis
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made(), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSARIFIsValid(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := analysis.Write(&b, made(), "sarif", false); err != nil {
		t.Fatal(err)
	}
	report, err := sarif.FromBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Validate(); err != nil {
		t.Errorf("not valid by the standard's schema: %v", err)
	}
	results := report.Runs[0].Results
	if len(results) != 6 {
		t.Fatalf("%d results, want two problems, what is lost and three findings", len(results))
	}
	finding := results[3]
	if place := finding.Locations[0].PhysicalLocation; *place.Region.StartLine != 4 || *place.ArtifactLocation.URI != "plugins/deploy/run.sh" {
		t.Errorf("the finding is at %+v", place)
	}
	seen := map[string]bool{}
	for _, r := range results {
		print := r.PartialFingerprints["plugpack/v1"]
		if print == "" || seen[print] {
			t.Errorf("the fingerprint %q is empty or another result's", print)
		}
		seen[print] = true
	}
	rules := report.Runs[0].Tool.Driver.Rules
	if last := rules[len(rules)-2]; *last.ID != "run.pipe" || last.Help == nil || last.Properties.Properties["security-severity"] != "8.0" {
		t.Errorf("the rule is %+v", last)
	}
	if got := *report.Runs[0].Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI; got != "plugins/deploy/skills/a%20b/SKILL.md" {
		t.Errorf("the problem is at %s", got)
	}
}

// TestHostileText: what strangers wrote reaches neither the terminal as a
// command nor a page as markup.
func TestHostileText(t *testing.T) {
	t.Parallel()
	bad := "\x1b]0;owned\x07<img src=x>[a](javascript:b)|`c`\n# d\u202e"
	a := made()
	a.Target, a.Marketplace.Name = bad, bad
	p := &a.Plugins[0]
	p.Name, p.Description, p.StateReason, p.Category, p.Version = bad, bad, bad, bad, bad
	p.Verdicts.Faults[0].File, p.Verdicts.Faults[0].Message = bad, bad
	p.Security.Findings[0].Message, p.Security.Findings[0].Path, p.Documents.Readme.Path, p.Quality.Dimensions[0].Checks[1].Reason = bad, bad, bad, bad
	p.Requirements.Env[0], p.Components[2].Server.Command = bad, bad
	for _, format := range []string{"text", "markdown"} {
		var b bytes.Buffer
		if err := analysis.Write(&b, a, format, false); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\x07\u202e") {
			t.Errorf("%s holds control characters", format)
		}
		if format == "markdown" && (strings.Contains(b.String(), "<img") || strings.Contains(b.String(), "[a](") || strings.Contains(b.String(), "\n# d")) {
			t.Errorf("markdown holds markup of a stranger:\n%s", b.String())
		}
	}
}

func TestColour(t *testing.T) {
	t.Parallel()
	for _, colour := range []bool{false, true} {
		var b bytes.Buffer
		if err := analysis.Write(&b, made(), "text", colour); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "\x1b["); got != colour {
			t.Errorf("colour %t: escape sequences %t", colour, got)
		}
	}
}
