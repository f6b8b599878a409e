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
	benchmark(b, 50, func(i int) map[string]string {
		files := map[string]string{
			manifestFile: fmt.Sprintf(`{"name":"p%d","version":"1.0.0","description":"d","author":{"name":"A"}}`, i),
			hooksFile:    `{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"./x.sh"}]}]}}`,
		}
		for j := range 4 {
			files[fmt.Sprintf("skills/s%d/SKILL.md", j)] = "---\nname: s\ndescription: When to use it\n---\n" + strings.Repeat("A line of prose.\n", 200)
		}
		return files
	})
}

// BenchmarkReadWhole reads plugins as people publish them: with documents and
// every usual kind of component.
func BenchmarkReadWhole(b *testing.B) {
	prose := strings.Repeat("A sentence about what it does, and `code` beside it.\n", 120)
	benchmark(b, 20, func(i int) map[string]string {
		files := map[string]string{
			manifestFile: fmt.Sprintf(`{"name":"p%d","version":"1.0.0","description":"d","author":{"name":"A"},"license":"MIT","keywords":["testing"]}`, i),
			hooksFile:    `{"hooks":{"PostToolUse":[{"matcher":"Edit","hooks":[{"type":"command","command":"bash ${CLAUDE_PLUGIN_ROOT}/scripts/check.sh"}]}]}}`,
			mcpFile:      `{"mcpServers":{"s":{"command":"npx","args":["-y","x"],"env":{"KEY":"${KEY}"}}}}`,
			"README.md":  "# Title\n" + prose, "LICENSE": mitText, "CHANGELOG.md": prose, "scripts/check.sh": "#!/usr/bin/env bash\nset -eu\necho checked\n",
		}
		for j := range 3 {
			files[fmt.Sprintf("skills/s%d/SKILL.md", j)] = "---\nname: s\ndescription: When to use it\nallowed-tools: [Read, Grep]\n---\n" + prose
			files[fmt.Sprintf("commands/c%d.md", j)] = "---\ndescription: Does it\nargument-hint: <file>\n---\n" + prose
			files[fmt.Sprintf("agents/a%d.md", j)] = "---\nname: a\ndescription: Helps\nmodel: inherit\n---\n" + prose
			files[fmt.Sprintf("skills/s%d/reference.md", j)] = prose
		}
		return files
	})
}

// benchmark reads a repository of n plugins with such files.
func benchmark(b *testing.B, n int, files func(i int) map[string]string) {
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
		entries = append(entries, fmt.Sprintf(`{"name":"p%d","source":"./plugins/p%d","description":"Does %d."}`, i, i, i))
		for name, text := range files(i) {
			write(fmt.Sprintf("plugins/p%d/%s", i, name), text)
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
