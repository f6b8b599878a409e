package claudecode

import (
	"encoding/json"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Bounds of one plugin's folders.
const (
	maxRows    = 5_000
	maxVisited = 50_000
	maxDeep    = 16
)

// Details is the client's own figure of what a plugin costs. It misses some
// components, by rules that are followed here: nested commands and agents,
// commands given as single files or as a map, agents that the manifest lists,
// and the servers of plugin.json.
type Details struct {
	Cost plugpack.Cost
	Rows []Row
}

// Row is one skill, command or agent that the client counts.
type Row struct {
	Kind  plugpack.ComponentKind // Skill for commands too, as the client has it
	Name  string
	Path  string // of its file, in the plugin
	Units int    // always there
	Body  int    // units when it is used
}

// AlwaysOn gives the row's tokens in every session.
func (r Row) AlwaysOn() int { return Tokens(r.Units) }

// OnUse gives the row's tokens when it is used.
func (r Row) OnUse() int { return Tokens(r.Body) }

// Details reads the plugin as "plugin details" does. entry is the plugin's entry
// in its marketplace, or nil.
func (p *Profile) Details(plugin fs.FS, entryName string, entry json.RawMessage) Details {
	own, _ := manifestOf(plugin)
	d := &details{profile: p, fsys: plugin, manifest: own, plugin: entryName}
	if name, ok := own["name"].(string); ok {
		d.plugin = name
	}
	d.commands()
	d.skills()
	d.agents()
	total, use := 0, 0
	for _, r := range d.rows {
		total, use = total+r.Units, use+r.OnUse()
		if r.Kind == plugpack.Agent {
			d.cost.Agents++
		} else {
			d.cost.Skills++
		}
	}
	d.cost.AlwaysOn, d.cost.OnUse = Tokens(total), use
	e := decodeObject(entry)
	d.cost.Hooks, d.cost.MCP, d.cost.LSP = d.hookEvents(e), d.mcp(e), d.lsp(e)
	return Details{Cost: d.cost, Rows: d.rows}
}

// manifestOf gives plugin.json where it is an object.
func manifestOf(plugin fs.FS) (object, bool) {
	b, err := read(plugin, manifestFile, maxFile)
	if err != nil {
		return nil, false
	}
	o := decodeObject(b)
	return o, o != nil
}

type details struct {
	profile  *Profile
	fsys     fs.FS
	manifest object
	plugin   string
	rows     []Row
	cost     plugpack.Cost
}

// local turns a manifest's path into one in the plugin. For the client all that
// begins with two dots leads out of it.
func local(p string) string {
	if p = path.Join(".", p); strings.HasPrefix(p, "..") {
		return ".."
	}
	return p
}

// texts gives a text or the texts of a list.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

func (d *details) commands() {
	v, set := d.manifest["commands"]
	if !set {
		d.markdown("commands", plugpack.Command)
		return
	}
	paths := texts(v)
	for _, name := range sortedKeys(asObject(v)) {
		paths = append(paths, texts(asObject(asObject(v)[name])["source"])...)
	}
	for _, p := range paths {
		d.markdown(local(p), plugpack.Command)
	}
}

// markdown counts the .md files right in dir.
func (d *details) markdown(dir string, kind plugpack.ComponentKind) {
	if !isDir(d.fsys, dir) {
		return
	}
	entries, _ := fs.ReadDir(d.fsys, dir)
	for _, e := range entries {
		name, isMarkdown := strings.CutSuffix(e.Name(), ".md")
		if file := path.Join(dir, e.Name()); isMarkdown && isFile(d.fsys, file) {
			d.add(kind, file, func(FrontMatter) string { return name })
		}
	}
}

func (d *details) skills() {
	d.skillFolder("skills")
	for _, p := range texts(d.manifest["skills"]) {
		if dir := local(p); dir != "skills" {
			d.skillFolder(dir)
		}
	}
	if _, set := d.manifest["skills"]; !set && !isDir(d.fsys, "skills") {
		d.add(plugpack.Skill, skillFile, named(d.plugin))
	}
}

// named gives the front matter's own name, else the other.
func named(other string) func(FrontMatter) string {
	return func(fm FrontMatter) string {
		if own, ok := fm.Fields["name"].(string); ok && own != "" {
			return own
		}
		return other
	}
}

const skillFile = "SKILL.md"

// skillFolder counts dir as the skill that it is, or those right in it.
func (d *details) skillFolder(dir string) {
	if d.add(plugpack.Skill, path.Join(dir, skillFile), named(path.Base(dir))) || !isDir(d.fsys, dir) {
		return
	}
	entries, _ := fs.ReadDir(d.fsys, dir)
	for _, e := range entries {
		d.add(plugpack.Skill, path.Join(dir, e.Name(), skillFile), func(FrontMatter) string { return e.Name() })
	}
}

func (d *details) agents() {
	if _, set := d.manifest["agents"]; !set {
		d.markdown("agents", plugpack.Agent)
	}
}

// add says whether there is such a file.
func (d *details) add(kind plugpack.ComponentKind, file string, name func(FrontMatter) string) bool {
	text, ok := readText(d.fsys, file)
	if !ok || len(d.rows) >= maxRows {
		return false
	}
	fm, body := ReadFrontMatter(text)
	label := name(fm)
	d.rows = append(d.rows, Row{
		Kind: kind, Name: label, Path: file, Units: ListingUnits(kind, d.plugin, label, fm, body), Body: BodyUnits(body),
	})
	return true
}

// readText reads the first MiB of a file as text.
func readText(fsys fs.FS, file string) ([]byte, bool) {
	if !isFile(fsys, file) {
		return nil, false
	}
	f, err := fsys.Open(file)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	return []byte(validText(b)), err == nil
}

// hookEvents counts the events that something happens on. A fault in a file
// loses all of its hooks.
func (d *details) hookEvents(entry object) int {
	events := map[string]bool{}
	take := func(m object) {
		for event := range m {
			events[event] = true
		}
	}
	for _, p := range append([]string{hooksFile}, texts(d.manifest["hooks"])...) {
		if file := local(p); len(d.profile.checkHooks(d.fsys, file)) == 0 {
			take(fileObject(d.fsys, file, "hooks"))
		}
	}
	for _, m := range append(objects(d.manifest["hooks"]), objects(entry["hooks"])...) {
		take(m)
	}
	return len(events)
}

func (d *details) mcp(entry object) int {
	names := map[string]bool{}
	file, _ := read(d.fsys, mcpFile, maxFile)
	o := decodeObject(file)
	if wrapped, ok := o["mcpServers"].(object); ok {
		o = wrapped
	}
	for _, m := range append(objects(entry["mcpServers"]), o) {
		for name := range m {
			names[name] = true
		}
	}
	return len(names)
}

func (d *details) lsp(entry object) int {
	names := map[string]bool{}
	file, _ := read(d.fsys, lspFile, maxFile)
	for _, m := range slices.Concat([]object{decodeObject(file)}, objects(d.manifest["lspServers"]), objects(entry["lspServers"])) {
		for name := range m {
			names[name] = true
		}
	}
	return len(names)
}

const (
	hooksFile = "hooks/hooks.json"
	mcpFile   = ".mcp.json"
	lspFile   = ".lsp.json"
)

// objects gives an object or the objects of a list.
func objects(v any) []object {
	if o, ok := v.(object); ok {
		return []object{o}
	}
	l, _ := v.([]any)
	var all []object
	for _, item := range l {
		if o, ok := item.(object); ok {
			all = append(all, o)
		}
	}
	return all
}

func asObject(v any) object {
	o, _ := v.(object)
	return o
}

// fileObject gives the object at key in a JSON file.
func fileObject(fsys fs.FS, file, key string) object {
	b, err := read(fsys, file, maxFile)
	if err != nil {
		return nil
	}
	return asObject(decodeObject(b)[key])
}

// sortedNames lists a folder's names.
func sortedNames(fsys fs.FS, dir string) []string {
	entries, _ := fs.ReadDir(fsys, dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}
