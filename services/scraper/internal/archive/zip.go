package archive

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
)

// UnpackZip reads a zip of size bytes into a new folder. The files may be at its
// root or in one top folder. Its whole content is there, so whatever is wrong
// with it is Invalid.
func (t *Temp) UnpackZip(ctx context.Context, r io.ReaderAt, size int64, l Limits) (*Dir, error) {
	if size > l.Compressed {
		return nil, l.TooLarge()
	}
	files, err := directory(r, size, l)
	if err != nil {
		return nil, err
	}
	w, err := t.NewWriter(l)
	if err != nil {
		return nil, err
	}
	top := topFolder(files)
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return nil, w.Abort(errs.New(errs.Unavailable, "the archive cannot be read to its end: %w", err))
		}
		if err := unzip(w, f, top); err != nil {
			return nil, w.Abort(damaged(err))
		}
	}
	return w.Done(), nil
}

func damaged(err error) error {
	if _, disk := errors.AsType[diskError](err); disk || errs.KindOf(err) != errs.Internal {
		return err
	}
	return errs.New(errs.Invalid, "the zip archive is damaged: %w", err)
}

// directory reads the list of files, and refuses one that lies about them.
func directory(r io.ReaderAt, size int64, l Limits) ([]*zip.File, error) {
	// The standard library reads the whole list before it can be counted.
	b := &budget{r: r, left: 1<<17 + int64(l.Entries)*320}
	z, err := zip.NewReader(b, size)
	switch {
	case b.left < 0:
		return nil, l.tooMany()
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, errs.New(errs.Invalid, "the archive is no zip that can be read: %w", err)
	case len(z.File) > l.Entries:
		return nil, l.tooMany()
	}
	b.left = 1 << 62
	if err := overlap(z.File); err != nil {
		return nil, err
	}
	var total uint64
	for _, f := range z.File {
		if f.UncompressedSize64 > uint64(l.Total) {
			return nil, l.tooMuch()
		}
		total += f.UncompressedSize64
	}
	switch {
	case total > uint64(l.Total):
		return nil, l.tooMuch()
	case total > uint64(l.RatioFrom) && total/uint64(l.Ratio) > uint64(size):
		return nil, l.bomb()
	}
	return z.File, nil
}

// budget bounds how much is read.
type budget struct {
	r    io.ReaderAt
	left int64
}

// ReadAt reads as long as there is something left.
func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errors.New("the list of files is too long")
	}
	return b.r.ReadAt(p, off)
}

// overlap refuses files that share bytes: by that a small archive can be a very
// large one without any ratio that shows.
func overlap(files []*zip.File) error {
	type span struct{ from, to int64 }
	var spans []span
	for _, f := range files {
		from, err := f.DataOffset()
		if err != nil || f.CompressedSize64 > 1<<40 {
			return errs.New(errs.Invalid, "the zip archive is damaged at %.100q", f.Name)
		}
		spans = append(spans, span{from, from + int64(f.CompressedSize64)})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	const header = 30 // the least that is before a file's data
	for i := 1; i < len(spans); i++ {
		if spans[i].from-header < spans[i-1].to {
			return errs.New(errs.Invalid, "files of the zip archive overlap")
		}
	}
	return nil
}

// parts are folders of a plugin itself, which are no top folders.
var parts = []string{"commands", "agents", "skills", "hooks", "bin", "output-styles", "monitors", "themes", "workflows", "scripts"}

// topFolder gives the one folder that everything is in, unless it belongs to a
// plugin.
func topFolder(files []*zip.File) string {
	top := ""
	for _, f := range files {
		first, _, deeper := strings.Cut(f.Name, "/")
		if !deeper || top != "" && first != top {
			return ""
		}
		top = first
	}
	if strings.HasPrefix(top, ".") || slices.Contains(parts, top) {
		return ""
	}
	return top
}

func unzip(w *Writer, f *zip.File, top string) error {
	name, err := clean(f.Name)
	if err != nil {
		return err
	}
	if top != "" {
		name = path.Clean(strings.TrimPrefix(strings.TrimPrefix(name, top), "/"))
	}
	const encrypted = 1
	mode := f.Mode()
	switch {
	case strings.HasSuffix(f.Name, "/") || mode.IsDir():
		return w.Folder(name)
	case f.Flags&encrypted != 0:
		w.skip(name, "an encrypted file")
		_, err := w.wants(name)
		return err
	case mode&fs.ModeSymlink != 0:
		return unzipLink(w, f, name)
	case !mode.IsRegular():
		w.skip(name, "a device or another special file")
		_, err := w.wants(name)
		return err
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return w.File(name, mode&0o111 != 0, int64(f.UncompressedSize64), r)
}

func unzipLink(w *Writer, f *zip.File, name string) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	target, err := io.ReadAll(io.LimitReader(r, maxLink+1))
	if err != nil {
		return err
	}
	return w.Link(name, string(target))
}
