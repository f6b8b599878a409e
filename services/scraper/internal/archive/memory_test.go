//go:build !race

package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// archiveVariable names the archive that the child process scans.
const archiveVariable = "PLUGPACK_TEST_ARCHIVE"

// Scanning a 250 MiB archive may take 150 MiB of memory at most: the files are
// on the disk, and one at a time is read. The race detector multiplies what is
// measured, so this test is not for it.
func TestMemoryOfALargeArchive(t *testing.T) {
	if path := os.Getenv(archiveVariable); path != "" {
		scanLarge(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "large.tar.gz")
	packLarge(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Size() < 249<<20 || info.Size() > DefaultLimits.Compressed {
		t.Fatalf("the archive is %d bytes, %v", info.Size(), err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryOfALargeArchive$", "-test.v")
	cmd.Env = append(os.Environ(), archiveVariable+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, text, _ := strings.Cut(string(out), "grew by ")
	text, _, _ = strings.Cut(text, " KiB")
	grown, err := strconv.Atoi(text)
	if err != nil || grown > 150<<10 {
		t.Fatalf("memory grew by %q KiB: %v, %s", text, err, out)
	}
	t.Logf("scanning an archive of %d MiB took %d MiB of memory", info.Size()>>20, grown>>10)
}

// packLarge writes 250 plugins of 1 MiB that does not compress.
func packLarge(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zw, _ := gzip.NewWriterLevel(f, gzip.NoCompression)
	tw := tar.NewWriter(zw)
	write := func(name string, b []byte) {
		if err := errors.Join(tw.WriteHeader(&tar.Header{Name: "t/" + name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(b))})); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.NewChaCha8([32]byte{})
	block := make([]byte, 1<<18)
	var list []string
	for i := range 250 {
		dir := fmt.Sprintf("p%d/", i)
		list = append(list, fmt.Sprintf(`{"name":"p%d","source":"./p%[1]d"}`, i))
		write(dir+".claude-plugin/plugin.json", fmt.Appendf(nil, `{"name":"p%d"}`, i))
		for j, name := range []string{"bin/a", "bin/b", "skills/s/data", "commands/c.md"} {
			_, _ = random.Read(block)
			if j == 3 {
				copy(block, "---\ndescription: A command.\n---\n")
			}
			write(dir+name, block)
		}
	}
	write(marketplace.File, []byte(`{"name":"m","owner":{"name":"A"},"plugins":[`+strings.Join(list, ",")+`]}`))
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
}

// scanLarge unpacks the archive and reads every plugin, and says by how much the
// process's memory grew at its highest.
func scanLarge(t *testing.T, path string) {
	t.Helper()
	before := memory(t, "VmRSS")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	temp, err := OpenTemp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer temp.Close()
	dir, err := temp.Unpack(t.Context(), f, DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	tree, err := dir.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	content, err := marketplace.Read(marketplace.Input{FS: dir.FS(), Tree: tree, Key: "github.com/a/b", Commit: commit})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for p := range content.Plugins(nil) {
		if p.Facts.State == plugpack.StateRead {
			read++
		}
	}
	if read != 250 {
		t.Fatalf("read %d plugins", read)
	}
	fmt.Printf("grew by %d KiB\n", memory(t, "VmHWM")-before)
}

// memory gives a figure of this process's in KiB.
func memory(t *testing.T, name string) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 1 && fields[0] == name+":" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s", name)
	return 0
}
