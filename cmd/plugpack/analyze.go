package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/plugpack/plugpack/libs/analysis"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
)

type analyzeCommand struct {
	Target    string `arg:"" help:"A folder, owner/repo or an https address; owner/repo@ref for a branch, tag or commit."`
	Format    string `help:"text, json, markdown or sarif." enum:"text,json,markdown,sarif" default:"text"`
	Client    string `help:"Version of the client to judge by." default:"2.1.197"`
	Strict    bool   `help:"Fail when a plugin does not install and load whole."`
	FailBelow int    `help:"Fail when a plugin has a lower score, or none." placeholder:"N"`
	Offline   bool   `help:"Ask no other place for the plugins whose files are not in the marketplace: they are listed as not read yet."`
}

// Help says what the status means.
func (analyzeCommand) Help() string {
	return "Status 0: nothing to object to. 1: no client takes the marketplace; with --strict, a plugin does not install and load whole; " +
		"with --fail-below, a plugin has a lower score or none. 2: the target cannot be read. NO_COLOR turns colours off."
}

// Run reads every plugin of the target as a scan does and says what is in it
// and how good it is. Help has the statuses.
func (c analyzeCommand) Run(ctx context.Context) error {
	if c.FailBelow < 0 || c.FailBelow > 100 {
		return unreadable(errs.New(errs.Invalid, "--fail-below: want a score from 0 to 100, not %d", c.FailBelow))
	}
	profile, err := profileOf(c.Client)
	if err != nil {
		return err
	}
	t, err := openTarget(ctx, c.Target)
	if err != nil {
		return err
	}
	defer t.Close()
	t.Client = profile
	a, err := c.analyze(ctx, t, time.Now())
	if err != nil {
		return unreadable(err)
	}
	if err := analysis.Write(os.Stdout, a, c.Format, colour(os.Stdout)); err != nil {
		return unreadable(err)
	}
	if a.Marketplace != nil && a.Marketplace.Rejected != "" || c.Strict && !a.Whole() || c.FailBelow > 0 && !a.AtLeast(c.FailBelow) {
		return exit{code: 1}
	}
	return nil
}

// analyze reads the target as a marketplace, or as the one plugin that it is.
// Plugins whose files are elsewhere are fetched from there.
func (c analyzeCommand) analyze(ctx context.Context, t target, now time.Time) (analysis.Analysis, error) {
	a := analysis.Analysis{Target: c.Target, Commit: t.Commit, Client: t.Client.Version, Plugins: []analysis.Plugin{}}
	content := marketplace.Folder(t.Input, path.Base(string(t.Key)))
	if _, err := fs.Stat(t.FS, marketplace.File); err == nil {
		checked := t.Client.Validate(t.FS, ".")
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
	progress := newProgress(c.Target)
	defer progress.end()
	open, err := c.opener(ctx, t, content, progress)
	if err != nil {
		return a, err
	}
	maintenance := t.Repository.MaintenanceAt(now)
	for p := range content.Plugins(open) {
		a.Plugins = append(a.Plugins, analysis.NewPlugin(p.Name, p.Facts, maintenance))
	}
	if ctx.Err() != nil {
		return a, errs.New(errs.Unavailable, "interrupted before all was read")
	}
	return a, nil
}

// opener gives what fetches the plugins whose files are elsewhere, nil for
// nothing.
func (c analyzeCommand) opener(ctx context.Context, t target, content marketplace.Content, p *progress) (marketplace.Opener, error) {
	if c.Offline {
		return nil, nil
	}
	return t.External(ctx, content.Origins(), p.step)
}
