package archive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
)

// packZip makes a zip; an item's link makes it one.
func packZip(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, it := range items {
		h := &zip.FileHeader{Name: it.name, Method: zip.Deflate}
		h.SetMode(fs.FileMode(max(it.mode, 0o644)))
		if it.link != "" {
			h.SetMode(fs.ModeSymlink | 0o777)
			it.text = it.link
		}
		w, err := zw.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(it.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpackZip(t testing.TB, b []byte, l Limits) (*Dir, string, error) {
	t.Helper()
	parent := t.TempDir()
	temp, err := OpenTemp(parent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = temp.Close() })
	d, err := temp.UnpackZip(t.Context(), bytes.NewReader(b), int64(len(b)), l)
	if err == nil {
		t.Cleanup(func() { _ = d.Close() })
	} else if left, _ := filepath.Glob(filepath.Join(temp.path, "repo-*")); len(left) > 0 {
		t.Errorf("a refused archive left %v", left)
	}
	return d, parent, err
}

func TestUnpackZip(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		items []item
		want  string
	}{
		{"one top folder is taken off", []item{{name: "p-1/.claude-plugin/plugin.json", text: "{}"}, {name: "p-1/run.sh", text: "S", mode: 0o755}},
			".claude-plugin/plugin.json 0 {}\nrun.sh 100 S\n"},
		{"files at the root stay", []item{{name: "README.md", text: "R"}, {name: "commands/c.md", text: "C"}}, "README.md 0 R\ncommands/c.md 0 C\n"},
		{"a plugin's own folder is no top folder", []item{{name: ".claude-plugin/plugin.json", text: "{}"}}, ".claude-plugin/plugin.json 0 {}\n"},
		{"nor is one of components", []item{{name: "skills/s/SKILL.md", text: "S"}}, "skills/s/SKILL.md 0 S\n"},
		{"links", []item{{name: "t/a.md", text: "A"}, {name: "t/l", link: "a.md"}, {name: "t/out", link: "../../x"}, {name: "t/abs", link: "/etc/passwd"}}, "a.md 0 A\nl -> a.md\n"},
		{"names that differ by case", []item{{name: "t/A.md", text: "1"}, {name: "t/a.md", text: "2"}}, "A.md 0 1\na.md 0 2\n"},
		{"a second file of a name", []item{{name: "t/a", text: "1"}, {name: "t/a", text: "2"}}, "a 0 1\n"},
		{"a backslash", []item{{name: "t/a", text: "1"}, {name: `t/..\..\b`, text: "2"}}, "a 0 1\n"},
		{"a name that is not UTF-8", []item{{name: "t/a", text: "1"}, {name: "t/caf\xe9", text: "2"}}, "a 0 1\n"},
		{"a file through a link", []item{{name: "t/l", link: "."}, {name: "t/l/f", text: "F"}}, "l/f 0 F\n"},
		{"a large file", []item{{name: "t/a", text: "1"}, {name: "t/b", text: strings.Repeat("x", 2000)}}, "a 0 1\n"},
		{"folders", []item{{name: "t/"}, {name: "t/a/"}, {name: "t/a/f", text: "F"}}, "a/f 0 F\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := DefaultLimits
			l.File = 1000
			d, _, err := unpackZip(t, packZip(t, tt.items...), l)
			if err != nil {
				t.Fatal(err)
			}
			if got := contents(t, d.FS()); got != tt.want {
				t.Errorf("got %q and skipped %v", got, d.Skipped())
			}
		})
	}
}

