package scan

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Folders is the source of marketplaces in folders of this machine. The digest
// of a folder's tree stands for its commit and for its ETag.
type Folders struct {
	// Allowed says which folders may be read: a request names any.
	Allowed func(k plugpack.MarketplaceKey) bool
}

// NotInTree names folders that a commit of the folder would hardly have.
var NotInTree = []string{".git", "node_modules"}

// Repository reads the whole tree to tell whether it changed.
func (f Folders) Repository(ctx context.Context, k plugpack.MarketplaceKey, etag string) (Repository, bool, error) {
	if !f.Allowed(k) {
		return Repository{}, false, errs.New(errs.Forbidden, "this scraper reads no folders but those in its file of sources: add /%s to PLUGPACK_SOURCES", k.Repository())
	}
	root, err := openFolder(k)
	if err != nil {
		return Repository{}, false, err
	}
	defer root.Close()
	// Asked first, so that a home folder named by mistake is not read whole.
	if _, err := root.Stat(marketplace.File); err != nil {
		return Repository{}, false, errs.New(errs.NotFound, "/%s has no %s", k.Repository(), marketplace.File)
	}
	tree, err := marketplace.ReadTree(ctx, root.FS(), NotInTree...)
	if err != nil {
		return Repository{}, false, err
	}
	digest := tree.Digest(".")
	r := Repository{
		Repository: plugpack.Repository{Host: plugpack.LocalHost, FullName: k.Repository()},
		Key:        k, ETag: digest, tree: tree,
	}
	return r, etag == digest, nil
}

// Head gives the digest, which Repository made.
func (Folders) Head(_ context.Context, r Repository, _ string) (string, string, error) {
	return r.ETag, r.ETag, nil
}

// Release gives none: a folder has no releases.
func (Folders) Release(context.Context, Repository, string) (Release, bool, error) {
	return Release{}, false, nil
}

// Open opens the folder in place.
func (Folders) Open(_ context.Context, r Repository, _ string) (Files, error) {
	root, err := openFolder(r.Key)
	if err != nil {
		return nil, err
	}
	return folder{root, r.tree}, nil
}

func openFolder(k plugpack.MarketplaceKey) (*os.Root, error) {
	root, err := os.OpenRoot("/" + k.Repository())
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, errs.New(errs.NotFound, "the folder /%s may not be read by this user", k.Repository())
	case err != nil:
		return nil, errs.New(errs.NotFound, "there is no folder /%s", k.Repository())
	}
	return root, nil
}

type folder struct {
	root *os.Root
	tree marketplace.Tree
}

func (f folder) FS() fs.FS                                      { return f.root.FS() }
func (f folder) Tree(context.Context) (marketplace.Tree, error) { return f.tree, nil }
func (f folder) Close() error                                   { return f.root.Close() }
