// Package archive unpacks a repository's tar.gz into a temporary folder that
// is then read like any other folder, through an fs.FS.
//
// Archives come from strangers. Everything is written through os.Root, so no
// name and no link can lead out of the folder; sizes and counts are bounded
// while the stream is read, before anything is believed; links are made last,
// so that no file is written through one.
package archive

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/errs"
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

// Skipped is an entry of the archive that was left out.
type Skipped struct {
	Path   string
	Reason string
}

// Dir is an unpacked archive. It is gone after Close.
type Dir struct {
	root    *os.Root
	path    string
	skipped []Skipped
}

// FS gives the files, without the archive's top folder. It follows links only
// where they stay inside.
func (d *Dir) FS() fs.FS { return d.root.FS() }

// Skipped lists what was left out and why.
func (d *Dir) Skipped() []Skipped { return d.skipped }

// Close removes the files.
func (d *Dir) Close() error { return errors.Join(d.root.Close(), os.RemoveAll(d.path)) }

// Unpack reads the tar.gz r into a new folder. An archive over its limits or
// with names that lead out of it is an Invalid error; one that breaks off or is
// no archive is Unavailable, because the next download may be whole.
func (t *Temp) Unpack(ctx context.Context, r io.Reader, l Limits) (*Dir, error) {
	dir, err := os.MkdirTemp(t.path, "repo-")
	if err != nil {
		return nil, fmt.Errorf("make folder for the archive: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open folder for the archive: %w", err), os.RemoveAll(dir))
	}
	d := &Dir{root: root, path: dir}
	u := unpacker{Dir: d, Limits: l, ctx: ctx, folders: map[string]bool{}}
	if err := u.unpack(r); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

type unpacker struct {
	*Dir
	Limits
	// ctx is held because the reader that checks it has no argument for it.
	ctx     context.Context
	in, out int64 // bytes read, compressed and not
	top     string
	entries int
	folders map[string]bool // that are counted in entries
	written int64
	links   []*tar.Header
}

func (u *unpacker) unpack(r io.Reader) error {
	zr, err := gzip.NewReader(readerFunc(func(p []byte) (int, error) { return u.readIn(r, p) }))
	if err != nil {
		return u.readError(err)
	}
	tr := tar.NewReader(readerFunc(func(p []byte) (int, error) { return u.readOut(zr, p) }))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return u.readError(err)
		}
		if err := u.entry(h, tr); err != nil {
			return err
		}
	}
	for _, h := range u.links {
		u.link(h)
	}
	return nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (u *unpacker) readIn(r io.Reader, p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.Read(p)
	if u.in += int64(n); u.in > u.Compressed {
		return 0, errs.New(errs.Invalid, "the archive is larger than %d MiB", u.Compressed>>20)
	}
	return n, err
}

// readOut counts what comes out of the decompressor, whatever the headers say.
func (u *unpacker) readOut(r io.Reader, p []byte) (int, error) {
	n, err := r.Read(p)
	u.out += int64(n)
	// Headers and padding are 1 KiB an entry at most.
	if room := u.Total + int64(u.Entries)<<10; u.out > room {
		return 0, u.tooLarge()
	}
	if u.out > u.RatioFrom && u.out/u.Ratio > u.in {
		return 0, errs.New(errs.Invalid, "the archive unpacks to more than %d times its size", u.Ratio)
	}
	return n, err
}

func (u *unpacker) tooLarge() error {
	return errs.New(errs.Invalid, "the repository's files are larger than %d MiB together", u.Total>>20)
}

func (u *unpacker) readError(err error) error {
	if errs.KindOf(err) != errs.Internal {
		return err
	}
	if ctxErr := u.ctx.Err(); ctxErr != nil {
		err = ctxErr
	}
	return errs.New(errs.Unavailable, "the archive cannot be read to its end: %w", err)
}

