// Package marketplace reads marketplace.json and the plugins of its repository
// into PlugPack's nouns. It is pure: its input is an fs.FS, and the same input
// gives the same output.
//
// It is as tolerant as the real client, and as strict: what makes the client
// refuse a whole file is a Rejected error, an entry that the client drops is
// listed as skipped with the reason, and one that it lists but cannot install
// is listed as unsupported. Manifests come from strangers: every read, every
// text and every count is bounded, and nothing panics on bad input.
package marketplace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"runtime/debug"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// ReaderVersion is counted up whenever the same files are read differently, so
// that marketplaces that have not changed are read again.
const ReaderVersion = 1

// File is where a marketplace's list is.
const File = ".claude-plugin/marketplace.json"

// Bounds of the list; the entries together may be larger than one manifest.
const (
	maxList  = 16 << 20
	maxEntry = maxFile
)

// Rejected says why the client refuses a whole marketplace.
type Rejected struct {
	Reason string
	// Entries is how many the file has, 0 if that cannot be told.
	Entries int
}

// Error gives the reason as a sentence about the file.
func (r *Rejected) Error() string { return File + " " + r.Reason }

// Input is a repository to read.
type Input struct {
	FS     fs.FS
	Tree   Tree
	Key    plugpack.MarketplaceKey
	Commit string
}

// Content is what a repository lists.
type Content struct {
	Name        string
	Description string
	Version     string
	Owner       plugpack.Person
	Entries     int
	Names       []string // of Plugins, in the file's order
	Skipped     []plugpack.Skipped
	Renames     map[string]string

	in      Input
	entries []json.RawMessage // of Names
}

// Plugin is one entry with all that is known of it.
type Plugin struct {
	Name  string
	Facts plugpack.Facts
	// Bug is set when reading it tripped a bug of ours.
	Bug error
}

// work is what reading a marketplace's plugins has cost so far. Thousands of
// entries may name the same folder, so it is bounded over all of them.
type work struct {
	reads   int // files looked at; reading a large one counts more
	facts   int // bytes of JSON
	digests map[string]string
}

// Bounds of work. A plugin's facts are kept by every store, and at most
// maxFacts.
const (
	maxReads    = 500_000
	maxAllFacts = 64 << 20
)

func (w *work) read(fsys fs.FS, name string) ([]byte, error) {
	if w.reads++; w.reads > maxReads {
		return nil, errors.New(tooManyFiles)
	}
	b, err := readFile(fsys, name, maxFile)
	w.reads += len(b) >> 14
	return b, err
}

// Why a plugin's files are not read any more.
const (
	tooManyFiles = "cannot be read because the marketplace's plugins together have too many files"
	tooMuchText  = "cannot be read because the marketplace's plugins together have too much text"
)

func (w *work) digest(in Input, dir string) string {
	dir = resolve(in.FS, dir)
	d, ok := w.digests[dir]
	if !ok {
		d = in.Tree.Digest(dir)
		w.digests[dir] = d
	}
	return d
}

// Plugins reads one plugin after the other, so that only one is in memory.
func (c Content) Plugins() iter.Seq[Plugin] {
	return func(yield func(Plugin) bool) {
		w := &work{digests: map[string]string{}}
		for _, raw := range c.entries {
			e, _ := readEntryHead(raw)
			if !yield(readSafely(c.in, e, w)) {
				return
			}
		}
	}
}

// readSafely keeps a manifest that trips a bug from costing more than its own
// plugin.
func readSafely(in Input, e entry, w *work) (p Plugin) {
	defer func() {
		if r := recover(); r != nil {
			source, _ := unsupported("")
			f := plugpack.Facts{Source: source, State: plugpack.StateBroken, StateReason: "its files cannot be read because of an internal error"}
			p = Plugin{Name: e.name, Facts: f, Bug: fmt.Errorf("reading panicked: %v\n%s", r, debug.Stack())}
		}
	}()
	return Plugin{Name: e.name, Facts: readPlugin(in, e, w)}
}

// Read reads the repository's list.
func Read(in Input) (Content, error) {
	b, err := readFile(in.FS, File, maxList)
	if errors.Is(err, errNoFile) {
		return Content{}, &Rejected{Reason: "is not in the repository"}
	}
	if err != nil {
		return Content{}, &Rejected{Reason: err.Error()}
	}
	head, entries, err := readList(b)
	if err == nil && head != nil {
		err = checkHead(head, in.Key)
	}
	if err != nil {
		return Content{}, &Rejected{Reason: plugpack.Cut(plugpack.Clean(err.Error()), plugpack.MaxShort), Entries: len(entries)}
	}
	return readContent(in, head, entries), nil
}

func readContent(in Input, head object, entries []json.RawMessage) Content {
	metadata, _ := head["metadata"].(object)
	raw, _ := head["renames"].(json.RawMessage)
	c := Content{
		Name:        text(head["name"]),
		Description: description(firstFilled(text(head["description"]), text(metadata["description"]))),
		Version:     short(firstFilled(text(head["version"]), text(metadata["version"]))),
		Owner:       person(head["owner"]),
		Entries:     len(entries),
		Renames:     renames(raw),
		in:          in,
	}
	seen := map[string]bool{}
	for i, raw := range entries {
		e, problem := readEntryHead(raw)
		if problem == "" && seen[e.name] {
			problem = "an entry before it has the same name, and the client installs the first"
		}
		if problem != "" {
			c.Skipped = append(c.Skipped, plugpack.Skipped{Index: i, Name: name(e.name), Reason: problem})
			continue
		}
		seen[e.name] = true
		c.Names, c.entries = append(c.Names, e.name), append(c.entries, raw)
	}
	return c
}

func description(s string) string {
	return plugpack.Cut(plugpack.CleanText(s), plugpack.MaxDescription)
}

func firstFilled(texts ...string) string {
	for _, s := range texts {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}
