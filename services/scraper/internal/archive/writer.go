package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
)

// Writer makes a Dir of files that come one after the other. Names are relative
// to its top; those outside of the wanted folders cost nothing but their
// counting.
type Writer struct {
	Limits
	dir     *Dir
	within  []string
	entries int // kept
	seen    int
	folders map[string]bool // that are counted in entries
	written int64
	links   []link
}

type link struct{ name, target string }

// NewWriter begins a new Dir with only the folders within, or with everything.
// Its end is Done or Abort.
func (t *Temp) NewWriter(l Limits, within ...string) (*Writer, error) {
	dir, err := os.MkdirTemp(t.path, "repo-")
	if err != nil {
		return nil, fmt.Errorf("make folder for the archive: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open folder for the archive: %w", err), os.RemoveAll(dir))
	}
	return &Writer{Limits: l, dir: &Dir{root: root, path: dir}, within: within, folders: map[string]bool{}}, nil
}

// Done makes the links and gives the Dir.
func (w *Writer) Done() *Dir {
	for _, l := range w.links {
		w.link(l)
	}
	return w.dir
}

// Abort removes what was written and gives err.
func (w *Writer) Abort(err error) error { return errors.Join(err, w.dir.Close()) }

// wants says whether name is in a wanted folder, and counts it.
func (w *Writer) wants(name string) (bool, error) {
	// What is passed over costs time too.
	if w.seen++; w.seen > 10*w.Entries {
		return false, w.tooMany()
	}
	if !w.inside(name) {
		return false, nil
	}
	if w.count(name); w.entries > w.Entries {
		return false, w.tooMany()
	}
	return true, nil
}

func (w *Writer) inside(name string) bool {
	for _, dir := range w.within {
		if dir == "" || name == dir || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return len(w.within) == 0
}

// count counts name and the folders above it that no entry has named: a few
// long names could be millions of folders.
func (w *Writer) count(name string) {
	w.entries++
	for dir := path.Dir(name); dir != "." && !w.folders[dir]; dir = path.Dir(dir) {
		w.folders[dir] = true
		w.entries++
	}
}

// usable says whether a name can be that of a file everywhere. One that cannot
// is left out.
func (w *Writer) usable(name string) bool {
	switch {
	case !utf8.ValidString(name):
		w.skip(strings.ToValidUTF8(name, "?"), "a name that is not UTF-8")
	case strings.Contains(name, `\`):
		w.skip(name, "a name with a backslash, which is a path to some")
	default:
		return true
	}
	return false
}

// Folder makes a folder.
func (w *Writer) Folder(name string) error {
	wanted, err := w.wants(name)
	if !wanted || name == "." || !w.usable(name) {
		return err
	}
	w.folders[name] = true
	if err := w.dir.root.MkdirAll(name, 0o755); err != nil {
		w.skip(name, "a file or link has the folder's name")
	}
	return nil
}

// File writes a file of size bytes; size may be what a stranger says.
func (w *Writer) File(name string, executable bool, size int64, r io.Reader) error {
	wanted, err := w.wants(name)
	if !wanted || name == "." || !w.usable(name) {
		return err
	}
	if size > w.Limits.File {
		w.skip(name, fmt.Sprintf("larger than %d MiB", w.Limits.File>>20))
		return nil
	}
	if w.written+size > w.Total {
		return w.tooMuch()
	}
	if err := w.dir.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		w.skip(name, "a file has the name of its folder")
		return nil
	}
	mode := fs.FileMode(0o644)
	if executable {
		mode = 0o755
	}
	f, err := w.dir.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		w.skip(name, "a second file of that name")
		return nil
	}
	if err != nil {
		return diskError{fmt.Errorf("unpack %.200q: %w", name, err)}
	}
	n, err := io.Copy(marked{f}, io.LimitReader(r, size+1))
	w.written += n
	if n > size {
		err = errs.New(errs.Invalid, "%.200q is larger than the archive says", name)
	}
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = diskError{closeErr}
	}
	if disk, ok := errors.AsType[diskError](err); ok {
		return diskError{fmt.Errorf("unpack %.200q: %w", name, disk.error)}
	}
	return err
}

// diskError marks what went wrong on this machine, so that a full disk is not
// taken for a bad archive.
type diskError struct{ error }

// Unwrap gives the error itself.
func (e diskError) Unwrap() error { return e.error }

type marked struct{ w io.Writer }

// Write writes, and marks its errors.
func (m marked) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	if err != nil {
		err = diskError{err}
	}
	return n, err
}

// Link keeps a link for the end.
func (w *Writer) Link(name, target string) error {
	wanted, err := w.wants(name)
	if wanted && name != "." && w.usable(name) {
		w.links = append(w.links, link{name, target})
	}
	return err
}

func (w *Writer) link(l link) {
	to := path.Join(path.Dir(l.name), l.target)
	switch {
	case l.target == "" || len(l.target) > maxLink || strings.ContainsRune(l.target, 0) || !utf8.ValidString(l.target):
		w.skip(l.name, "a link without a usable target")
	case path.IsAbs(l.target) || to == ".." || strings.HasPrefix(to, "../"):
		w.skip(l.name, "a link that leaves the repository")
		w.dir.unfollowed = append(w.dir.unfollowed, marketplace.LinkEntry(l.name, l.target))
	case w.dir.root.MkdirAll(path.Dir(l.name), 0o755) != nil || w.dir.root.Symlink(l.target, l.name) != nil:
		w.skip(l.name, "a link in the place of another file")
	}
}

// Submodule notes one, at commit.
func (w *Writer) Submodule(name, commit string) error {
	wanted, err := w.wants(name)
	if wanted && w.usable(name) {
		w.dir.unfollowed = append(w.dir.unfollowed, marketplace.SubmoduleEntry(name, commit))
	}
	return err
}

// maxSkipped is how much of what was left out is remembered.
const maxSkipped = 1000

func (w *Writer) skip(name, reason string) {
	if len(w.dir.skipped) < maxSkipped {
		w.dir.skipped = append(w.dir.skipped, Skipped{Path: name, Reason: reason})
	}
}

// clean checks a name of an archive, which names that no packer writes are not.
func clean(raw string) (string, error) {
	name := strings.TrimSuffix(raw, "/")
	if strings.ContainsRune(name, 0) || len(name) > maxLink || !fs.ValidPath(strings.ToValidUTF8(name, "?")) {
		return "", errs.New(errs.Invalid, "the archive holds the path %.100q, which is not inside of it", raw)
	}
	return name, nil
}