func TestHostileZips(t *testing.T) {
	t.Parallel()
	good := packZip(t, item{name: "t/a", text: strings.Repeat("a", 100)}, item{name: "t/b", text: strings.Repeat("b", 100)})
	small := Limits{Compressed: 1 << 20, Total: 1 << 20, File: 1 << 20, Entries: 3, Ratio: 100, RatioFrom: 1 << 18}
	var many []item
	for i := range 100 {
		many = append(many, item{name: fmt.Sprint("t/", i)})
	}
	// The same data counts twice: the second entry of the list is set on the first.
	overlapping := bytes.Clone(good)
	second := bytes.LastIndex(overlapping, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(overlapping[second+42:], 0)
	damaged := bytes.Clone(good)
	copy(damaged[35:], "xxxxxxxx")
	liar := bytes.Clone(good) // says that a file is smaller than it is
	binary.LittleEndian.PutUint32(liar[second+24:], 5)

	tests := []struct {
		name   string
		b      []byte
		limits Limits
		want   string
	}{
		{"up", packZip(t, item{name: "t/a"}, item{name: "../evil"}), DefaultLimits, "not inside"},
		{"up in the middle", packZip(t, item{name: "t/../../evil"}), DefaultLimits, "not inside"},
		{"absolute", packZip(t, item{name: "/etc/evil"}), DefaultLimits, "not inside"},
		{"NUL", packZip(t, item{name: "t/a\x00.md"}), DefaultLimits, "not inside"},
		{"a long name", packZip(t, item{name: "t/" + strings.Repeat("d/", 3000) + "evil"}), DefaultLimits, "not inside"},
		{"a bomb", packZip(t, item{name: "t/a", text: strings.Repeat("\x00", 1<<19)}), small, "100 times"},
		{"too much", packZip(t, item{name: "t/a", text: strings.Repeat("\x00", 1<<20)}, item{name: "t/b", text: "x"}), small, "together"},
		{"too many", packZip(t, many[:5]...), small, "more than 3"},
		{"a list too long to be read", packZip(t, many...), small, "more than 3"},
		{"large", make([]byte, 2<<20), small, "larger than 1 MiB"},
		{"overlapping", overlapping, DefaultLimits, "overlap"},
		{"damaged", damaged, DefaultLimits, "damaged"},
		{"lying", liar, DefaultLimits, "damaged"},
		{"no zip", []byte("<html>"), DefaultLimits, "no zip"},
		{"cut", good[:len(good)/2], DefaultLimits, "no zip"},
		{"empty", nil, DefaultLimits, "no zip"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, parent, err := unpackZip(t, tt.b, tt.limits)
			if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(parent), "*evil*")); left != nil {
				t.Errorf("%v was written", left)
			}
		})
	}
	t.Run("an encrypted file is left out", func(t *testing.T) {
		b := bytes.Clone(good)
		b[bytes.LastIndex(b, []byte("PK\x01\x02"))+8] |= 1
		d, _, err := unpackZip(t, b, DefaultLimits)
		if err != nil || len(d.Skipped()) != 1 || !strings.Contains(d.Skipped()[0].Reason, "encrypted") {
			t.Fatalf("got %v, %v", d, err)
		}
	})
}

func FuzzUnpackZip(f *testing.F) {
	f.Add(packZip(f, item{name: "t/a", text: "A"}, item{name: "t/l", link: "a"}, item{name: "t/b/", text: ""}))
	f.Add(packZip(f, item{name: "../a", text: "A"}))
	f.Add(packZip(f, item{name: `a\b`, text: "A"}, item{name: "l", link: "../.."}, item{name: "l/x", text: "X"}))
	l := Limits{Compressed: 1 << 20, Total: 1 << 20, File: 1 << 18, Entries: 50, Ratio: 200, RatioFrom: 1 << 16}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, parent, err := unpackZip(t, b, l)
		check(t, d, parent, err, l)
	})
}

// check holds what is true of every archive: nothing is written outside, no
// limit is passed, and what was unpacked can be read.
func check(t *testing.T, d *Dir, parent string, err error, l Limits) {
	t.Helper()
	if all, _ := os.ReadDir(parent); len(all) != 1 {
		t.Fatalf("written outside: %v", all)
	}
	if err != nil {
		if kind := errs.KindOf(err); kind != errs.Invalid && kind != errs.Unavailable {
			t.Fatalf("kind %v: %v", kind, err)
		}
		return
	}
	tree, err := d.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if files, size := tree.Size("."); files > l.Entries+maxSkipped || size > l.Total {
		t.Fatalf("%d files of %d bytes", files, size)
	}
	for _, e := range tree {
		if e.Link == "" {
			continue
		}
		if f, err := d.FS().Open(e.Path); err == nil {
			_ = f.Close()
		} else if errors.Is(err, fs.ErrInvalid) {
			t.Fatalf("%q cannot be a name: %v", e.Path, err)
		}
	}
}
