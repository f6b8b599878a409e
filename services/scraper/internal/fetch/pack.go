package fetch

import (
	"errors"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
)

// checkPack looks through a pack without keeping anything of it. Objects are
// held whole in memory where they are put together, so a pack must not say that
// they are large.
func checkPack(file *os.File, l archive.Limits) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	scanner := packfile.NewScanner(file)
	_, count, err := scanner.Header()
	if err != nil {
		return damagedPack(err)
	}
	if int64(count) > 4*int64(l.Entries) {
		return errs.New(errs.Invalid, "the repository has more than %d objects", 4*l.Entries)
	}
	var total int64
	for range count {
		size, err := objectSize(scanner)
		if err != nil {
			return damagedPack(err)
		}
		if size > l.File {
			return errs.New(errs.Invalid, "the repository has a file larger than %d MiB", l.File>>20)
		}
		if total += size; total > l.Total {
			return errs.New(errs.Invalid, "the repository's files are larger than %d MiB together", l.Total>>20)
		}
	}
	return nil
}

func damagedPack(err error) error {
	return errs.New(errs.Unavailable, "the repository's objects are damaged: %w", err)
}

// objectSize gives the size of the next object once it is put together.
func objectSize(scanner *packfile.Scanner) (int64, error) {
	h, err := scanner.NextObjectHeader()
	if err != nil {
		return 0, err
	}
	begin := &beginning{}
	if _, _, err := scanner.NextObject(begin); err != nil {
		return 0, err
	}
	if h.Type != plumbing.OFSDeltaObject && h.Type != plumbing.REFDeltaObject {
		return h.Length, nil
	}
	// A delta begins with the sizes of what it is made from and of its result.
	_, rest, ok := varint(begin.bytes)
	result, _, ok2 := varint(rest)
	if !ok || !ok2 {
		return 0, errors.New("a delta has no size")
	}
	return max(h.Length, result), nil
}

// beginning keeps the first bytes of what is written to it.
type beginning struct{ bytes []byte }

// Write keeps some.
func (b *beginning) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p[:min(len(p), 20-len(b.bytes))]...)
	return len(p), nil
}

// varint reads a size as deltas write it, seven bits a byte, the low ones first.
func varint(b []byte) (n int64, rest []byte, ok bool) {
	for i, c := range b {
		if i > 8 {
			return 0, nil, false
		}
		n |= int64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}
