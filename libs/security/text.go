package security

import (
	"path"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// text is a file as rules see it.
type text struct {
	path    string
	kind    kind
	size    int
	lines   []line
	fixture bool // tests, examples and samples show what nobody runs
	build   bool // it is run where the repository is built
	defends bool // it is about attacks, as a whole
}

// line is one line, or several that a shell would read as one.
type line struct {
	n       int
	text    string
	found   set  // lists of words that it has one of
	fence   bool // in a code block of Markdown
	comment bool // in a comment of code, or an HTML comment of Markdown
	defends bool // it warns of what it says, or looks for it
	piece   bool // of a line that is too long to be one that somebody wrote
}

var kinds = map[string]kind{
	".sh": shell, ".bash": shell, ".zsh": shell, ".fish": shell, ".ksh": shell, ".command": shell, ".ps1": shell, ".psm1": shell, ".bat": shell, ".cmd": shell,
	".py": python, ".pyw": python, ".rb": python, ".pl": python, ".php": python, ".lua": python, ".applescript": python, ".scpt": python,
	".js": script, ".mjs": script, ".cjs": script, ".jsx": script, ".ts": script, ".mts": script, ".cts": script, ".tsx": script,
	".json": config, ".jsonc": config, ".json5": config, ".toml": config, ".yaml": config, ".yml": config, ".ini": config, ".cfg": config, ".conf": config, ".plist": config,
	".md": prose, ".mdx": prose, ".markdown": prose, ".txt": prose, ".rst": prose, ".adoc": prose,
}

var configNames = map[string]bool{".npmrc": true, ".yarnrc": true, "pip.conf": true, ".env": true, "dockerfile": true, "makefile": true, "justfile": true}

// kindOf tells a file's kind by its name, and by its first line where a program
// has no ending.
func (c *scanner) kindOf(at, content string) kind {
	base := strings.ToLower(path.Base(at))
	k := kinds[path.Ext(base)]
	switch {
	case k == prose && (c.instructions[at] || isInstruction(at, base)):
		return instruction
	case k != 0:
		return k
	case configNames[base], strings.HasPrefix(base, ".env"):
		return config
	case !strings.HasPrefix(content, "#!"):
		return other
	}
	first, _, _ := strings.Cut(content, "\n")
	switch {
	case strings.Contains(first, "python"), strings.Contains(first, "ruby"), strings.Contains(first, "perl"):
		return python
	case strings.Contains(first, "node"), strings.Contains(first, "deno"), strings.Contains(first, "bun"):
		return script
	}
	return shell
}

// isInstruction says whether the model is likely to be given the file: what
// lies in a component's folder is read when the component says so.
func isInstruction(at, base string) bool {
	switch base {
	case "skill.md", "claude.md", "agents.md", "gemini.md", ".cursorrules":
		return true
	case "readme.md", "changelog.md", "license.md", "license.txt", "contributing.md", "security.md":
		return false
	}
	for _, folder := range []string{"skills/", "commands/", "agents/", "output-styles/", "rules/", "prompts/"} {
		if strings.HasPrefix(at, folder) || strings.Contains(at, "/"+folder) {
			return true
		}
	}
	return false
}

// instructionFiles are those that the client itself gives the model.
func instructionFiles(list []plugpack.Component) map[string]bool {
	files := map[string]bool{}
	for _, c := range list {
		if c.Server == nil && len(c.Handlers) == 0 {
			files[c.Path] = true
		}
	}
	return files
}

var fixtureFolders = []string{"test/", "tests/", "__tests__/", "testdata/", "fixtures/", "fixture/", "examples/", "example/", "samples/", "spec/", "mocks/", "evals/", "benchmarks/"}

func isFixture(at string) bool {
	at = strings.ToLower(at)
	for _, folder := range fixtureFolders {
		if strings.HasPrefix(at, folder) || strings.Contains(at, "/"+folder) {
			return true
		}
	}
	base := path.Base(at)
	return strings.HasPrefix(base, "test_") || strings.Contains(base, "_test.") || strings.Contains(base, ".test.") || strings.Contains(base, ".spec.") || strings.Contains(base, ".example")
}

// isBuild says whether the file is for the repository's own builds, which happen
// elsewhere.
func isBuild(at string) bool {
	for _, p := range []string{".github/workflows/", ".github/actions/", ".circleci/", ".gitlab-ci", ".travis.yml", "azure-pipelines"} {
		if strings.HasPrefix(at, p) {
			return true
		}
	}
	return false
}

func (c *scanner) read(at, content string) *text {
	t := &text{path: at, kind: c.kindOf(at, content), size: len(content), fixture: isFixture(at) && !c.run[at], build: isBuild(at)}
	if t.kind&markdown != 0 {
		t.lines = c.markdownLines(content)
	} else {
		t.lines = c.codeLines(content, t.kind)
	}
	t.defends = aboutAttacks(t)
	return t
}

// maxJoined bounds what is joined to one line.
const maxJoined = 4 << 10

// codeLines joins what a backslash or a pipe continues, and marks comments.
func (c *scanner) codeLines(content string, k kind) []line {
	var (
		list  []line
		n     int
		block string // what ends a block comment that is open
	)
	for raw := range strings.Lines(content) {
		n++
		s := strings.TrimRight(raw, "\r\n")
		trimmed := strings.TrimSpace(s)
		if last := len(list) - 1; k&(shell|config) != 0 && last >= 0 && continues(list[last].text, trimmed) {
			list[last] = c.line(list[last].n, strings.TrimSuffix(strings.TrimRight(list[last].text, " \t"), `\`)+" "+trimmed)
			continue
		}
		if len(s) > maxLine {
			list = append(list, c.pieces(n, s)...)
			continue
		}
		l := c.line(n, s)
		l.comment, block = commented(trimmed, k, block)
		l.defends = l.defends || k&code != 0 && looksFor(l)
		list = append(list, l)
	}
	return list
}

func continues(before, next string) bool {
	if len(before)+len(next) > maxJoined || strings.HasPrefix(strings.TrimSpace(before), "#") {
		return false
	}
	return strings.HasSuffix(strings.TrimRight(before, " \t"), `\`) || strings.HasPrefix(next, "| ") || strings.HasSuffix(strings.TrimRight(before, " \t"), " |")
}

// commented says whether a line is only a comment, and what ends the block that
// it leaves open.
func commented(s string, k kind, block string) (comment bool, open string) {
	if block != "" {
		if strings.Contains(s, block) {
			return true, ""
		}
		return true, block
	}
	switch {
	case k&(shell|python) != 0 && strings.HasPrefix(s, "#"), k == shell && strings.HasPrefix(strings.ToLower(s), "rem "):
		return true, ""
	case k == config && strings.HasPrefix(s, "#"):
		return true, ""
	case k == script && strings.HasPrefix(s, "//"):
		return true, ""
	case k == script && strings.HasPrefix(s, "/*"):
		if strings.Contains(s, "*/") {
			return strings.HasSuffix(s, "*/"), ""
		}
		return true, "*/"
	case k == python && (strings.HasPrefix(s, `"""`) || strings.HasPrefix(s, "'''")):
		if strings.Count(s, s[:3]) > 1 {
			return strings.HasSuffix(s, s[:3]), ""
		}
		return true, s[:3]
	}
	return false, ""
}

// Bounds of what is matched at once. Pieces overlap, so that nothing is cut in
// two.
const (
	maxLine = 8 << 10
	overlap = 512
)

func (c *scanner) pieces(n int, s string) (list []line) {
	for from := 0; from < len(s); from += maxLine - overlap {
		l := c.line(n, s[from:min(from+maxLine, len(s))])
		l.piece = true
		list = append(list, l)
	}
	return list
}

func (c *scanner) line(n int, s string) line {
	return line{n: n, text: s, found: c.rules.words.find(s)}
}

// markdownLines marks code blocks, HTML comments and what warns of its own
// content: a line by its words, and a section by its heading.
func (c *scanner) markdownLines(content string) []line {
	var (
		list    []line
		fence   string
		comment bool
		section bool
		n       int
		// introduced: the line of prose above warns of the block that follows it.
		introduced bool
	)
	for raw := range strings.Lines(content) {
		n++
		s := strings.TrimRight(raw, "\r\n")
		trimmed := strings.TrimSpace(s)
		if last := len(list) - 1; fence != "" && last >= 0 && list[last].fence && continues(list[last].text, trimmed) {
			joined := c.line(list[last].n, strings.TrimSuffix(strings.TrimRight(list[last].text, " \t"), `\`)+" "+trimmed)
			joined.fence, joined.comment, joined.defends = true, list[last].comment, list[last].defends
			list[last] = joined
			continue
		}
		if len(s) > maxLine {
			list = append(list, c.pieces(n, s)...)
			continue
		}
		l := c.line(n, s)
		switch {
		case fence != "" && strings.HasPrefix(trimmed, fence):
			fence = ""
			continue
		case fence == "" && !comment && (strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~")):
			fence = trimmed[:3]
			continue
		case fence != "":
			l.fence = true
		case strings.HasPrefix(trimmed, "#"):
			section = warns(l)
		}
		if fence == "" {
			l.comment, comment = inHTMLComment(s, comment)
		}
		l.defends = section || warns(l) || introduced
		if trimmed != "" && !l.fence {
			introduced = strings.HasSuffix(trimmed, ":") && warns(l)
		}
		list = append(list, l)
	}
	return list
}

// inHTMLComment says whether a line has a part in a comment, and whether it
// leaves one open.
func inHTMLComment(s string, open bool) (in, still bool) {
	in = open
	for {
		mark := "<!--"
		if open {
			mark = "-->"
		}
		i := strings.Index(s, mark)
		if i < 0 {
			return in, open
		}
		s, open = s[i+len(mark):], !open
		in = true
	}
}
