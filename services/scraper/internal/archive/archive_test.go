package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/errs"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

type item struct {
	name, text, link string
	kind             byte // TypeReg if 0
	mode             int64
}

func pack(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	for _, it := range items {
		h := &tar.Header{Name: it.name, Linkname: it.link, Typeflag: it.kind, Mode: it.mode, Size: int64(len(it.text)), Format: tar.FormatPAX}
		if it.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if !utf8.ValidString(it.name) {
			h.Format = tar.FormatGNU
		}
		if it.kind == tar.TypeXGlobalHeader {
			h.PAXRecords = map[string]string{"comment": commit}
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, it.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpack(t testing.TB, b []byte, l Limits) (*Dir, string, error) {
	t.Helper()
	parent := t.TempDir()
	temp, err := OpenTemp(parent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = temp.Close() })
	d, err := temp.Unpack(t.Context(), bytes.NewReader(b), l)
	if err == nil {
		t.Cleanup(func() { _ = d.Close() })
	} else if left, _ := filepath.Glob(filepath.Join(temp.path, "repo-*")); len(left) > 0 {
		t.Errorf("a refused archive left %v", left)
	}
	return d, parent, err
}

// contents lists files with their text and mode, and links with their target.
func contents(t testing.TB, fsys fs.FS) string {
	t.Helper()
	var b strings.Builder
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := fs.ReadLink(fsys, p)
			fmt.Fprintf(&b, "%s -> %s\n", p, target)
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := fs.ReadFile(fsys, p)
		fmt.Fprintf(&b, "%s %o %s\n", p, info.Mode()&0o100, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	d, _, err := unpack(t, pack(t,
		item{name: "pax_global_header", kind: tar.TypeXGlobalHeader},
		item{name: "o-r-1/", kind: tar.TypeDir},
		item{name: "o-r-1/a/b.md", text: "B"},
		item{name: "o-r-1/run.sh", text: "S", mode: 0o755},
		item{name: "o-r-1/up", kind: tar.TypeSymlink, link: "./a/b.md"},
		item{name: "o-r-1/a/down", kind: tar.TypeSymlink, link: "../run.sh"},
	), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	const want = "a/b.md 0 B\na/down -> ../run.sh\nrun.sh 100 S\nup -> ./a/b.md\n"
	if got := contents(t, d.FS()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(d.Skipped()) != 0 || d.Commit() != commit {
		t.Errorf("skipped %v of %q", d.Skipped(), d.Commit())
	}
}

func TestOnlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	packed := pack(t,
		item{name: "pax_global_header", kind: tar.TypeXGlobalHeader}, item{name: "t/x.md", text: "X"}, item{name: "t/a/b/c.md", text: "C"},
		item{name: "t/a/bb/d.md", text: "D"}, item{name: "t/a/b/l", kind: tar.TypeSymlink, link: "../bb/d.md"}, item{name: "t/z/f", text: "F"})
	temp, err := OpenTemp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = temp.Close() })
	l := DefaultLimits
	l.Entries = 8 // of those that are kept
	d, err := temp.Unpack(t.Context(), bytes.NewReader(packed), l, Wanted{Within: []string{"a/b", "z"}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := contents(t, d.FS()); got != "a/b/c.md 0 C\na/b/l -> ../bb/d.md\nz/f 0 F\n" {
		t.Errorf("got %s", got)
	}
	if _, err := temp.Unpack(t.Context(), bytes.NewReader(packed), l, Wanted{Known: commit}); !errors.Is(err, ErrKnown) {
		t.Errorf("the archive of a known commit gave %v", err)
	}
}

// What is not followed is in the tree, for a scan to report.
func TestWhatIsNotFollowedIsListed(t *testing.T) {
	t.Parallel()
	d, _, err := unpack(t, pack(t, item{name: "t/out", kind: tar.TypeSymlink, link: "../../etc/passwd"}, item{name: "t/f", text: "F"},
		item{name: "t/.gitmodules", text: "[submodule \"s\"]\n\tpath = s\n\turl = https://x.example/s\n[submodule \"f\"]\n\tpath = f\n\turl = x\n[submodule \"up\"]\n\tpath = ../up\n\turl = x\n"},
		item{name: "t/s/", kind: tar.TypeDir}), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := d.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range tree {
		got = append(got, e.Path+" "+e.Mode+" "+e.Link)
	}
	if want := []string{".gitmodules 100644 ", "f 100644 ", "out 120000 ../../etc/passwd", "s 160000 "}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if _, err := fs.Lstat(d.FS(), "out"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link that leads out was made: %v", err)
	}
}

func TestHostileNamesAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../evil", "top/../../evil", "/etc/evil", "top//evil", "top/./evil", "other/evil", "top/" + strings.Repeat("d/", 3000) + "evil"} {
		t.Run(fmt.Sprintf("%.30q", name), func(t *testing.T) {
			_, parent, err := unpack(t, pack(t, item{name: "top/good", text: "x"}, item{name: name, text: "evil"}), DefaultLimits)
			if errs.KindOf(err) != errs.Invalid {
				t.Fatalf("got %v", err)
			}
			_ = filepath.WalkDir(filepath.Dir(parent), func(p string, _ fs.DirEntry, _ error) error {
				if strings.HasSuffix(p, "evil") {
					t.Errorf("%s was written", p)
				}
				return nil
			})
		})
	}
}

func TestOddEntriesAreLeftOut(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		items []item
		want  string
	}{
		{"a link that leaves", []item{{name: "t/l", kind: tar.TypeSymlink, link: "../../x"}}, ""},
		{"an absolute link", []item{{name: "t/l", kind: tar.TypeSymlink, link: outside}}, ""},
		{"a file through a link", []item{{name: "t/l", kind: tar.TypeSymlink, link: "."}, {name: "t/l/f", text: "F"}}, "l/f 0 F\n"},
		{"a hard link", []item{{name: "t/l", kind: tar.TypeLink, link: outside}}, ""},
		{"a device", []item{{name: "t/d", kind: tar.TypeChar}}, ""},
		{"a pipe", []item{{name: "t/p", kind: tar.TypeFifo}}, ""},
		{"a second file", []item{{name: "t/f", text: "1"}, {name: "t/f", text: "2"}}, "f 0 1\n"},
		{"a file in the place of a folder", []item{{name: "t/f/g", text: "1"}, {name: "t/f", text: "2"}}, "f/g 0 1\n"},
		{"a folder in the place of a file", []item{{name: "t/f", text: "1"}, {name: "t/f/g", text: "2"}}, "f 0 1\n"},
		{"a name that is not UTF-8", []item{{name: "t/caf\xe9.txt", text: "1"}, {name: "t/g", text: "2"}}, "g 0 2\n"},
		{"a name with a backslash", []item{{name: `t/a\..\b`, text: "1"}, {name: "t/g", text: "2"}}, "g 0 2\n"},
		{"a large file", []item{{name: "t/f", text: strings.Repeat("x", 2000)}, {name: "t/g", text: "2"}}, "g 0 2\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := DefaultLimits
			l.File = 1000
			d, _, err := unpack(t, pack(t, tt.items...), l)
			if err != nil {
				t.Fatal(err)
			}
			if got := contents(t, d.FS()); got != tt.want || len(d.Skipped()) != 1 {
				t.Errorf("got %q and skipped %v", got, d.Skipped())
			}
		})
	}
	t.Run("a link to a link that leaves cannot be followed", func(t *testing.T) {
		d, _, err := unpack(t, pack(t, item{name: "t/a", kind: tar.TypeSymlink, link: "b/../.."}, item{name: "t/b", kind: tar.TypeSymlink, link: "c/d"},
			item{name: "t/c/d/f", text: "x"}), DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := d.FS().Open("a/lock"); err == nil {
			_ = f.Close()
			t.Error("a link led out of the folder")
		}
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("\x00", 1<<20)
	random := make([]byte, 1<<20)
	for i := range random {
		random[i] = byte(i * i >> 7 * (i % 251))
	}
	tests := []struct {
		name   string
		limits Limits
		items  []item
		want   string
	}{
		{"too many entries", Limits{Compressed: 1 << 20, Total: 1 << 20, File: 1 << 20, Entries: 2, Ratio: 100, RatioFrom: 1 << 20},
			[]item{{name: "t/a"}, {name: "t/b"}, {name: "t/c"}}, "more than 2 files"},
		{"too many folders that no entry names", Limits{Compressed: 1 << 20, Total: 1 << 20, File: 1 << 20, Entries: 9, Ratio: 100, RatioFrom: 1 << 20},
			[]item{{name: "t/" + strings.Repeat("d/", 10) + "a"}}, "more than 9 files"},
		{"too large together", Limits{Compressed: 1 << 20, Total: 3 << 19, File: 1 << 20, Entries: 9, Ratio: 1 << 20, RatioFrom: 1 << 30},
			[]item{{name: "t/a", text: zeros}, {name: "t/b", text: zeros}}, "larger than 1 MiB together"},
		{"left out, and still too large", Limits{Compressed: 1 << 20, Total: 3 << 19, File: 10, Entries: 9, Ratio: 1 << 20, RatioFrom: 1 << 30},
			[]item{{name: "t/a", text: zeros}, {name: "t/b", text: zeros}}, "larger than 1 MiB together"},
		{"a bomb", Limits{Compressed: 1 << 20, Total: 1 << 30, File: 1 << 30, Entries: 9, Ratio: 100, RatioFrom: 1 << 18},
			[]item{{name: "t/a", text: zeros}}, "100 times its size"},
		{"a large archive", Limits{Compressed: 1 << 10, Total: 1 << 30, File: 1 << 30, Entries: 9, Ratio: 1000, RatioFrom: 1 << 30},
			[]item{{name: "t/a", text: string(random)}}, "archive is larger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := unpack(t, pack(t, tt.items...), tt.limits)
			if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDamagedArchivesAreTriedAgain(t *testing.T) {
	t.Parallel()
	whole := pack(t, item{name: "t/a", text: strings.Repeat("text", 9000)})
	for name, b := range map[string][]byte{"cut": whole[:len(whole)/2], "no archive": []byte("<html>"), "empty": nil, "garbage": append(whole[:40:40], bytes.Repeat([]byte{7}, 90)...)} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := unpack(t, b, DefaultLimits); errs.KindOf(err) != errs.Unavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("stopped", func(t *testing.T) {
		temp, err := OpenTemp(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer temp.Close()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := temp.Unpack(ctx, bytes.NewReader(whole), DefaultLimits); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTemp(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	alive, err := OpenTemp(parent)
	if err != nil {
		t.Fatal(err)
	}
	// A killed process leaves its folder and no lock on it.
	stale := filepath.Join(parent, tempPrefix+"123")
	if err := errors.Join(os.MkdirAll(filepath.Join(stale, "repo-1"), 0o755), os.WriteFile(filepath.Join(stale, "lock"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	other, err := OpenTemp(parent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale folder is still there: %v", err)
	}
	if _, err := os.Stat(alive.path); err != nil {
		t.Errorf("a living process lost its folder: %v", err)
	}
	if err := errors.Join(alive.Close(), other.Close()); err != nil && !errors.Is(err, syscall.EINVAL) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// Anyone may write to the system's temporary folder.
func TestFolderOfAnotherUserIsLeftAlone(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of another user")
	}
	parent, planted := t.TempDir(), filepath.Join(t.TempDir(), "planted")
	dir := filepath.Join(parent, tempPrefix+"123")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Symlink(planted, filepath.Join(dir, "lock")), os.Chown(dir, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	temp, err := OpenTemp(parent)
	if err != nil {
		t.Fatal(err)
	}
	defer temp.Close()
	if _, err := os.Lstat(planted); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file was made where another user's link leads to")
	}
}
