package scraper

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/scan"
)

// Checkout is a repository or folder that somebody wants read once, outside of
// any schedule. Nothing of it is published or remembered.
type Checkout struct {
	marketplace.Input
	Repository plugpack.Repository
	// Waited is how long fetching it waited for the network.
	Waited  time.Duration
	options Options
	log     *slog.Logger
	closers []func() error
}

// Close removes what was fetched.
func (c *Checkout) Close() error {
	var all []error
	for i := len(c.closers) - 1; i >= 0; i-- {
		all = append(all, c.closers[i]())
	}
	return errors.Join(all...)
}

// Open fetches the repository k at ref, a branch, tag or commit and "" for its
// default branch, or opens the folder, and tells step what it is at. A folder
// needs no marketplace's file.
func Open(ctx context.Context, o Options, log *slog.Logger, k plugpack.MarketplaceKey, ref string, step func(string)) (*Checkout, error) {
	c := &Checkout{options: o, log: log}
	err := c.open(ctx, o, log, k, ref, step)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Checkout) open(ctx context.Context, o Options, log *slog.Logger, k plugpack.MarketplaceKey, ref string, step func(string)) error {
	if k.Local() {
		step("reading")
		return c.folder(ctx, k)
	}
	client, err := github.New(github.Options{BaseURL: string(o.GitHubAPIURL), Token: string(o.GitHubToken)})
	if err != nil {
		return err
	}
	temp, err := archive.OpenTemp("")
	if err != nil {
		return err
	}
	c.closers = append(c.closers, temp.Close)
	defer func() { c.Waited = client.Waited() }()
	source := scan.GitHub{Client: client, Temp: temp, Log: log}
	step("asking GitHub")
	repo, _, err := source.Repository(ctx, k, "")
	if err != nil {
		return err
	}
	commit, err := client.Commit(ctx, repo.FullName, cmp.Or(ref, "HEAD"))
	if err != nil {
		return err
	}
	step("downloading")
	files, err := source.Open(ctx, repo, commit)
	if err != nil {
		return err
	}
	c.closers = append(c.closers, files.Close)
	step("reading")
	tree, err := files.Tree(ctx)
	c.Input, c.Repository = marketplace.Input{FS: files.FS(), Tree: tree, Key: repo.Key, Commit: commit, License: repo.License}, repo.Repository
	return err
}

func (c *Checkout) folder(ctx context.Context, k plugpack.MarketplaceKey) error {
	root, err := os.OpenRoot("/" + k.Repository())
	if errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.NotFound, "there is no folder /%s", k.Repository())
	}
	if err != nil {
		return errs.New(errs.NotFound, "the folder /%s cannot be read: %w", k.Repository(), err)
	}
	c.closers = append(c.closers, root.Close)
	tree, err := marketplace.ReadTree(ctx, root.FS(), scan.NotInTree...)
	c.Input = marketplace.Input{FS: root.FS(), Tree: tree, Key: k}
	return err
}
