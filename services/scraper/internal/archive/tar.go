package archive

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
)

// ErrKnown says that the archive is of the commit that is known already.
var ErrKnown = errors.New("the archive is of the known commit")

// Wanted says what is wanted of an archive.
type Wanted struct {
	Within []string // folders; none for everything
	// Known is a commit whose archive is not wanted: it is ErrKnown.
	Known string
}

// Unpack reads the tar.gz r into a new folder. An archive over its limits or
// with names that lead out of it is an Invalid error; one that breaks off or is
// no archive is Unavailable, because the next download may be whole.
func (t *Temp) Unpack(ctx context.Context, r io.Reader, l Limits, wanted ...Wanted) (*Dir, error) {
	u := untar{Limits: l, ctx: ctx}
	if len(wanted) > 0 {
		u.Wanted = wanted[0]
	}
	w, err := t.NewWriter(l, u.Within...)
	if err != nil {
		return nil, err
	}
	u.w = w
	if err := u.unpack(r); err != nil {
		return nil, w.Abort(err)
	}
	return w.Done(), nil
}

type untar struct {
	Limits
	Wanted
	// ctx is held because the reader that checks it has no argument for it.
	ctx     context.Context
	w       *Writer
	in, out int64 // bytes read, compressed and not
	top     string
}

func (u *untar) unpack(r io.Reader) error {
	zr, err := gzip.NewReader(readerFunc(func(p []byte) (int, error) { return u.readIn(r, p) }))
	if err != nil {
		return u.readError(err)
	}
	tr := tar.NewReader(readerFunc(func(p []byte) (int, error) { return u.readOut(zr, p) }))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = u.entry(h, tr)
		}
		if err != nil {
			return u.readError(err)
		}
	}
}

type readerFunc func(p []byte) (int, error)

// Read calls f.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (u *untar) readIn(r io.Reader, p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.Read(p)
	if u.in += int64(n); u.in > u.Compressed {
		return 0, u.TooLarge()
	}
	return n, err
}

// readOut counts what comes out of the decompressor, whatever the headers say.
func (u *untar) readOut(r io.Reader, p []byte) (int, error) {
	n, err := r.Read(p)
	u.out += int64(n)
	// Headers and padding are 1 KiB an entry at most. What is passed over may be
	// more.
	room := u.Total + int64(u.Entries)<<10
	if len(u.Within) > 0 {
		room *= 4
	}
	if u.out > room {
		return 0, u.tooMuch()
	}
	if u.out > u.RatioFrom && u.out/u.Ratio > u.in {
		return 0, u.bomb()
	}
	return n, err
}

// readError says that an error of reading may be gone with the next download.
func (u *untar) readError(err error) error {
	if _, disk := errors.AsType[diskError](err); disk || errors.Is(err, ErrKnown) || errs.KindOf(err) != errs.Internal {
		return err
	}
	if ctxErr := u.ctx.Err(); ctxErr != nil {
		err = ctxErr
	}
	return errs.New(errs.Unavailable, "the archive cannot be read to its end: %w", err)
}

func (u *untar) entry(h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		if commit := h.PAXRecords["comment"]; isCommit(commit) {
			u.w.dir.commit = commit
			if commit == u.Known {
				return ErrKnown
			}
		}
		return nil
	}
	name, err := u.name(h.Name)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.w.Folder(name)
	case tar.TypeReg:
		return u.w.File(name, h.Mode&0o111 != 0, h.Size, r)
	case tar.TypeSymlink:
		return u.w.Link(name, h.Linkname)
	case tar.TypeLink:
		u.w.skip(name, "a hard link")
	default:
		u.w.skip(name, "a device or another special file")
	}
	_, err = u.w.wants(name)
	return err
}

// name strips the top folder and refuses names that no Git host writes.
func (u *untar) name(raw string) (string, error) {
	name, err := clean(raw)
	if err != nil {
		return "", err
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

func isCommit(s string) bool {
	return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == ""
}
