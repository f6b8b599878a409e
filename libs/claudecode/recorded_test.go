package claudecode_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// The files in testdata hold cases made by conformance/own*.go with what client
// 2.1.197 said of each; "go run ./conformance -client PROGRAM -own all -record
// FILE" and "-own install" write them anew, to be packed with gzip.

func recorded[T any](t *testing.T, file string) (all []T) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unpacked)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c T
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func treeOf(texts map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range texts {
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return m
}

func TestValidateSaysWhatTheClientSaidOfEveryRecordedCase(t *testing.T) {
	t.Parallel()
	type verdict struct {
		ID               string
		Files            map[string]string
		Exit             int
		Errors, Warnings []string
	}
	for _, c := range recorded[verdict](t, "testdata/client-2.1.197.jsonl.gz") {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			v := claudecode.Default().Validate(treeOf(c.Files), ".")
			if got := v.ExitCode(false); got != c.Exit {
				t.Errorf("exits with %d, the client with %d", got, c.Exit)
			}
			if diff := cmp.Diff(c.Errors, fieldsOf(v.Faults, plugpack.Error)); diff != "" {
				t.Errorf("errors (-client +ours):\n%s", diff)
			}
			if diff := cmp.Diff(c.Warnings, fieldsOf(v.Faults, plugpack.Warning)); diff != "" {
				t.Errorf("warnings (-client +ours):\n%s", diff)
			}
		})
	}
}

func fieldsOf(faults []plugpack.Fault, s plugpack.Severity) []string {
	list := []string{}
	for _, f := range faults {
		file := f.File
		if file == "." {
			file = "" // the client names none where there is no manifest
		}
		if f.Severity == s {
			list = append(list, file+" "+f.Path)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestInstallAndDetailsSayWhatTheClientSaidOfEveryRecordedCase(t *testing.T) {
	t.Parallel()
	type install struct {
		Entry            json.RawMessage
		Files            map[string]string
		Installs, Broken bool
		AlwaysOn         int `json:"always_on"`
		Counts           map[string]int
		Rows             []string
	}
	all := recorded[install](t, "testdata/client-2.1.197-install.jsonl.gz")
	names := make([]string, len(all))
	for i, c := range all {
		var entry struct{ Name string }
		if err := json.Unmarshal(c.Entry, &entry); err != nil {
			t.Fatal(err)
		}
		names[i] = entry.Name
	}
	for i, c := range all {
		t.Run(names[i], func(t *testing.T) {
			t.Parallel()
			p, fsys := claudecode.Default(), treeOf(c.Files)
			in := p.Install(c.Entry, claudecode.Place{Kind: claudecode.PlaceFolder, Name: "tools"}, fsys, func(n string) bool { return slices.Contains(names, n) })
			if in.Installs != c.Installs || c.Installs && (in.Load != plugpack.LoadWhole) != c.Broken {
				t.Errorf("%s: installs %v (%s), loads %s; the client: installs %v, something lost %v", c.Entry, in.Installs, in.Reason, in.Load, c.Installs, c.Broken)
			}
			if c.Rows == nil {
				return // it was not asked for
			}
			d := p.Details(fsys, names[i], c.Entry)
			rows := []string{}
			for _, r := range d.Rows {
				rows = append(rows, fmt.Sprint([]string{r.Name, claudecode.TokenText(r.AlwaysOn()), claudecode.TokenText(r.OnUse())}))
			}
			slices.Sort(rows)
			counts := map[string]int{"skills": d.Cost.Skills, "agents": d.Cost.Agents, "hooks": d.Cost.Hooks, "mcp_servers": d.Cost.MCP, "lsp_servers": d.Cost.LSP}
			if diff := cmp.Diff([]any{c.AlwaysOn, c.Counts, c.Rows}, []any{d.Cost.AlwaysOn, counts, rows}); diff != "" {
				t.Errorf("costs (-client +ours):\n%s", diff)
			}
		})
	}
}
