package quality

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Folder is what checks need to know of a plugin's files beyond its facts.
type Folder struct {
	Manifest   bool           `json:"manifest"` // it has one of its own that is JSON
	Lines      map[string]int `json:"lines"`    // of the manifest's fields
	Tests      []string       `json:"tests"`
	Workflows  []Workflow     `json:"workflows"`
	References []Reference    `json:"references"`
}

// Workflow is a definition of what runs when the repository changes.
type Workflow struct {
	Path   string `json:"path"` // with ../ where it is the repository's
	Checks bool   `json:"checks"`
	Line   int    `json:"line"` // that says so
}

// Reference is a file of the plugin that a hook or server names.
type Reference struct {
	From       string `json:"from"` // the file that names it
	Path       string `json:"path"`
	Direct     bool   `json:"direct"` // it is run without an interpreter
	Exists     bool   `json:"exists"`
	Executable bool   `json:"executable"`
}

// File is an entry of a tree.
type File struct {
	Path string // within the plugin; of one above it, with ../
	Mode string // as Git writes it
}

// Bounds of what is looked at and kept.
const (
	maxTests      = 50
	maxWorkflows  = 20
	maxReferences = 100
	maxWorkflow   = 64 << 10 // bytes of a workflow that are read
)

// Look learns from a plugin's files what checks need. files are the plugin's,
// above are those of the repository around it that may be workflows, and read
// gives the content of either.
func Look(files, above []File, components []plugpack.Component, read func(name string) ([]byte, error)) Folder {
	var f Folder
	if b, err := read(manifestFile); err == nil {
		f.Lines, f.Manifest = fieldLines(b)
	}
	for _, file := range files {
		if len(f.Tests) < maxTests && isTest(file.Path) {
			f.Tests = append(f.Tests, file.Path)
		}
	}
	for _, file := range slices.Concat(files, above) {
		if len(f.Workflows) < maxWorkflows && isWorkflow(strings.TrimLeft(file.Path, "./")) {
			f.Workflows = append(f.Workflows, workflow(file.Path, read))
		}
	}
	f.References = referencesOf(files, components)
	return f
}

// fieldLines gives the lines of a JSON object's own fields.
func fieldLines(b []byte) (map[string]int, bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	lines := map[string]int{}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return lines, false
		}
		if _, again := lines[name]; !again && len(lines) < 64 && len(name) <= plugpack.MaxName {
			lines[name] = 1 + bytes.Count(b[:d.InputOffset()], []byte("\n"))
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return lines, false
		}
	}
	return lines, true
}

var (
	testFolders = []string{"test", "tests", "spec", "specs", "__tests__", "e2e", "evals", "eval"}
	testFile    = regexp.MustCompile(`(^test_[^/]*\.py|_test\.(py|go|sh|rb|exs?)|[._-](test|spec)\.([mc]?[jt]sx?|sh|rb|py)|\.bats)$`)
	vendored    = []string{"node_modules", "vendor", ".venv", "venv", "third_party", "dist"}
)

// isTest goes by where tests are by custom. Text alone is no test.
func isTest(p string) bool {
	parts := strings.Split(p, "/")
	folders, name := parts[:len(parts)-1], parts[len(parts)-1]
	if slices.ContainsFunc(folders, func(dir string) bool { return slices.Contains(vendored, dir) }) {
		return false
	}
	if testFile.MatchString(name) {
		return true
	}
	inTests := slices.ContainsFunc(folders, func(dir string) bool { return slices.Contains(testFolders, strings.ToLower(dir)) })
	return inTests && !slices.Contains([]string{".md", ".txt", ""}, strings.ToLower(path.Ext(name)))
}

var workflowFile = regexp.MustCompile(`^(github/workflows/[^/]+\.ya?ml|gitlab-ci\.ya?ml|circleci/config\.ya?ml|woodpecker\.ya?ml|azure-pipelines\.ya?ml|travis\.ya?ml|Jenkinsfile)$`)

// isWorkflow takes the path without the dots it begins with.
func isWorkflow(p string) bool { return workflowFile.MatchString(p) }

var checking = regexp.MustCompile(`(?i)\b(tests?|pytest|vitest|jest|bats|validate|lint|shellcheck|check|analyze)\b`)

// comment is the rest of a YAML line that says nothing.
var comment = regexp.MustCompile(`(^|\s)#.*$`)

func workflow(p string, read func(string) ([]byte, error)) Workflow {
	w := Workflow{Path: p}
	b, err := read(p)
	if err != nil {
		return w
	}
	for i, l := range strings.Split(string(b[:min(len(b), maxWorkflow)]), "\n") {
		l = comment.ReplaceAllString(l, "")
		if checking.MatchString(l) && !strings.Contains(l, "actions/checkout") {
			w.Checks, w.Line = true, i+1
			break
		}
	}
	return w
}

var (
	rootPath = regexp.MustCompile(`\$\{?CLAUDE_PLUGIN_ROOT\}?["']?/([\w./@+-]+)`)
	direct   = regexp.MustCompile(`^\s*["']?\$\{?CLAUDE_PLUGIN_ROOT\}?["']?/`)
	// made are folders that only running the plugin makes.
	made = []string{"node_modules", ".venv", "venv", ".cache", "__pycache__"}
)

// referencesOf lists the files of the plugin that its hooks and servers name.
func referencesOf(files []File, components []plugpack.Component) []Reference {
	modes := make(map[string]string, len(files))
	for _, f := range files {
		modes[f.Path] = f.Mode
	}
	var all []Reference
	seen := map[string]bool{}
	add := func(from, command string, args []string) {
		for i, text := range append([]string{command}, args...) {
			for _, m := range rootPath.FindAllStringSubmatchIndex(text, -1) {
				p := path.Clean(strings.TrimRight(text[m[2]:m[3]], "."))
				if made := slices.ContainsFunc(made, func(dir string) bool { return slices.Contains(strings.Split(p, "/"), dir) }); made || seen[p] || len(all) >= maxReferences {
					continue
				}
				seen[p] = true
				mode, exists := modes[p]
				all = append(all, Reference{
					From: from, Path: p, Direct: i == 0 && direct.MatchString(text) && m[0] <= 2,
					Exists: exists || isFolder(files, p), Executable: mode == "100755" || mode == "120000",
				})
			}
		}
	}
	for _, c := range components {
		for _, h := range c.Handlers {
			if h.Type == "command" {
				add(c.Path, h.Command, h.Args)
			}
		}
		if c.Server != nil {
			add(c.Path, c.Server.Command, c.Server.Args)
		}
	}
	return all
}

// isFolder says whether there are files below p; a command may name a folder
// without its slash.
func isFolder(files []File, p string) bool {
	return p == "." || slices.ContainsFunc(files, func(f File) bool { return strings.HasPrefix(f.Path, p+"/") })
}
