package origin

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
)

// head is the beginning of a snapshot: what is known of the files without their
// content.
type head struct {
	Commit string           `json:"commit"`
	Tree   marketplace.Tree `json:"tree"`
	// Holes are files whose content is left out.
	Holes []string `json:"holes,omitempty"`
	// Missing: the repository has no such folder.
	Missing bool `json:"missing,omitempty"`
}

// maxHead bounds the head of a snapshot that is read.
const maxHead = 64 << 20

// keptSizes are up to which size a file's content is kept, the smaller ones for
// snapshots that would else be too large. The reader takes no more than 1 MiB of
// any file.
var keptSizes = []int64{4 << 20, 1 << 20, 64 << 10}

// snapshot packs a folder of dir into a temporary file.
func snapshot(temp *archive.Temp, dir *archive.Dir, tree marketplace.Tree, folder, commit string) (file *os.File, err error) {
	for _, kept := range keptSizes {
		if file != nil {
			if err := remove(file); err != nil {
				return nil, err
			}
		}
		if file, err = temp.File(); err != nil {
			return nil, err
		}
		size, err := pack(file, dir.FS(), tree.Sub(folder), folder, commit, kept)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("pack a snapshot: %w", err), remove(file))
		}
		if size <= maxSnapshot {
			break
		}
	}
	_, err = file.Seek(0, io.SeekStart)
	return file, err
}

func remove(file *os.File) error { return errors.Join(file.Close(), os.Remove(file.Name())) }

func pack(file *os.File, fsys fs.FS, tree marketplace.Tree, folder, commit string, kept int64) (size int64, err error) {
	h := head{Commit: commit, Tree: tree, Missing: folder != "" && len(tree) == 0}
	for _, e := range tree {
		if e.Size > kept {
			h.Holes = append(h.Holes, e.Path)
		}
	}
	if err := writeHead(file, h); err != nil {
		return 0, err
	}
	if folder != "" && !h.Missing {
		if fsys, err = fs.Sub(fsys, folder); err != nil {
			return 0, err
		}
	}
	zw := gzip.NewWriter(file)
	tw := tar.NewWriter(zw)
	for _, e := range tree {
		if err := packEntry(tw, fsys, e, kept); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		return 0, err
	}
	return file.Seek(0, io.SeekCurrent)
}

func writeHead(w io.Writer, h head) error {
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := binary.Write(w, binary.BigEndian, uint32(len(b))); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// top is the one folder that archives have.
const top = "f/"

func packEntry(tw *tar.Writer, fsys fs.FS, e marketplace.TreeEntry, kept int64) error {
	h := &tar.Header{Name: top + e.Path, Mode: 0o644, Size: e.Size, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	switch {
	case e.Mode == marketplace.ModeSubmodule || e.Size > kept:
		return nil
	case e.Mode == marketplace.ModeLink:
		if info, err := fs.Lstat(fsys, e.Path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return nil // it leads out, and is only in the tree
		}
		h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, e.Link, 0
		return tw.WriteHeader(h)
	case e.Mode == "100755":
		h.Mode = 0o755
	}
	f, err := fsys.Open(e.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(tw, f)
	return err
}

// open unpacks a snapshot.
func open(ctx context.Context, temp *archive.Temp, r io.Reader) (marketplace.Files, error) {
	br := bufio.NewReader(r)
	h, err := readHead(br)
	if err != nil {
		return marketplace.Files{}, fmt.Errorf("read a snapshot: %w", err)
	}
	if h.Missing {
		return marketplace.Files{}, errs.New(errs.NotFound, "the repository has no such folder")
	}
	// What was within the limits once is so again, but for its ratio.
	limits := archive.DefaultLimits
	limits.Ratio = 1 << 20
	dir, err := temp.Unpack(ctx, br, limits)
	if err != nil {
		return marketplace.Files{}, fmt.Errorf("read a snapshot: %w", err)
	}
	files := marketplace.Files{Close: func() { _ = dir.Close() }}
	files.FS, files.Tree, files.Commit = dir.FS(), h.Tree, h.Commit
	if len(h.Holes) > 0 {
		if files.FS, err = withHoles(dir, h); err != nil {
			return marketplace.Files{}, errors.Join(err, dir.Close())
		}
	}
	return files, nil
}

func readHead(r io.Reader) (h head, err error) {
	var n uint32
	if err := binary.Read(r, binary.BigEndian, &n); err != nil {
		return h, err
	}
	if n > maxHead {
		return h, errors.New("its head is too large")
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return h, err
	}
	return h, json.Unmarshal(b, &h)
}

// holed are files of which some cannot be opened. They are there in their size,
// since it matters that a file exists.
type holed struct {
	fs.FS
	holes map[string]bool
}

func withHoles(dir *archive.Dir, h head) (fs.FS, error) {
	sizes := map[string]int64{}
	for _, e := range h.Tree {
		sizes[e.Path] = e.Size
	}
	fsys := holed{dir.FS(), map[string]bool{}}
	for _, name := range h.Holes {
		fsys.holes[name] = true
		if err := dir.Hole(name, sizes[name]); err != nil {
			return nil, err
		}
	}
	return fsys, nil
}

var errHole = errors.New("its content was too large to be kept")

// Open opens a file that has content.
func (h holed) Open(name string) (fs.File, error) {
	if h.holes[name] {
		return nil, &fs.PathError{Op: "open", Path: strings.ToValidUTF8(name, "?"), Err: errHole}
	}
	return h.FS.Open(name)
}

// Stat tells of every file.
func (h holed) Stat(name string) (fs.FileInfo, error) { return fs.Stat(h.FS, name) }

// Lstat tells of every file and link.
func (h holed) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(h.FS, name) }

// ReadLink reads a link.
func (h holed) ReadLink(name string) (string, error) { return fs.ReadLink(h.FS, name) }
