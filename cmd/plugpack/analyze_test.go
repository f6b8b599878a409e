package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	out, errOut, status := call(t, []string{"GITHUB_API_URL=" + gh.URL}, "analyze", "--format", "json", flowRepo)
	var a analysis.Analysis
	if err := json.Unmarshal([]byte(out), &a); err != nil || status != 0 {
		t.Fatalf("status %d, %v: %s%s", status, err, out, errOut)
	}
	data := dataFolder(t)
	p := startOneProcess(t, data, gh, writeSources(t))
	w := &world{t: t, github: gh, bus: busOf(t, data), clients: []*api.Client{api.NewClient(p.addr)}}
	if a.Marketplace.Name != "acme-tools" || len(a.Plugins) != 6 {
		t.Fatalf("got %d plugins of %+v", len(a.Plugins), a.Marketplace)
	}
	for _, mine := range a.Plugins {
		page := w.page("acme-tools-"+mine.Name, "its page", func(api.PluginPage) bool { return true })
		theirs := plugpack.Facts{
			Description: page.Description, State: page.State, Components: page.Components, Digest: page.Digest, Commit: page.Commit,
			Files: page.Files, Bytes: page.Bytes, Requirements: page.Requirements, Verdicts: page.Verdicts, Costs: page.Costs,
		}
		ours := plugpack.Facts{
			Description: mine.Description, State: mine.State, Components: append([]plugpack.Component{}, mine.Components...), Digest: mine.Digest, Commit: mine.Commit,
			Files: mine.Files, Bytes: mine.Bytes, Requirements: mine.Requirements, Verdicts: mine.Verdicts, Costs: mine.Costs,
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("%s -API +command line:\n%s", mine.Name, diff)
		}
	}
	p.interrupt()
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
