package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/plugpack/plugpack/libs/analysis"
	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/marketplace"
)

type analyzeCommand struct {
	Target string `arg:"" help:"A folder, owner/repo or an https address."`
	Format string `help:"text, json, markdown or sarif." enum:"text,json,markdown,sarif" default:"text"`
	Strict bool   `help:"Fail when a plugin does not install and load whole."`
}

// Run reads every plugin of the target as a scan does and says what is in it.
// The status is 0, 1 when no client takes the marketplace (with --strict: or
// when a plugin does not install and load whole), and 2 when the target cannot
// be read.
func (c analyzeCommand) Run(ctx context.Context) error {
	t, err := openTarget(ctx, c.Target)
	if err != nil {
		return err
	}
	defer t.Close()
	a, err := analyze(c.Target, t)
	if err != nil {
		return unreadable(err)
	}
	if err := analysis.Write(os.Stdout, a, c.Format, colour(os.Stdout)); err != nil {
		return unreadable(err)
	}
	if a.Marketplace != nil && a.Marketplace.Rejected != "" || c.Strict && !a.Whole() {
		return exit{code: 1}
	}
	return nil
}

// analyze reads the target as a marketplace, or as the one plugin that it is.
func analyze(text string, t target) (analysis.Analysis, error) {
	a := analysis.Analysis{Target: text, Commit: t.Commit, Client: claudecode.Default().Version, Plugins: []analysis.Plugin{}}
	content := marketplace.Folder(t.Input, path.Base(string(t.Key)))
	if _, err := fs.Stat(t.FS, marketplace.File); err == nil {
		checked := claudecode.Default().Validate(t.FS, ".")
		a.Marketplace = &analysis.Marketplace{Faults: checked.Faults}
		content, err = marketplace.Read(t.Input)
		if rejected, ok := errors.AsType[*marketplace.Rejected](err); ok {
			a.Marketplace.Rejected, a.Marketplace.Entries = rejected.Reason, rejected.Entries
			return a, nil
		}
		if err != nil {
			return a, err
		}
		a.Marketplace.Name, a.Marketplace.Entries, a.Marketplace.Skipped = content.Name, content.Entries, content.Skipped
	}
	for p := range content.Plugins(nil) {
		a.Plugins = append(a.Plugins, analysis.Plugin{Name: p.Name, Facts: p.Facts})
	}
	return a, nil
}