func (u *unpacker) entry(h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if !utf8.ValidString(h.Name) {
		u.entries++
		u.skip(strings.ToValidUTF8(h.Name, "?"), "a name that is not UTF-8")
		return nil
	}
	name, err := u.name(h.Name)
	if err != nil {
		return err
	}
	if u.count(name); u.entries > u.Entries {
		return errs.New(errs.Invalid, "the repository has more than %d files and folders", u.Entries)
	}
	if name == "." {
		return nil
	}
	switch h.Typeflag {
	case tar.TypeDir:
		u.folders[name] = true
		if err := u.root.MkdirAll(name, 0o755); err != nil {
			u.skip(name, "a file or link has the folder's name")
		}
	case tar.TypeReg:
		return u.file(name, h, r)
	case tar.TypeSymlink:
		h.Name = name
		u.links = append(u.links, h)
	case tar.TypeLink:
		u.skip(name, "a hard link")
	default:
		u.skip(name, "a device or another special file")
	}
	return nil
}

// count counts name and the folders above it that no entry has named: a few
// long names could be millions of folders.
func (u *unpacker) count(name string) {
	u.entries++
	for dir := path.Dir(name); dir != "." && !u.folders[dir]; dir = path.Dir(dir) {
		u.folders[dir] = true
		u.entries++
	}
}

// name strips the top folder and refuses names that no Git host writes.
func (u *unpacker) name(raw string) (string, error) {
	name := strings.TrimSuffix(raw, "/")
	if !fs.ValidPath(name) || strings.ContainsRune(name, 0) || len(name) > maxLink {
		return "", errs.New(errs.Invalid, "the archive holds the path %.100q, which is not inside of it", raw)
	}
	top, rest, _ := strings.Cut(name, "/")
	if u.top == "" {
		u.top = top
	}
	if top != u.top {
		return "", errs.New(errs.Invalid, "the archive has two top folders, %.100q and %.100q", u.top, top)
	}
	return path.Clean(rest), nil
}

func (u *unpacker) file(name string, h *tar.Header, r io.Reader) error {
	if h.Size > u.File {
		u.skip(name, fmt.Sprintf("larger than %d MiB", u.File>>20))
		return nil
	}
	// Sparse files are larger here than in the stream.
	if u.written += h.Size; u.written > u.Total {
		return u.tooLarge()
	}
	mode := fs.FileMode(0o644)
	if h.Mode&0o111 != 0 {
		mode = 0o755
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		u.skip(name, "a file has the name of its folder")
		return nil
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		u.skip(name, "a second file of that name")
		return nil
	}
	if err != nil {
		return fmt.Errorf("unpack %.200q: %w", name, err)
	}
	if _, err := io.Copy(writer{f}, r); err != nil {
		_ = f.Close()
		return u.copyError(name, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("unpack %.200q: %w", name, err)
	}
	return nil
}

// writer marks its errors, so that a full disk is not taken for a bad archive.
type writer struct{ w io.Writer }

type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		err = writeError{err}
	}
	return n, err
}

func (u *unpacker) copyError(name string, err error) error {
	if w, ok := errors.AsType[writeError](err); ok {
		return fmt.Errorf("unpack %.200q: %w", name, w)
	}
	return u.readError(err)
}

func (u *unpacker) link(h *tar.Header) {
	target := path.Join(path.Dir(h.Name), h.Linkname)
	switch {
	case h.Linkname == "" || len(h.Linkname) > maxLink || strings.ContainsRune(h.Linkname, 0):
		u.skip(h.Name, "a link without a usable target")
	case path.IsAbs(h.Linkname) || target == ".." || strings.HasPrefix(target, "../"):
		u.skip(h.Name, "a link that leaves the repository")
	case u.root.MkdirAll(path.Dir(h.Name), 0o755) != nil || u.root.Symlink(h.Linkname, h.Name) != nil:
		u.skip(h.Name, "a link in the place of another file")
	}
}

func (u *unpacker) skip(name, reason string) {
	u.skipped = append(u.skipped, Skipped{Path: name, Reason: reason})
}
