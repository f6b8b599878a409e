package security

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of an archive that is looked into.
const (
	maxPacked   = 32 << 20
	maxUnpacked = 64 << 20
	maxEntries  = 5000
)

// What a file's first bytes tell of it.
const (
	isELF     = "ELF program"
	isMachO   = "Mach-O program"
	isPE      = "Windows program"
	isWASM    = "WebAssembly program"
	isClass   = "compiled Java class"
	isZip     = "zip archive"
	isGzip    = "gzip archive"
	isTar     = "tar archive"
	isArchive = "archive"
)

var magics = []struct{ head, what string }{
	{"\x7fELF", isELF}, {"\xcf\xfa\xed\xfe", isMachO}, {"\xce\xfa\xed\xfe", isMachO}, {"\xfe\xed\xfa\xce", isMachO}, {"\xfe\xed\xfa\xcf", isMachO},
	{"\x00asm", isWASM}, {"PK\x03\x04", isZip}, {"PK\x05\x06", isZip}, {"\x1f\x8b\x08", isGzip}, {"7z\xbc\xaf\x27\x1c", isArchive}, {"Rar!\x1a\x07", isArchive}, {"\xfd7zXZ\x00", isArchive},
	{"\x28\xb5\x2f\xfd", isArchive}, {"BZh", isArchive}, {"!<arch>\n", isArchive},
}

// magic gives "" for what is neither a program nor an archive.
func magic(b []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(b, []byte(m.head)) {
			return m.what
		}
	}
	switch {
	case bytes.HasPrefix(b, []byte("MZ")) && len(b) > 64 && bytes.Contains(b[:min(len(b), 1024)], []byte("PE\x00\x00")):
		return isPE
	case bytes.HasPrefix(b, []byte("\xca\xfe\xba\xbe")) && len(b) > 8:
		// A fat Mach-O counts its parts where a class has its version.
		if b[4] == 0 && b[5] == 0 && b[6] == 0 && b[7] < 30 {
			return isMachO
		}
		return isClass
	case len(b) > 262 && string(b[257:262]) == "ustar":
		return isTar
	}
	return ""
}

func isProgram(what string) bool {
	return what == isELF || what == isMachO || what == isPE || what == isWASM || what == isClass
}

// binary reports a program, or an archive by what is in it.
func (c *scanner) binary(f File, what string) {
	certain, likely := high, medium
	if isFixture(f.Path) && !c.run[f.Path] {
		certain, likely = medium, low
	}
	if isProgram(what) {
		c.add(ruleBinary, certain, f.Path, 0, fmt.Sprintf("%s (%s, %d KiB.)", ruleBinary.Message, what, (f.Size+1023)>>10), "")
		return
	}
	program, err := c.unpack(f, what)
	if err != nil {
		c.add(ruleArchive, likely, f.Path, 0, fmt.Sprintf("%s (%s.)", ruleArchive.Message, what), "")
		c.skip(f.Path, "is an archive that "+err.Error())
		return
	}
	if program != "" {
		c.add(rulePacked, certain, f.Path, 0, fmt.Sprintf("%s (%s.)", rulePacked.Message, shown(program)), "")
		return
	}
	c.add(ruleArchive, likely, f.Path, 0, fmt.Sprintf("%s (%s.)", ruleArchive.Message, what), "")
}

var errUnopened = errors.New("cannot be looked into")

// unpack gives the first program in the archive, if there is one.
func (c *scanner) unpack(f File, what string) (program string, err error) {
	if f.Size > maxPacked {
		return "", fmt.Errorf("is larger than %d MiB", maxPacked>>20)
	}
	if what == isArchive {
		return "", errUnopened
	}
	file, err := c.in.FS.Open(f.Path)
	if err != nil {
		return "", errUnopened
	}
	defer file.Close()
	c.bytes += f.Size
	switch what {
	case isZip:
		return inZip(file, f.Size)
	case isGzip:
		z, err := gzip.NewReader(file)
		if err != nil {
			return "", errUnopened
		}
		return inStream(io.LimitReader(z, maxUnpacked))
	}
	return inStream(io.LimitReader(file, maxUnpacked))
}

func inZip(file io.Reader, size int64) (string, error) {
	at, ok := file.(io.ReaderAt)
	if !ok {
		b, err := io.ReadAll(io.LimitReader(file, maxPacked))
		if err != nil {
			return "", errUnopened
		}
		at, size = bytes.NewReader(b), int64(len(b))
	}
	z, err := zip.NewReader(at, size)
	if err != nil || len(z.File) > maxEntries {
		return "", errUnopened
	}
	for _, e := range z.File {
		if e.Flags&1 != 0 {
			return "", errors.New("has a password")
		}
		r, err := e.Open()
		if err != nil {
			return "", errUnopened
		}
		what := magic(start(r))
		r.Close()
		if isProgram(what) {
			return fmt.Sprintf("%s, %s", e.Name, what), nil
		}
	}
	return "", nil
}

// inStream looks into a tar; a single packed file is one, too.
func inStream(r io.Reader) (string, error) {
	head := start(r)
	if what := magic(head); isProgram(what) {
		return what, nil
	} else if what != isTar {
		return "", nil
	}
	t := tar.NewReader(io.MultiReader(bytes.NewReader(head), r))
	for range maxEntries {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return "", nil
		}
		if err != nil {
			return "", errUnopened
		}
		if what := magic(start(t)); isProgram(what) {
			return fmt.Sprintf("%s, %s", strings.TrimPrefix(h.Name, "./"), what), nil
		}
	}
	return "", errUnopened
}

// start reads as much as magic needs.
func start(r io.Reader) []byte {
	b, _ := io.ReadAll(io.LimitReader(r, 1024))
	return b
}
