package marketplace

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
)

// Bounds of a folder that is read as a repository; archives have their own.
const (
	maxTreeEntries = 100_000
	maxTreeBytes   = 4 << 30
)

// Tree lists the files of a repository with the ids that Git would give them,
// sorted by path.
type Tree []TreeEntry

// TreeEntry is a file or link.
type TreeEntry struct {
	Path string `json:"p"`
	Mode string `json:"m"` // as Git writes it
	// Blob is Git's SHA-1 of the content, of a link's target, or a submodule's
	// commit, "" where that is not known.
	Blob string `json:"b,omitempty"`
	Size int64  `json:"s,omitempty"`
	// Link is a link's target. One that leads out of the repository is only here
	// and not among the files.
	Link string `json:"l,omitempty"`
}

// The modes of what has no content of its own.
const (
	ModeLink      = "120000"
	ModeSubmodule = "160000"
)

// LinkEntry makes the entry of a link.
func LinkEntry(name, target string) TreeEntry {
	return TreeEntry{Path: name, Mode: ModeLink, Blob: blobID(int64(len(target)), strings.NewReader(target)), Link: target}
}

// SubmoduleEntry makes the entry of another repository's commit, whose files are
// not read.
func SubmoduleEntry(name, commit string) TreeEntry {
	return TreeEntry{Path: name, Mode: ModeSubmodule, Blob: commit}
}

// With gives the tree with more entries.
func (t Tree) With(more ...TreeEntry) Tree {
	if len(more) == 0 {
		return t
	}
	t = append(slices.Clone(t), more...)
	slices.SortStableFunc(t, func(a, b TreeEntry) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(t, func(a, b TreeEntry) bool { return a.Path == b.Path })
}

// ReadTree reads all files of fsys but those in folders that skip names.
func ReadTree(ctx context.Context, fsys fs.FS, skip ...string) (Tree, error) {
	var (
		t     Tree
		total int64
	)
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, fs.ErrPermission) {
			return notReadable(p)
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(skip, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		e, size, err := readEntry(fsys, p, d)
		if err != nil || e.Mode == "" {
			return err
		}
		t, total = append(t, e), total+size
		if len(t) > maxTreeEntries || total > maxTreeBytes {
			return errs.New(errs.Invalid, "the folder has more than %d files or %d GiB", maxTreeEntries, maxTreeBytes>>30)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	slices.SortFunc(t, func(a, b TreeEntry) int { return strings.Compare(a.Path, b.Path) })
	return t, nil
}

func readEntry(fsys fs.FS, p string, d fs.DirEntry) (e TreeEntry, size int64, err error) {
	switch {
	case d.Type()&fs.ModeSymlink != 0:
		target, err := fs.ReadLink(fsys, p)
		if err != nil {
			return e, 0, err
		}
		return LinkEntry(p, target), 0, nil
	case !d.Type().IsRegular():
		return e, 0, nil // Git has no sockets and devices either
	}
	f, err := fsys.Open(p)
	if errors.Is(err, fs.ErrPermission) {
		return e, 0, notReadable(p)
	}
	if err != nil {
		return e, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return e, 0, err
	}
	e = TreeEntry{Path: p, Mode: "100644", Blob: blobID(info.Size(), f), Size: info.Size()}
	if info.Mode()&0o100 != 0 {
		e.Mode = "100755"
	}
	if e.Blob == "" {
		return e, 0, errs.New(errs.Unavailable, "%.200q changed while it was read", p)
	}
	return e, info.Size(), nil
}

func notReadable(p string) error {
	return errs.New(errs.Invalid, "%.200q may not be read by this user", p)
}

// blobID gives "" when r has not size bytes.
func blobID(size int64, r io.Reader) string {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", size)
	if n, err := io.Copy(h, io.LimitReader(r, size+1)); err != nil || n != size {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Digest gives the SHA-256 over path, mode and blob of every file in dir, with
// paths from there; "." is the whole tree.
func (t Tree) Digest(dir string) string {
	h := sha256.New()
	for rel, e := range t.in(dir) {
		fmt.Fprintf(h, "%s %s %q\n", e.Mode, e.Blob, rel)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Size counts the files in dir and their bytes.
func (t Tree) Size(dir string) (files int, bytes int64) {
	for _, e := range t.in(dir) {
		files, bytes = files+1, bytes+e.Size
	}
	return files, bytes
}

// Sub gives the tree of dir, with paths from there; "" is the whole tree.
func (t Tree) Sub(dir string) Tree {
	if dir == "" || dir == "." {
		return t
	}
	var sub Tree
	for rel, e := range t.in(dir) {
		e.Path = rel
		sub = append(sub, e)
	}
	return sub
}

// in gives what is in dir, with its path from there.
func (t Tree) in(dir string) iter.Seq2[string, TreeEntry] {
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	from, _ := slices.BinarySearchFunc(t, prefix, func(e TreeEntry, p string) int { return strings.Compare(e.Path, p) })
	return func(yield func(string, TreeEntry) bool) {
		for _, e := range t[from:] {
			rel, ok := strings.CutPrefix(e.Path, prefix)
			if !ok || !yield(rel, e) {
				return
			}
		}
	}
}

// resolve follows the links in dir, so that a plugin whose folder is a link
// has the digest of what it leads to. It gives dir itself where it cannot.
func resolve(fsys fs.FS, dir string) string {
	at, rest := ".", strings.Split(dir, "/")
	for links := 0; len(rest) > 0; {
		next := path.Join(at, rest[0])
		if !fs.ValidPath(next) {
			return dir
		}
		rest = rest[1:]
		info, err := fs.Lstat(fsys, next)
		if err != nil {
			return dir
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := fs.ReadLink(fsys, next)
		if links++; err != nil || path.IsAbs(target) || links > 40 {
			return dir
		}
		at, rest = ".", append(strings.Split(path.Join(path.Dir(next), target), "/"), rest...)
	}
	return at
}

// maxFile bounds a manifest or component file; the client reads as much.
const maxFile = 1 << 20

var errNoFile = errors.New("no such file")

// readFile reads a regular file of at most limit bytes. It is errNoFile when
// there is none.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, errNoFile
	}
	// Asked before it is opened: opening a pipe in a local folder would hang.
	info, err := fs.Stat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.IsDir():
		return nil, errNoFile
	case err != nil:
		return nil, fmt.Errorf("cannot be read")
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("is no regular file")
	case info.Size() > limit:
		return nil, fmt.Errorf("is larger than %d KiB", limit>>10)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot be read")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read")
	case int64(len(b)) > limit:
		return nil, fmt.Errorf("is larger than %d KiB", limit>>10)
	}
	return b, nil
}
