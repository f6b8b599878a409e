package marketplace

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// manifestFile is where a plugin's own manifest is.
const manifestFile = ".claude-plugin/plugin.json"

// readPlugin gives all that the entry and, where they can be had, its files
// tell.
func readPlugin(in Input, e entry, open Opener, w *work) plugpack.Facts {
	switch {
	case e.problem != "":
		return unread(in, e, plugpack.StateUnsupported, e.problem, w)
	case e.isExternal():
		return readExternal(in, e, open, w)
	}
	dir := path.Clean(e.source.Path)
	info, err := fs.Stat(in.FS, dir)
	if err != nil || !info.IsDir() {
		return missing(in, e, "the repository has no folder "+short(dir), w)
	}
	folder, err := fs.Sub(in.FS, dir)
	if err != nil {
		return missing(in, e, "the repository has no folder "+short(dir), w)
	}
	return readFolder(in, e, in, dir, folder, w)
}

// readExternal reads a plugin whose files are elsewhere.
func readExternal(in Input, e entry, open Opener, w *work) plugpack.Facts {
	if open == nil {
		return unread(in, e, plugpack.StateNotReadYet, "its files are not in this repository", w)
	}
	if w.reads > maxReads {
		return unread(in, e, plugpack.StateBroken, "its files "+tooManyFiles, w)
	}
	files, err := open(e.external)
	if err != nil {
		state, reason := stateOf(err), errs.Detail(err)
		switch state {
		case plugpack.StateMissing:
			return missing(in, e, reason, w)
		case plugpack.StateNotReadYet:
			reason += "; it will be tried again"
		}
		return unread(in, e, state, reason, w)
	}
	defer files.Close()
	return readFolder(in, e, files.Input, ".", files.FS, w)
}

func missing(in Input, e entry, reason string, w *work) plugpack.Facts {
	f := unread(in, e, plugpack.StateMissing, reason, w)
	no := false
	f.Verdicts.Installs, f.Verdicts.InstallReason, f.Verdicts.Load = &no, f.StateReason, plugpack.LoadNone
	return f
}

// readFolder reads a plugin whose files are in folder, which is dir of from:
// the marketplace's repository in, or the plugin's own.
func readFolder(in Input, e entry, from Input, dir string, folder fs.FS, w *work) plugpack.Facts {
	if w.reads > maxReads {
		return unread(in, e, plugpack.StateBroken, "its files "+tooManyFiles, w)
	}
	installed := e.client.Install(e.Raw, w.place(in.Key), folder, w.listed)
	own := ownManifest(folder, w)
	f := facts(in, e, own)
	checked := w.check(e, folder, dir)
	f.Verdicts = verdicts(e, installed, &checked)
	f.State, f.Commit, f.Digest = plugpack.StateRead, from.Commit, w.digest(e, from, dir)
	root := resolve(from.FS, dir)
	f.Files, f.Bytes = from.Tree.Size(root)
	f.Scripts = from.Tree.Scripts(root)
	f.Documents = documents(from, dir, folder, f.License, w)
	if broken := manifestFault(installed, own, e); broken != "" {
		f.State, f.StateReason = plugpack.StateBroken, short(broken)
		f.Quality = w.assess(e, own, from, dir, f)
		return f
	}
	d := combine(e.fields, own, dir == "." && !e.isExternal())
	var (
		units int
		env   []string
	)
	f.Components, units, env = components(folder, d, firstFilled(text(own["name"]), e.Name), w)
	f.Requirements = requirements(f.Components, env, own, e.fields)
	f.Requirements.Runtimes = distinct(append(f.Requirements.Runtimes, scriptRuntimes(folder, f.Components, w)...))
	detail := e.client.Details(folder, e.Name, e.Raw)
	w.reads += len(detail.Rows)
	f.Costs = costs(detail, f.Components, units)
	f.Security = w.scan(e, from, folder, dir, f.Components)
	report := w.assess(e, own, from, dir, f)
	if w.facts > maxAllFacts/2 {
		f.Documents = withoutTexts(f.Documents)
	}
	f = shrink(f)
	w.facts += size(f)
	switch {
	case w.reads > maxReads:
		f.State, f.StateReason = plugpack.StateBroken, "its files "+tooManyFiles
	case w.facts > maxAllFacts:
		f.State, f.StateReason, f.Components = plugpack.StateBroken, "its files "+tooMuchText, nil
	default:
		f.Quality = report
	}
	return f
}

// manifestFault says why no client can use the plugin's own manifest: what
// keeps it from being installed is else a matter of the entry.
func manifestFault(in claudecode.Installed, own object, e entry) string {
	conflict := in.Load == plugpack.LoadNone && in.Installs && e.fields["strict"] == false && own != nil
	if !in.Installs && strings.HasPrefix(in.Reason, "Its plugin.json") || conflict {
		return in.Reason
	}
	return ""
}

func unread(in Input, e entry, state plugpack.State, reason string, w *work) plugpack.Facts {
	f := facts(in, e, nil)
	f.Verdicts = verdicts(e, e.client.Install(e.Raw, w.place(in.Key), nil, w.listed), nil)
	f.State, f.StateReason = state, short(reason)
	return f
}

// ownManifest gives nil when the plugin has none that is JSON: the entry is
// enough.
func ownManifest(folder fs.FS, w *work) object {
	b, err := w.read(folder, manifestFile)
	if err != nil {
		return nil
	}
	o, _ := claudecode.DecodeObject(b)
	return o
}

// facts reads what is shown of a plugin. The entry wins in what listings show,
// the plugin's own manifest in its version.
func facts(in Input, e entry, own object) plugpack.Facts {
	shown := func(field string) string { return firstFilled(text(e.fields[field]), text(own[field])) }
	author := person(e.fields["author"])
	if author.Name == "" {
		author = person(own["author"])
	}
	f := plugpack.Facts{
		DisplayName: name(shown("displayName")),
		Description: description(shown("description")),
		Version:     short(firstFilled(text(own["version"]), text(e.fields["version"]))),
		Author:      author,
		Homepage:    webAddress(shown("homepage")),
		Repository:  short(withoutPassword(shown("repository"))),
		License:     short(shown("license")),
		Keywords:    keywords(e.fields["keywords"], e.fields["tags"], own["keywords"]),
		Source:      e.source,
		Origin:      origin(in.Key, e.source),
		Declared:    declaredBy(e.fields),
	}
	f.Category, f.Categorised = plugpack.Categorise(name(text(e.fields["category"])), e.Name, f.Keywords, f.Description)
	return f
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

// declared is what the two manifests together say of components.
type declared struct {
	commands, agents, skills, hooks, mcp, lsp []any
	styles, workflows, themes, monitors       []any
	settings                                  object
	// commandsSet and the like: the default folder counts no more.
	commandsSet, agentsSet, skillsSet               bool
	stylesSet, workflowsSet, themesSet, monitorsSet bool
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
		d.others(m)
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

// shrink drops the documents' texts and shortens the components' until the facts
// fit.
func shrink(f plugpack.Facts) plugpack.Facts {
	if size(f) > maxFacts {
		f.Documents = withoutTexts(f.Documents)
	}
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
