package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// verdictCase is a line of the file of verdicts.
type verdictCase struct {
	ID, Kind, Target string
	Files            map[string]string
	Exit             int
	StrictExit       int `json:"strict_exit"`
	Errors, Warnings []fault
	Runtime          struct {
		InstallExit *int           `json:"install_exit"`
		LoadErrors  []string       `json:"load_errors"`
		Counts      map[string]int `json:"details_counts"`
		AlwaysOn    *int           `json:"details_always_on"`
		Dir, URL    *added
	}
}

type fault struct{ File, Npath, Code string }

type added struct {
	Exit        int
	Listed      []string
	Unsupported []string `json:"listed_unsupported"`
}

// read calls f with each line of a file of JSON objects.
func read[T any](file string, f func(T)) error {
	in, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("there are no cases at %s: name the file with -cases or -tokens", file)
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var c T
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		f(c)
	}
	return lines.Err()
}

func tree(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return m
}

func verdicts(file string, t *tally) error {
	return read(file, func(c verdictCase) {
		fsys, p := tree(c.Files), claudecode.Default()
		v := p.Validate(fsys, c.Target)
		t.add(c.ID, "validate: exit", c.Exit, v.ExitCode(false))
		t.add(c.ID, "validate: exit with --strict", c.StrictExit, v.ExitCode(true))
		got, want := places(v.Faults, plugpack.Error), faults(c.Errors)
		t.add(c.ID, "validate: errors on the same fields", fmt.Sprint(want), fmt.Sprint(got))
		if len(want) > 0 {
			t.failing++
			if slices.Equal(got, want) {
				t.sameField++
			}
		}
		t.add(c.ID, "validate: warnings on the same fields", fmt.Sprint(faults(c.Warnings)), fmt.Sprint(places(v.Faults, plugpack.Warning)))
		if c.Runtime.InstallExit != nil {
			installed(c, p, fsys, t)
		}
		for kind, want := range map[string]*added{claudecode.PlaceFolder: c.Runtime.Dir, claudecode.PlaceURL: c.Runtime.URL} {
			if want != nil {
				compareAdd(c, p, kind, *want, t)
			}
		}
	})
}

func places(problems []plugpack.Fault, s plugpack.Severity) []string {
	list := []string{}
	for _, p := range problems {
		if p.Severity == s {
			list = append(list, p.File+" "+p.Path+" "+p.Code)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func faults(all []fault) []string {
	list := []string{}
	for _, f := range all {
		list = append(list, f.File+" "+f.Npath+" "+f.Code)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// installed compares install, load and details of the plugin as x@m.
func installed(c verdictCase, p *claudecode.Profile, fsys fs.FS, t *tally) {
	entry := json.RawMessage(`{"name":"x","source":"./x"}`)
	in := p.Install(entry, claudecode.Place{Kind: claudecode.PlaceFolder}, fsys, func(name string) bool { return name == "x" })
	exit := 1
	if in.Installs {
		exit = 0
	}
	t.add(c.ID, "install: exit", *c.Runtime.InstallExit, exit)
	if exit == 0 && *c.Runtime.InstallExit == 0 {
		t.add(c.ID, "load: fails or loses something", len(c.Runtime.LoadErrors) > 0, in.Load != plugpack.LoadWhole)
	}
	if c.Runtime.AlwaysOn == nil || *c.Runtime.InstallExit != 0 {
		return
	}
	d := p.Details(fsys, "x", entry)
	t.add(c.ID, "details: always-on total", *c.Runtime.AlwaysOn, d.Cost.AlwaysOn)
	t.add(c.ID, "details: counts", fmt.Sprint(c.Runtime.Counts), fmt.Sprint(counts(d.Cost)))
}

func counts(c plugpack.Cost) map[string]int {
	return map[string]int{"skills": c.Skills, "agents": c.Agents, "hooks": c.Hooks, "mcp_servers": c.MCP, "lsp_servers": c.LSP}
}

func compareAdd(c verdictCase, p *claudecode.Profile, kind string, want added, t *tally) {
	file, there := c.Files[claudecode.MarketplaceFile]
	a := claudecode.Added{Rejected: "there is no file"}
	if there {
		a = p.Add([]byte(file), claudecode.Place{Kind: kind})
	}
	exit := 0
	if a.Rejected != "" {
		exit = 1
	}
	t.add(c.ID, "add from a "+kind+": exit", want.Exit, exit)
	if exit != 0 || want.Exit != 0 {
		return
	}
	var listed, stubs []string
	for _, e := range a.Entries {
		switch e.Result {
		case plugpack.AddListed:
			listed = append(listed, e.Name+"@"+a.Name)
		case plugpack.AddStub:
			stubs = append(stubs, e.Name+"@"+a.Name)
		}
	}
	t.add(c.ID, "add from a "+kind+": listed", strings.Join(want.Listed, " "), strings.Join(listed, " "))
	t.add(c.ID, "add from a "+kind+": stubs", strings.Join(want.Unsupported, " "), strings.Join(stubs, " "))
}

// costCase is a line of the file of costs.
type costCase struct {
	ID         string
	PluginName string `json:"plugin_name"`
	Files      map[string]string
	Counts     map[string]int
	AlwaysOn   int `json:"always_on"`
	Rows       [][]string
	Entry      json.RawMessage
}

func costs(file string, t *tally) error {
	return read(file, func(c costCase) {
		d := claudecode.Default().Details(tree(c.Files), c.PluginName, c.Entry)
		t.add(c.ID, "costs: always-on total", c.AlwaysOn, d.Cost.AlwaysOn)
		t.add(c.ID, "costs: counts", fmt.Sprint(c.Counts), fmt.Sprint(counts(d.Cost)))
		var rows []string
		for _, r := range d.Rows {
			rows = append(rows, fmt.Sprint([]string{r.Name, claudecode.TokenText(r.AlwaysOn()), claudecode.TokenText(r.OnUse())}))
		}
		var want []string
		for _, r := range c.Rows {
			want = append(want, fmt.Sprint(r))
		}
		slices.Sort(rows)
		slices.Sort(want)
		t.add(c.ID, "costs: rows", strings.Join(want, " "), strings.Join(rows, " "))
	})
}
