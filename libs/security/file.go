package security

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

var (
	ruleLink      = Rule{"file.link-out", 1, strangeFile, high, high, "A link leads out of the plugin, to a file of whoever installs it.", "Put the file itself into the plugin."}
	ruleSubmodule = Rule{"file.submodule", 1, strangeFile, medium, high, "A folder is a submodule: what is in it is another repository's and was not looked at.", "Put the files into the plugin."}
	ruleBinary    = Rule{"file.binary", 1, strangeFile, medium, high, "It brings a compiled program, which nobody can read.", "Ship the source, or have the user install the program from its maker."}
	rulePacked    = Rule{"file.packed-binary", 1, strangeFile, high, high, "An archive in it holds a compiled program.", "Ship the source, or have the user install the program from its maker."}
	ruleArchive   = Rule{"file.archive", 1, strangeFile, low, medium, "It brings an archive, whose content is not seen in a review.", "Ship the files themselves."}
	ruleMinified  = Rule{"file.minified", 1, hidesCode, low, medium, "A script is written for machines only (minified or bundled), so that it cannot be reviewed.", "Ship the source beside it and say how it was built."}
	ruleBlob      = Rule{"file.encoded-blob", 1, hidesCode, medium, medium, "A script carries a large block of encoded data.", "Ship the data as a file of its own kind."}
	ruleCase      = Rule{"file.same-name", 1, strangeFile, medium, high, "Two files differ only in letter case or form, so that on many machines one replaces the other.", "Rename one of them."}
	ruleAlike     = Rule{"file.lookalike-name", 1, strangeFile, high, high, "A file's name mixes alphabets, so that it looks like another name.", "Write the name in one alphabet."}
	ruleHidden    = Rule{"file.hidden-name", 1, strangeFile, high, high, "A file's name holds invisible characters or such that turn the direction of text.", "Rename the file."}
	ruleInstall   = Rule{"file.install-script", 1, runsRemote, medium, high, "Its package.json has a script that runs by itself when the package is installed.", "Do the work when it is asked for."}
	fileRules     = []Rule{ruleLink, ruleSubmodule, ruleBinary, rulePacked, ruleArchive, ruleMinified, ruleBlob, ruleCase, ruleAlike, ruleHidden, ruleInstall}
)

// names looks at what the files are called.
func (c *scanner) names() {
	folded := map[string]string{}
	for _, f := range c.in.Files {
		if hidden := strings.IndexFunc(f.Path, isHidden); hidden >= 0 {
			c.add(ruleHidden, high, f.Path, 0, ruleHidden.Message, "")
		}
		if alike(f.Path) {
			c.add(ruleAlike, high, f.Path, 0, ruleAlike.Message, "")
		}
		key := strings.ToLower(norm.NFKC.String(f.Path))
		if first, ok := folded[key]; ok {
			c.add(ruleCase, high, f.Path, 0, fmt.Sprintf("%s (The other is %s.)", ruleCase.Message, shown(first)), "")
		}
		folded[key] = f.Path
	}
}

func isHidden(r rune) bool {
	return r != 0x200D && r >= utf8.RuneSelf && unicode.In(r, unicode.Cf, unicode.Cc) || r >= 0xE0000 && r <= 0xE0FFF
}

// file looks at one entry of the tree.
func (c *scanner) file(f File) {
	switch f.Mode {
	case modeLink:
		c.link(f)
		return
	case modeSubmodule:
		c.add(ruleSubmodule, high, f.Path, 0, ruleSubmodule.Message, "")
		c.skip(f.Path, "is a submodule")
		return
	}
	if c.files >= maxFiles || c.bytes >= maxTotal {
		c.skip(f.Path, "comes after the limit of files that are looked at")
		return
	}
	head, err := c.head(f)
	if err != nil {
		c.skip(f.Path, "cannot be read")
		return
	}
	c.files++
	c.bytes += int64(len(head))
	if what := magic(head); what != "" {
		c.binary(f, what)
		return
	}
	if f.Size > maxText {
		c.skip(f.Path, fmt.Sprintf("is larger than %d MiB", maxText>>20))
	}
	if isText(head) {
		c.text(f.Path, strings.ToValidUTF8(string(head), "\uFFFD"))
	}
}

// head reads the file as far as texts are read.
func (c *scanner) head(f File) ([]byte, error) {
	// Asked before it is opened: opening a pipe in a local folder would hang.
	info, err := fs.Stat(c.in.FS, f.Path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	file, err := c.in.FS.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, min(maxText, maxTotal-c.bytes)))
}

// isText says whether a file's bytes are text: one of another kind has zeros
// near its beginning. UTF-16 is text of which rules see only what is ASCII.
func isText(b []byte) bool {
	return !strings.Contains(string(b[:min(len(b), 8<<10)]), "\x00")
}

func (c *scanner) text(at, content string) {
	t := c.read(at, content)
	c.match(t)
	c.invisible(t, content)
	c.reviewable(t)
	if path.Base(at) == "package.json" {
		c.installScripts(t, content)
	}
}

// link reports links that leave the plugin. One that stays in the repository
// is lost when the plugin is installed, one that leaves it reaches the user's
// own files.
func (c *scanner) link(f File) {
	c.files++
	target, err := f.Link, error(nil)
	if target == "" {
		target, err = fs.ReadLink(c.in.FS, f.Path)
	}
	if err != nil {
		c.add(ruleLink, medium, f.Path, 0, "A link could not be kept, as one that leads out of the repository.", "")
		c.skip(f.Path, "is a link that was left out")
		return
	}
	inPlugin := path.Join(path.Dir(f.Path), target)
	inRepository := path.Join(c.in.Dir, inPlugin)
	switch {
	case path.IsAbs(target) || leaves(inRepository) || strings.HasPrefix(target, `\`) || strings.Contains(target, `:\`):
		c.add(ruleLink, high, f.Path, 0, ruleLink.Message, "→ "+target)
	case leaves(inPlugin):
		c.add(ruleLink, low, f.Path, 0, "A link leads out of the plugin, to another place of its repository.", "→ "+target)
	}
}

func leaves(p string) bool { return p == ".." || strings.HasPrefix(p, "../") }

// reviewable reports scripts that nobody can read.
func (c *scanner) reviewable(t *text) {
	if t.kind&code == 0 || t.fixture || strings.Contains(path.Base(t.path), ".d.") {
		return
	}
	long, longest, at := 0, 0, 0
	for _, l := range t.lines {
		if len(l.text) > longest {
			longest, at = len(l.text), l.n
		}
		if len(l.text) > 500 {
			long += len(l.text)
		}
		if len(l.text) < minBlob {
			continue
		}
		if blob := encoded.FindString(l.text); blob != "" && entropy(blob) > 4 {
			c.add(ruleBlob, medium, t.path, l.n, fmt.Sprintf("%s (%d characters.)", ruleBlob.Message, len(blob)), "")
			return
		}
	}
	if longest > 1000 && long*2 > t.size && t.size > 2<<10 {
		c.add(ruleMinified, medium, t.path, at, ruleMinified.Message, "")
	}
}

// minBlob is the shortest line that is asked for a block of encoded data.
const minBlob = 1000

var encoded = re(`[A-Za-z0-9+/]{1000,}={0,2}|(\\x[0-9a-fA-F]{2}){250,}`)
