package marketplace

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// manifestFile is where a plugin's own manifest is.
const manifestFile = ".claude-plugin/plugin.json"

// readPlugin gives all that the entry and, for a plugin of this repository,
// its files tell.
func readPlugin(in Input, e entry, w *work) plugpack.Facts {
	source, problem := readSource(e.fields["source"])
	if p := firstProblem(e.fields, entryFields); problem == "" && p != "" {
		problem = "the client cannot use the entry: " + p
	}
	switch {
	case problem != "":
		return unread(in, e, source, plugpack.StateUnsupported, problem)
	case source.Kind != plugpack.SourceRelative:
		return unread(in, e, source, plugpack.StateNotReadYet, "its files are not in this repository")
	}
	dir := path.Clean(source.Path)
	info, err := fs.Stat(in.FS, dir)
	if err != nil || !info.IsDir() {
		return unread(in, e, source, plugpack.StateMissing, "the repository has no folder "+short(dir))
	}
	folder, err := fs.Sub(in.FS, dir)
	if err != nil {
		return unread(in, e, source, plugpack.StateMissing, "the repository has no folder "+short(dir))
	}
	own, problem := readManifest(folder, w)
	if problem == "" && own != nil && e.fields["strict"] == false && declaresComponents(e.fields) {
		problem = "both its entry, which is not strict, and its plugin.json declare components, so the client does not load it"
	}
	if problem != "" {
		f := unread(in, e, source, plugpack.StateBroken, problem)
		f.Commit, f.Digest = in.Commit, w.digest(in, dir)
		return f
	}
	f := facts(in, e, own, source)
	f.State, f.Commit, f.Digest = plugpack.StateRead, in.Commit, w.digest(in, dir)
	f.Components = components(folder, combine(e.fields, own, dir == "."), w)
	f = shrink(f)
	w.facts += size(f)
	switch {
	case w.reads > maxReads:
		f.State, f.StateReason = plugpack.StateBroken, "its files "+tooManyFiles
	case w.facts > maxAllFacts:
		f.State, f.StateReason, f.Components = plugpack.StateBroken, "its files "+tooMuchText, nil
	}
	return f
}

func unread(in Input, e entry, source plugpack.Source, state plugpack.State, reason string) plugpack.Facts {
	f := facts(in, e, nil, source)
	f.State, f.StateReason = state, short(reason)
	return f
}

// readManifest gives nil when the plugin has none: the entry is enough.
func readManifest(folder fs.FS, w *work) (object, string) {
	b, err := w.read(folder, manifestFile)
	if errors.Is(err, errNoFile) {
		return nil, ""
	}
	if err != nil {
		return nil, manifestFile + " " + err.Error()
	}
	o, err := decodeObject(b)
	if err != nil {
		return nil, manifestFile + " " + err.Error()
	}
	if s, ok := o["name"].(string); !ok || s == "" || strings.Contains(s, " ") {
		return nil, manifestFile + " has no name, or one with a blank"
	}
	if problem := firstProblem(o, manifestFields); problem != "" {
		return nil, manifestFile + " has a bad field: " + problem
	}
	return o, ""
}

// facts reads what is shown of a plugin. The entry wins in what listings show,
// the plugin's own manifest in its version.
func facts(in Input, e entry, own object, source plugpack.Source) plugpack.Facts {
	shown := func(field string) string { return firstFilled(text(e.fields[field]), text(own[field])) }
	author := person(e.fields["author"])
	if author.Name == "" {
		author = person(own["author"])
	}
	return plugpack.Facts{
		DisplayName: name(shown("displayName")),
		Description: description(shown("description")),
		Version:     short(firstFilled(text(own["version"]), text(e.fields["version"]))),
		Author:      author,
		Homepage:    webAddress(shown("homepage")),
		Repository:  short(withoutPassword(shown("repository"))),
		License:     short(shown("license")),
		Category:    name(text(e.fields["category"])),
		Keywords:    keywords(e.fields["keywords"], e.fields["tags"], own["keywords"]),
		Source:      source,
		Origin:      origin(in.Key, source),
	}
}

func keywords(lists ...any) []string {
	var words []string
	seen := map[string]bool{}
	for _, l := range lists {
		items, _ := l.([]any)
		for _, item := range items {
			w := name(text(item))
			if key := strings.ToLower(w); w != "" && !seen[key] && len(words) < plugpack.MaxKeywords {
				seen[key] = true
				words = append(words, w)
			}
		}
	}
	return words
}

// appended are the fields whose lists the entry may add to, and whose presence
// makes an entry that is not strict conflict with plugin.json.
var appended = []string{"commands", "agents", "skills", "outputStyles", "themes"}

func declaresComponents(entry object) bool {
	return slices.ContainsFunc(append([]string{"hooks"}, appended...), func(f string) bool {
		_, ok := entry[f]
		return ok
	})
}

// declared is what the two manifests together say of components.
type declared struct {
	commands, agents, skills, hooks, mcp, lsp []any
	// commandsSet and agentsSet: the default folder counts no more.
	commandsSet, agentsSet, skillsSet bool
	// onlySkills: the entry chose a part of a repository that is the plugin.
	onlySkills bool
}

func combine(entry, own object, isRoot bool) declared {
	d := declared{}
	manifests := []object{own, entry}
	if own == nil {
		manifests = []object{entry}
	}
	for _, m := range manifests {
		d.commands = append(d.commands, items(m, "commands", &d.commandsSet)...)
		d.agents = append(d.agents, items(m, "agents", &d.agentsSet)...)
		d.skills = append(d.skills, items(m, "skills", &d.skillsSet)...)
	}
	_, chosen := entry["skills"]
	d.onlySkills = isRoot && chosen
	d.hooks = items(manifests[0], "hooks", nil)
	// A plugin.json hides the entry's servers, but the entry's hooks replace
	// its own, event by event.
	d.mcp, d.lsp = items(manifests[0], "mcpServers", nil), items(manifests[0], "lspServers", nil)
	if own != nil {
		if inline, ok := entry["hooks"].(object); ok {
			d.hooks = append(d.hooks, inline)
		}
	}
	return d
}

// items gives a field's value as a list of one or more.
func items(m object, field string, set *bool) []any {
	v, ok := m[field]
	if !ok {
		return nil
	}
	if set != nil {
		*set = true
	}
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// maxFacts bounds the JSON of one plugin's facts, so that it fits an event.
const maxFacts = 768 << 10

// shrink shortens the components' texts until the facts fit.
func shrink(f plugpack.Facts) plugpack.Facts {
	for _, n := range []int{plugpack.MaxDescription, 1024, 256, 0} {
		for i := range f.Components {
			if n == 0 {
				f.Components[i].Description = ""
			} else {
				f.Components[i].Description = plugpack.Cut(f.Components[i].Description, n)
			}
		}
		if size(f) <= maxFacts {
			return f
		}
	}
	for size(f) > maxFacts && len(f.Components) > 0 {
		f.Components = f.Components[:len(f.Components)/2]
	}
	return f
}

// size gives the bytes of f as JSON, which has no value that cannot be encoded.
func size(f plugpack.Facts) int {
	b, _ := json.Marshal(f)
	return len(b)
}

// mergeHooks lays the maps over each other; a later event replaces.
func mergeHooks(ms []object) object {
	all := object{}
	for _, m := range ms {
		maps.Copy(all, m)
	}
	return all
}
