// Package archive unpacks what strangers packed, a tar.gz, a zip or the tree of
// a Git commit, into a temporary folder that is then read like any other folder,
// through an fs.FS.
//
// Everything is written through os.Root, so no name and no link can lead out of
// the folder; sizes and counts are bounded while the stream is read, before
// anything is believed; links are made last, so that no file is written through
// one. Links that lead out and submodules are not followed; the tree lists them.
package archive

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
)

// Limits bound what one archive may cost.
type Limits struct {
	Compressed int64 // bytes of the archive itself
	Total      int64 // bytes of all files
	File       int64 // bytes of one file; a larger one is left out
	Entries    int   // files, folders and links
	Ratio      int64 // total to compressed, once total is over RatioFrom
	RatioFrom  int64
}

// DefaultLimits leave room for every honest plugin repository seen so far.
var DefaultLimits = Limits{
	Compressed: 256 << 20, Total: 1 << 30, File: 64 << 20, Entries: 20_000, Ratio: 200, RatioFrom: 64 << 20,
}

// maxLink bounds a link's target; longer ones are left out.
const maxLink = 4096

// TooLarge is the error of an archive with more bytes than Compressed.
func (l Limits) TooLarge() error {
	return errs.New(errs.Invalid, "the archive is larger than %d MiB", l.Compressed>>20)
}

// tooMuch is the error of files with more bytes than Total.
func (l Limits) tooMuch() error {
	return errs.New(errs.Invalid, "the repository's files are larger than %d MiB together", l.Total>>20)
}

func (l Limits) tooMany() error {
	return errs.New(errs.Invalid, "the repository has more than %d files and folders", l.Entries)
}

func (l Limits) bomb() error {
	return errs.New(errs.Invalid, "the archive unpacks to more than %d times its size", l.Ratio)
}

// Skipped is an entry of the archive that was left out.
type Skipped struct {
	Path   string
	Reason string
}

// Dir is an unpacked archive. It is gone after Close.
type Dir struct {
	root    *os.Root
	path    string
	commit  string
	skipped []Skipped
	// unfollowed are links that lead out and submodules.
	unfollowed []marketplace.TreeEntry
}

// FS gives the files, without the archive's top folder. It follows links only
// where they stay inside.
func (d *Dir) FS() fs.FS { return d.root.FS() }

// Commit gives the commit that the archive says it is of, or "".
func (d *Dir) Commit() string { return d.commit }

// Skipped lists what was left out and why.
func (d *Dir) Skipped() []Skipped { return d.skipped }

// Tree lists the files, and what was not followed.
func (d *Dir) Tree(ctx context.Context) (marketplace.Tree, error) {
	t, err := marketplace.ReadTree(ctx, d.FS())
	if err != nil {
		return nil, err
	}
	return t.With(append(submodules(d.FS(), t), d.unfollowed...)...), nil
}

// Hole makes a file of size bytes without content, which takes no room.
func (d *Dir) Hole(name string, size int64) error {
	if err := d.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// Close removes the files.
func (d *Dir) Close() error { return errors.Join(d.root.Close(), os.RemoveAll(d.path)) }
