package fetch

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
)

// maxDepth bounds nested folders.
const maxDepth = 100

// treeWriter writes the trees of a commit.
type treeWriter struct {
	ctx     context.Context
	w       *archive.Writer
	objects storer.EncodedObjectStorer
}

// write writes the wanted folders of root, or all of it. Folders that are not
// there are left to the reader.
func (t treeWriter) write(root *object.Tree, within []string) error {
	if len(within) == 0 {
		within = []string{""}
	}
	for _, dir := range within {
		tree := root
		if dir != "" {
			var err error
			if tree, err = root.Tree(dir); err != nil {
				continue
			}
		}
		if err := t.tree(tree, dir, 0); err != nil {
			return err
		}
	}
	return nil
}

func (t treeWriter) tree(tree *object.Tree, dir string, depth int) error {
	if depth > maxDepth {
		return errs.New(errs.Invalid, "the repository has folders more than %d deep", maxDepth)
	}
	for _, e := range tree.Entries {
		if err := t.ctx.Err(); err != nil {
			return errs.New(errs.Unavailable, "the repository cannot be read to its end: %w", err)
		}
		if e.Name == "" || e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") || strings.EqualFold(e.Name, ".git") {
			return errs.New(errs.Invalid, "the repository holds the name %.100q, which no path has", e.Name)
		}
		if err := t.entry(e, path.Join(dir, e.Name), depth); err != nil {
			return err
		}
	}
	return nil
}

func (t treeWriter) entry(e object.TreeEntry, name string, depth int) error {
	switch e.Mode {
	case filemode.Dir:
		if err := t.w.Folder(name); err != nil {
			return err
		}
		tree, err := object.GetTree(t.objects, e.Hash)
		if err != nil {
			return damagedPack(err)
		}
		return t.tree(tree, name, depth+1)
	case filemode.Submodule:
		return t.w.Submodule(name, e.Hash.String())
	}
	blob, err := object.GetBlob(t.objects, e.Hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		// The host was asked to leave out what is too large.
		return t.w.File(name, false, t.w.Limits.File+1, nil)
	}
	if err != nil {
		return damagedPack(err)
	}
	r, err := blob.Reader()
	if err != nil {
		return damagedPack(err)
	}
	defer r.Close()
	if e.Mode == filemode.Symlink {
		target, err := io.ReadAll(io.LimitReader(r, 1<<13))
		if err != nil {
			return damagedPack(err)
		}
		return t.w.Link(name, string(target))
	}
	return t.w.File(name, e.Mode == filemode.Executable, blob.Size, r)
}
