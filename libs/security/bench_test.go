package security

import (
	"strings"
	"testing"
	"testing/fstest"
)

// BenchmarkScan scans a plugin of ordinary files: half Markdown, half scripts.
func BenchmarkScan(b *testing.B) {
	prose := "---\nname: s\ndescription: Formats code\n---\n# Format\n" + strings.Repeat("Use the formatter on every file that the user changed, and run the tests with `npm test` before you answer.\n\n```bash\nnpm run format -- --check src\n```\n", 120)
	program := "#!/usr/bin/env python3\nimport json, os, subprocess\n" + strings.Repeat("def step(name, env=None):\n    # runs one step\n    result = subprocess.run([\"make\", name], env=env or os.environ, check=True)\n    return json.loads(result.stdout or \"{}\")\n\n", 100)
	files := fstest.MapFS{}
	var size int64
	for i := range 20 {
		name := string(rune('a' + i))
		files["skills/"+name+"/SKILL.md"] = &fstest.MapFile{Data: []byte(prose)}
		files["scripts/"+name+".py"] = &fstest.MapFile{Data: []byte(program)}
		size += int64(len(prose) + len(program))
	}
	s := &sample{name: "bench", fs: files}
	in := s.input()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if got, err := Scan(in); err != nil || len(got.Findings) > 0 {
			b.Fatal(got.Findings, err)
		}
	}
}
