package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// verdict is what the client said of one of our own cases.
type verdict struct {
	ownCase
	Exit     int      `json:"exit"`
	Errors   []string `json:"errors"` // file and field
	Warnings []string `json:"warnings"`
}

// ownLive asks the client about our own cases whose names begin with prefix,
// compares, and writes what it said to record where that is set.
func ownLive(client, prefix, record string, t *tally) error {
	work, err := os.MkdirTemp("", "plugpack-own-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var lines []byte
	for i, c := range ownCases() {
		if !strings.HasPrefix(c.ID, prefix) {
			continue
		}
		v, err := askOwn(client, filepath.Join(work, fmt.Sprint(i)), filepath.Join(work, "home"), c)
		if err != nil {
			return err
		}
		compareOwn(v, t)
		line, err := json.Marshal(v)
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	if record == "" {
		return nil
	}
	return os.WriteFile(record, lines, 0o644)
}

func askOwn(client, dir, home string, c ownCase) (verdict, error) {
	for name, text := range c.Files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return verdict{}, err
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return verdict{}, err
		}
	}
	a, err := ask(client, dir, home)
	_ = os.RemoveAll(dir)
	return verdict{c, a.exit, a.errorPlaces, a.warningPlaces}, err
}

func compareOwn(c verdict, t *tally) {
	v := claudecode.Default().Validate(tree(c.Files), ".")
	t.add(c.ID, "own: exit", c.Exit, v.ExitCode(false))
	if d := os.Getenv("DUMP"); d != "" {
		b, _ := json.Marshal(c)
		_ = os.WriteFile(filepath.Join(d, c.ID+".json"), b, 0o644)
	}
	lists(c.ID, "own: errors", c.Errors, ownPlaces(v.Faults, plugpack.Error), t)
	lists(c.ID, "own: warnings", c.Warnings, ownPlaces(v.Faults, plugpack.Warning), t)
}

// lists compares places one by one: a case holds many.
func lists(id, what string, want, got []string, t *tally) {
	for _, place := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(want, got)))) {
		t.add(id+" "+place, what, slices.Contains(want, place), slices.Contains(got, place))
	}
}

func ownPlaces(faults []plugpack.Fault, s plugpack.Severity) []string {
	list := []string{}
	for _, f := range faults {
		if f.Severity == s {
			file := f.File
			if file == "." {
				file = "" // the client names none where there is no manifest
			}
			list = append(list, file+" "+f.Path)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
