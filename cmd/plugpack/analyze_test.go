package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/analysis"
	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
)

// call runs plugpack and gives what it printed and its status.
func call(t *testing.T, env []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(buildPlugpack(t), args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestValidateCommand(t *testing.T) {
	t.Parallel()
	const manifest = ".claude-plugin/plugin.json"
	good := writeTree(t, map[string]string{manifest: `{"name":"tool","version":"1","description":"d","author":{"name":"A"}}`})
	advice := writeTree(t, map[string]string{manifest: `{"name":"tool"}`})
	bad := writeTree(t, map[string]string{manifest: `{"name":"my tool"}`})
	for _, c := range []struct {
		name   string
		args   []string
		status int
		out    string
	}{
		{"a good plugin", []string{good}, 0, "passes"},
		{"its manifest by name", []string{filepath.Join(good, manifest)}, 0, "passes"},
		{"advice passes", []string{advice}, 0, "no_author"},
		{"advice fails when it counts", []string{"--strict", advice}, 1, "warnings count"},
		{"an error", []string{bad}, 1, "plugin_name_space"},
		{"nothing there", []string{filepath.Join(good, "nowhere")}, 2, ""},
		{"a client nobody knows", []string{"--client", "1.0", good}, 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, errOut, status := call(t, nil, append([]string{"validate"}, c.args...)...)
			if status != c.status || !strings.Contains(out, c.out) || strings.Contains(out, "\x1b") {
				t.Errorf("status %d, want %d; said %q", status, c.status, out)
			}
			if want := 0; status == 2 && strings.Count(strings.TrimSpace(errOut), "\n") != want || status == 2 && errOut == "" {
				t.Errorf("wants one line that says why, not %q", errOut)
			}
		})
	}
	t.Run("as JSON", func(t *testing.T) {
		t.Parallel()
		out, _, status := call(t, nil, "validate", "--format", "json", bad)
		var got struct {
			Valid  bool
			Kind   string
			Faults []plugpack.Fault
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || status != 1 || got.Valid || got.Kind != "plugin" || len(got.Faults) != 1 || got.Faults[0].Path != "name" {
			t.Errorf("status %d, %v: %s", status, err, out)
		}
	})
}

// The command line and the API give the same answers: of one marketplace, read
// from a look-alike of GitHub by each.
func TestAnalyzeSaysWhatTheAPISays(t *testing.T) {
	t.Parallel()
	gh := testkit.GitHub(t, "testdata/flow.txtar")
	a := analyzed(t, gh, flowRepo)
	data := dataFolder(t)
	p := startOneProcess(t, data, gh, writeSources(t))
	w := &world{t: t, github: gh, bus: busOf(t, data), clients: []*api.Client{api.NewClient(p.addr)}}
	if a.Marketplace.Name != "acme-tools" || len(a.Plugins) != 6 {
		t.Fatalf("got %d plugins of %+v", len(a.Plugins), a.Marketplace)
	}
	for _, mine := range a.Plugins {
		sameAnswer(t, w, "acme-tools-"+mine.Name, mine)
	}
	p.interrupt()
}

// So they are of plugins whose files are elsewhere, also of those that cannot be
// read.
func TestAnalyzeSaysWhatTheAPISaysOfExternalPlugins(t *testing.T) {
	t.Parallel()
	h := sourceHosts{testkit.GitHub(t, "testdata/flow.txtar"), testkit.Git(t), testkit.Files(t)}
	external, _ := h.offer()
	external["away"] = map[string]string{"source": "archive", "url": h.files.URL + "/away.zip"}
	h.files.Answer("/away.zip", testkit.FileAnswer{Status: http.StatusBadGateway})
	h.list(t, "acme/every", external)
	a := analyzed(t, h.github, "acme/every")
	if len(a.Plugins) != len(external)+1 {
		t.Fatalf("got %d plugins of %d", len(a.Plugins), len(external)+1)
	}
	data, sources := dataFolder(t), filepath.Join(writeTree(t, map[string]string{"sources.txt": "acme/every\n"}), "sources.txt")
	p := startOneProcess(t, data, h.github, sources)
	w := &world{t: t, github: h.github, bus: busOf(t, data), clients: []*api.Client{api.NewClient(p.addr)}}
	states := map[string]plugpack.State{
		"away": plugpack.StateNotReadYet, "gone": plugpack.StateMissing, "inside": plugpack.StateUnsupported, "unknown": plugpack.StateUnsupported,
	}
	for _, mine := range a.Plugins {
		if want := cmp.Or(states[mine.Name], plugpack.StateRead); mine.State != want {
			t.Errorf("%s is %s (%s), want %s", mine.Name, mine.State, mine.StateReason, want)
		}
		sameAnswer(t, w, "acme-every-"+mine.Name, mine)
	}
	p.interrupt()
}

// analyzed gives what plugpack analyze writes for programs.
func analyzed(t *testing.T, gh *testkit.GitHubServer, args ...string) (a analysis.Analysis) {
	t.Helper()
	temp := t.TempDir()
	out, errOut, status := call(t, []string{"GITHUB_API_URL=" + gh.URL, "TMPDIR=" + temp}, append([]string{"analyze", "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &a); err != nil || status != 0 || errOut != "" {
		t.Fatalf("status %d, %v: %s%s", status, err, out, errOut)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	return a
}

func TestAnalyzeReadsWhatAFolderListsElsewhere(t *testing.T) {
	t.Parallel()
	gh := testkit.GitHub(t, "testdata/flow.txtar")
	for name, text := range component("hub") {
		gh.Write("ext/hub", name, text)
	}
	gh.Fault(testkit.GitHubFault{Path: "^/codeload/ext/away", Status: http.StatusBadGateway})
	gh.Write("ext/away", "README.md", "Away.")
	dir := writeTree(t, map[string]string{".claude-plugin/marketplace.json": marketOf(t, map[string]any{
		"hub":  map[string]string{"source": "github", "repo": "ext/hub"},
		"away": map[string]string{"source": "github", "repo": "ext/away"},
	})})
	check := func(want map[string]plugpack.State, args ...string) {
		t.Helper()
		a := analyzed(t, gh, append(args, dir)...)
		for _, p := range a.Plugins {
			if p.State != want[p.Name] || (p.State == plugpack.StateRead) != (p.Commit == gh.Commit("ext/hub")) {
				t.Errorf("%q: %s is %s (%s) at %q, want %s", args, p.Name, p.State, p.StateReason, p.Commit, want[p.Name])
			}
		}
		if len(a.Plugins) != len(want) {
			t.Errorf("%q gave %d plugins", args, len(a.Plugins))
		}
	}
	gh.Requests()
	check(map[string]plugpack.State{"hub": plugpack.StateNotReadYet, "away": plugpack.StateNotReadYet}, "--offline")
	if asked := gh.Requests(); len(asked) != 0 {
		t.Errorf("--offline asked for %v", asked)
	}
	check(map[string]plugpack.State{"hub": plugpack.StateRead, "away": plugpack.StateNotReadYet})
}

// sameAnswer holds what the command line says of a plugin to its page.
func sameAnswer(t *testing.T, w *world, slug string, mine analysis.Plugin) {
	t.Helper()
	page := w.page(slug, "its page", func(api.PluginPage) bool { return true })
	theirs := plugpack.Facts{
		Description: page.Description, State: page.State, StateReason: page.StateReason, Components: page.Components, Digest: page.Digest, Commit: page.Commit,
		Files: page.Files, Bytes: page.Bytes, Requirements: page.Requirements, Verdicts: page.Verdicts, Costs: page.Costs,
		License: page.License, Category: page.Category, Keywords: page.Keywords, Version: page.Version, Source: page.Source, Origin: page.Origin,
	}
	ours := plugpack.Facts{
		Description: mine.Description, State: mine.State, StateReason: mine.StateReason, Components: append([]plugpack.Component{}, mine.Components...), Digest: mine.Digest, Commit: mine.Commit,
		Files: mine.Files, Bytes: mine.Bytes, Requirements: mine.Requirements, Verdicts: mine.Verdicts, Costs: mine.Costs,
		License: cmp.Or(mine.License, page.License), Category: mine.Category, Keywords: append([]string{}, mine.Keywords...), Version: mine.Version, Source: mine.Source, Origin: mine.Origin,
	}
	sameReport(t, w, page, mine)
	if diff := gocmp.Diff(theirs, ours); diff != "" {
		t.Errorf("%s -API +command line:\n%s", mine.Name, diff)
	}
}

// sameReport holds the command line's report and findings to the API's.
func sameReport(t *testing.T, w *world, page api.PluginPage, mine analysis.Plugin) {
	t.Helper()
	theirs, err := w.clients[0].Report(t.Context(), page.ID)
	if err != nil {
		t.Fatal(err)
	}
	// The API makes its report of the same two nouns, so they are put in for it.
	ours := api.NewReport(plugpack.Plugin{
		ID: page.ID, Slug: page.Slug, Score: mine.Score, Maintenance: mine.Maintenance, Facts: mine.Facts,
		Marketplace: plugpack.MarketplaceRef{Key: plugpack.MarketplaceKey(page.Marketplace.Key)},
	}, nil, mine.Security)
	if q := mine.Quality; q != nil {
		ours.Digest, ours.Ruleset, ours.Caps = q.Digest, q.Ruleset, append([]plugpack.Cap{}, q.Caps...)
		for i, d := range q.Dimensions {
			for j, c := range d.Checks {
				their := theirs.Dimensions[i].Checks[j]
				var evidence []plugpack.Evidence
				for _, e := range their.Evidence {
					evidence = append(evidence, plugpack.Evidence{Path: e.Path, Line: e.Line})
				}
				same := plugpack.Check{
					ID: their.ID, Version: their.Version, Title: their.Title, Outcome: their.Outcome, Points: their.Points,
					Max: their.Max, Reason: their.Reason, Evidence: evidence, Fix: their.Fix,
				}
				if diff := gocmp.Diff(same, c); diff != "" {
					t.Errorf("%s %s -API +command line:\n%s", mine.Name, c.ID, diff)
				}
			}
			if their := theirs.Dimensions[i]; their.Name != d.Name || their.Score != d.Score || len(their.Checks) != len(d.Checks) {
				t.Errorf("%s: %s has %d by the API and %d by the command line", mine.Name, d.Name, their.Score, d.Score)
			}
		}
	}
	ours.Dimensions = theirs.Dimensions // compared above
	if diff := gocmp.Diff(theirs, ours); diff != "" {
		t.Errorf("%s's report -API +command line:\n%s", mine.Name, diff)
	}
	if diff := gocmp.Diff(page.Findings, mine.Security.Counts()); diff != "" || !equal(page.Score, mine.Score) {
		t.Errorf("%s has the score %v and %v, findings -API +command line:\n%s", mine.Name, page.Score, mine.Score, diff)
	}
}

func equal(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

func TestAnalyzeAtARef(t *testing.T) {
	t.Parallel()
	gh := testkit.GitHub(t, "testdata/flow.txtar")
	for ref, want := range map[string]int{"": 0, "@main": 0, "@nowhere": 2, "@../x": 2} {
		out, errOut, status := call(t, []string{"GITHUB_API_URL=" + gh.URL}, "analyze", flowRepo+ref)
		if status != want || want == 0 && !strings.Contains(out, "acme-tools") {
			t.Errorf("%s: status %d, want %d; said %q and %q", flowRepo+ref, status, want, out, errOut)
		}
	}
}

func TestSplitRef(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"acme/tools":                         {"acme/tools", ""},
		"acme/tools@v1.2":                    {"acme/tools", "v1.2"},
		"acme/tools@feature/x":               {"acme/tools", "feature/x"},
		"https://github.com/acme/tools@main": {"https://github.com/acme/tools", "main"},
		"https://me:secret@github.com/a/b":   {"https://me:secret@github.com/a/b", ""},
		"git@github.com:acme/tools":          {"git@github.com:acme/tools", ""},
		"./acme/tools@v1":                    {"./acme/tools@v1", ""},
		"/acme/tools@v1":                     {"/acme/tools@v1", ""},
	} {
		if repository, ref := splitRef(text); repository != want[0] || ref != want[1] {
			t.Errorf("%s: %q at %q", text, repository, ref)
		}
	}
}

func TestAnalyzeCommand(t *testing.T) {
	t.Parallel()
	broken := writeTree(t, map[string]string{".claude-plugin/marketplace.json": `{"name":"a b"}`})
	lossy := writeTree(t, map[string]string{".claude-plugin/plugin.json": `{"name":"tool","commands":"./none"}`})
	for _, c := range []struct {
		name   string
		args   []string
		status int
		out    string
	}{
		{"a refused marketplace", []string{broken}, 1, "the client refuses this marketplace"},
		{"a plugin by itself", []string{lossy}, 0, "loads partly"},
		{"a loss counts", []string{"--strict", lossy}, 1, "loads partly"},
		{"sarif", []string{"--format", "sarif", lossy}, 0, `"ruleId": "component-lost"`},
		{"markdown", []string{"--format", "markdown", lossy}, 0, "## "},
		{"the report", []string{lossy}, 0, "of 100 (manifest "},
		{"a score that is too low", []string{"--fail-below", "99", lossy}, 1, "to do"},
		{"a score that is enough", []string{"--fail-below", "1", lossy}, 0, "score"},
		{"a score that cannot be", []string{"--fail-below", "101", lossy}, 2, ""},
		{"nothing there", []string{"/nowhere/at/all"}, 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, errOut, status := call(t, nil, append([]string{"analyze"}, c.args...)...)
			if status != c.status || !strings.Contains(out, c.out) {
				t.Errorf("status %d, want %d; said %q and %q", status, c.status, out, errOut)
			}
		})
	}
}
