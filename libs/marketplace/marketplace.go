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
	"hash/crc32"
	"io/fs"
	"iter"
	"runtime/debug"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/quality"
	"github.com/plugpack/plugpack/libs/security"
)

// reader is counted up whenever the same files are read differently.
const reader = 9

// ReaderVersion changes with the reader and with the rules of security and
// quality, so that marketplaces that have not changed are read again.
var ReaderVersion = readerVersion(reader, security.Ruleset(), quality.Ruleset())

func readerVersion(reader int, rulesets ...string) int {
	return reader<<32 | int(crc32.ChecksumIEEE([]byte(strings.Join(rulesets, " "))))
}

// File is where a marketplace's list is.
const File = claudecode.MarketplaceFile

// maxList bounds the list; the entries together may be larger than one manifest.
const maxList = 16 << 20

// Rejected says why the client refuses a whole marketplace.
type Rejected struct {
	Reason string
	// Entries is how many the file has, 0 if that cannot be told.
	Entries int
}

// Error gives the reason as a sentence about the file.
func (r *Rejected) Error() string { return File + ": " + r.Reason }

// Input is a repository to read.
type Input struct {
	FS     fs.FS
	Tree   Tree
	Key    plugpack.MarketplaceKey
	Commit string
	// License is what the host says of the repository, as an SPDX id; "" if it
	// says nothing.
	License string
	// Client is the version of the client that judges; nil: the default.
	Client *claudecode.Profile
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
	entries []listed // of Names
}

// Plugin is one entry with all that is known of it.
type Plugin struct {
	Name  string
	Index int // in the Content's Names
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
	checked map[string]claudecode.Validation // by folder
	listed  func(name string) bool           // by the marketplace
	name    string                           // the marketplace's own
	scanned map[string]plugpack.Security     // by folder and components
	looked  int64                            // bytes that were scanned
	bug     error                            // that a scan tripped
	flows   map[string][]string              // paths of a repository's workflows
	texts   map[string][]byte                // and what is in them
}

func newWork(names []string) *work {
	listed := make(map[string]bool, len(names))
	for _, name := range names {
		listed[name] = true
	}
	return &work{
		digests: map[string]string{}, checked: map[string]claudecode.Validation{}, scanned: map[string]plugpack.Security{},
		flows: map[string][]string{}, texts: map[string][]byte{},
		listed: func(name string) bool { return listed[name] },
	}
}

// check gives the client's check of the plugin in dir, made once.
func (w *work) check(e entry, folder fs.FS, dir string) claudecode.Validation {
	at := e.client.Version + " " + e.folderID(dir)
	v, ok := w.checked[at]
	if !ok {
		v = e.client.Validate(folder, ".")
		w.checked[at] = v
	}
	return v
}

// folderID tells the folders of a repository and of all origins apart.
func (e entry) folderID(dir string) string {
	if e.isExternal() {
		return fmt.Sprintf("%q", e.external)
	}
	return dir
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

func (w *work) digest(e entry, from Input, dir string) string {
	dir = resolve(from.FS, dir)
	at := e.folderID(dir)
	d, ok := w.digests[at]
	if !ok {
		d = from.Tree.Digest(dir)
		w.digests[at] = d
	}
	return d
}

// Origins gives where the files are that are not in the repository, each place
// once.
func (c Content) Origins() []Origin {
	var list []Origin
	seen := map[Origin]bool{}
	for _, l := range c.entries {
		if o := decodeEntry(l, c.in.Key).external; o.Kind != "" && !seen[o] {
			seen[o], list = true, append(list, o)
		}
	}
	return list
}

// Plugins reads one plugin after the other, so that only one is in memory:
// those of the repository first, then those whose files open has to give. With
// open nil those are not read.
func (c Content) Plugins(open Opener) iter.Seq[Plugin] {
	return func(yield func(Plugin) bool) {
		w := newWork(c.Names)
		w.name = c.Name
		for _, external := range []bool{false, true} {
			for _, l := range c.entries {
				e := decodeEntry(l, c.in.Key)
				if e.isExternal() == external && !yield(readSafely(c.in, e, open, w)) {
					return
				}
			}
		}
	}
}

// readSafely keeps a manifest that trips a bug from costing more than its own
// plugin.
func readSafely(in Input, e entry, open Opener, w *work) (p Plugin) {
	defer func() {
		if r := recover(); r != nil {
			source, _ := unsupported("")
			f := plugpack.Facts{Source: source, State: plugpack.StateBroken, StateReason: "its files cannot be read because of an internal error"}
			p = Plugin{Name: e.Name, Index: e.index, Facts: f, Bug: fmt.Errorf("reading panicked: %v\n%s", r, debug.Stack())}
		}
	}()
	f := readPlugin(in, e, open, w)
	bug := w.bug
	w.bug = nil
	return Plugin{Name: e.Name, Index: e.index, Facts: security.RedactFacts(f), Bug: bug}
}

// Read reads the repository's list.
func Read(in Input) (Content, error) {
	b, err := readFile(in.FS, File, maxList)
	if errors.Is(err, errNoFile) {
		return Content{}, &Rejected{Reason: "There is no such file in the repository."}
	}
	if err != nil {
		return Content{}, &Rejected{Reason: "The file " + err.Error() + "."}
	}
	a := in.client().Add(b, place(in.Key))
	if reason := refused(a); reason != "" {
		return Content{}, &Rejected{Reason: short(reason), Entries: a.Total}
	}
	return readContent(in, a), nil
}

func readContent(in Input, a claudecode.Added) Content {
	metadata, _ := a.Head["metadata"].(object)
	c := Content{
		Name:        a.Name,
		Description: description(firstFilled(text(a.Head["description"]), text(metadata["description"]))),
		Version:     short(firstFilled(text(a.Head["version"]), text(metadata["version"]))),
		Owner:       person(a.Head["owner"]),
		Entries:     a.Total,
		Renames:     renames(a.Head["renames"]),
		in:          in,
	}
	seen := map[string]bool{}
	for _, e := range a.Entries {
		problem := skips(e)
		if problem == "" && seen[e.Name] {
			problem = "an entry before it has the same name, and the client installs the first"
		}
		if problem != "" {
			c.Skipped = append(c.Skipped, plugpack.Skipped{Index: e.Index, Name: name(e.Name), Reason: short(problem)})
			continue
		}
		seen[e.Name] = true
		c.entries = append(c.entries, judged(in.client(), e, a.Head, len(c.Names)))
		c.Names = append(c.Names, e.Name)
	}
	return c
}

// Folder gives the repository itself as the only plugin of a marketplace that
// needs no file, as for an author who looks at a plugin before it is listed.
func Folder(in Input, name string) Content {
	raw, _ := json.Marshal(map[string]string{"name": name, "source": "./"})
	e := claudecode.AddedEntry{Name: name, Result: plugpack.AddListed, Raw: raw}
	return Content{Name: "local", Entries: 1, Names: []string{name}, in: in, entries: []listed{{e, in.client(), 0}}}
}

func description(s string) string {
	return plugpack.Cut(security.Redact(plugpack.CleanText(s)), plugpack.MaxDescription)
}

func firstFilled(texts ...string) string {
	for _, s := range texts {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}
