package marketplace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkRead reads a repository of fifty plugins from a folder, as it is
// after its archive was unpacked.
func BenchmarkRead(b *testing.B) {
	const n = 50
	dir := b.TempDir()
	write := func(name, text string) {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	var entries []string
	for i := range n {
		at := fmt.Sprintf("plugins/p%d/", i)
		entries = append(entries, fmt.Sprintf(`{"name":"p%d","source":"./plugins/p%d","description":"Does %d."}`, i, i, i))
		write(at+manifestFile, fmt.Sprintf(`{"name":"p%d","version":"1.0.0","description":"d","author":{"name":"A"}}`, i))
		write(at+hooksFile, `{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"./x.sh"}]}]}}`)
		for j := range 4 {
			write(fmt.Sprintf("%sskills/s%d/SKILL.md", at, j), "---\nname: s\ndescription: When to use it\n---\n"+strings.Repeat("A line of prose.\n", 200))
		}
	}
	write(File, list(strings.Join(entries, ",")))
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	b.ReportAllocs()
	for b.Loop() {
		tree, err := ReadTree(b.Context(), root.FS())
		if err != nil {
			b.Fatal(err)
		}
		c, err := Read(Input{FS: root.FS(), Tree: tree, Key: "github.com/acme/tools", Commit: "c"})
		if got := plugins(c); err != nil || len(got) != n {
			b.Fatalf("%d plugins, %v", len(got), err)
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "plugins/s")
}
