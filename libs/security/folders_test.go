package security

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var (
	folders = flag.String("folders", "", "scan each folder in this one as a plugin and print what is found")
	verbose = flag.Bool("findings", false, "with -folders: print every finding of medium and high confidence")
)

// TestFolders shows what the rules say of real text, such as the packages in
// node_modules, nearly all of which means no harm.
func TestFolders(t *testing.T) {
	if *folders == "" {
		t.Skip("say which with -args -folders=FOLDER")
	}
	entries, err := os.ReadDir(*folders)
	if err != nil {
		t.Fatal(err)
	}
	byRule := map[string]*[3]int{}
	var n, loud, files int
	var bytes int64
	start := time.Now()
	for _, e := range entries {
		if !e.IsDir() && e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		in := folder(t, filepath.Join(*folders, e.Name()))
		got, err := Scan(in)
		if err != nil {
			t.Error(e.Name(), err)
		}
		n, files = n+1, files+got.Files
		for _, f := range in.Files {
			bytes += f.Size
		}
		if t.Logf("%s: %s %s", e.Name(), got.State, got.Reason); report(t, e.Name(), got, byRule) {
			loud++
		}
	}
	took := time.Since(start).Seconds()
	var out strings.Builder
	for _, rule := range slices.Sorted(keys(byRule)) {
		c := byRule[rule]
		fmt.Fprintf(&out, "%-28s low %5d medium %5d high %5d\n", rule, c[0], c[1], c[2])
	}
	t.Logf("%d folders, %d files, %.1f MB in %.1f s; %d folders with a finding of medium or high confidence\n%s", n, files, float64(bytes)/1e6, took, loud, out.String())
}

func report(t *testing.T, name string, got plugpack.Security, byRule map[string]*[3]int) (loud bool) {
	for _, f := range got.Findings {
		c := byRule[f.Rule]
		if c == nil {
			c = &[3]int{}
			byRule[f.Rule] = c
		}
		c[slices.Index(weights, f.Confidence)]++
		if f.Confidence != plugpack.Low {
			loud = true
			if *verbose {
				t.Logf("%s %s %s/%s:%d %s", f.Rule, f.Confidence, name, f.Path, f.Line, f.Excerpt)
			}
		}
	}
	return loud
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// folder makes the input of a folder on disk.
func folder(t testing.TB, at string) Input {
	t.Helper()
	if real, err := filepath.EvalSymlinks(at); err == nil {
		at = real
	}
	root := os.DirFS(at)
	in := Input{FS: root, Dir: "."}
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := File{Path: p, Mode: "100644", Size: info.Size()}
		if info.Mode()&fs.ModeSymlink != 0 {
			f.Mode = modeLink
		}
		in.Files = append(in.Files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}
