package marketplace

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// others reads what a manifest says of the kinds that cost a session nothing.
// Themes and monitors may stand at the top or below "experimental".
func (d *declared) others(m object) {
	experimental, _ := m["experimental"].(object)
	d.styles = append(d.styles, items(m, "outputStyles", &d.stylesSet)...)
	d.workflows = append(d.workflows, items(m, "workflows", &d.workflowsSet)...)
	for _, at := range []object{m, experimental} {
		d.themes = append(d.themes, items(at, "themes", &d.themesSet)...)
		d.monitors = append(d.monitors, items(at, "monitors", &d.monitorsSet)...)
	}
	if settings, ok := m["settings"].(object); ok && d.settings == nil {
		d.settings = settings
	}
}

func (v *inventory) others(d declared) {
	v.folderOf(plugpack.OutputStyle, "output-styles", ".md", d.styles, d.stylesSet)
	v.folderOf(plugpack.Workflow, "workflows", ".js", d.workflows, d.workflowsSet)
	v.folderOf(plugpack.Theme, "themes", ".json", d.themes, d.themesSet)
	v.monitors(d)
	v.programs()
	v.settings(d)
}

// folderOf adds the files with the ending that are right in a folder, or at the
// paths that replace it.
func (v *inventory) folderOf(kind plugpack.ComponentKind, folder, ending string, declared []any, set bool) {
	if !set {
		declared = []any{"./" + folder}
	}
	for _, item := range declared {
		at := local(text(item))
		for _, file := range v.filesOf(at, ending) {
			v.addFile(kind, file, strings.TrimSuffix(path.Base(file), path.Ext(file)))
		}
	}
}

// filesOf gives the file at, or the files with the ending right in the folder.
func (v *inventory) filesOf(at, ending string) (files []string) {
	info, err := fs.Stat(v.folder, at)
	switch {
	case !fs.ValidPath(at) || err != nil || !v.visit():
		return nil
	case !info.IsDir():
		return []string{at}
	}
	entries, _ := fs.ReadDir(v.folder, at)
	for _, e := range entries {
		if v.visit() && !e.IsDir() && strings.EqualFold(path.Ext(e.Name()), ending) {
			files = append(files, path.Join(at, e.Name()))
		}
	}
	return files
}

// addFile adds a style, workflow or theme under the name that it gives itself.
func (v *inventory) addFile(kind plugpack.ComponentKind, file, label string) {
	switch kind {
	case plugpack.OutputStyle:
		head, body, ok := v.read(file)
		if ok && v.add(kind, firstFilled(head.Text("name"), label), head.Text("description"), file) {
			c := &v.list[len(v.list)-1]
			c.OnUse, c.Frontmatter = claudecode.Tokens(claudecode.BodyUnits(body)), kept(head)
		}
	case plugpack.Theme:
		o, ok := v.json(file)
		if ok {
			v.add(kind, firstFilled(text(o["name"]), label), text(o["base"]), file)
		}
	default:
		v.add(kind, label, "", file)
	}
}

const monitorsFile = "monitors/monitors.json"

// monitors are a list in the manifest or in a file; one fault loses them all.
func (v *inventory) monitors(d declared) {
	lists := map[string][]any{}
	if !d.monitorsSet {
		lists[monitorsFile] = v.jsonList(monitorsFile)
	}
	for _, item := range d.monitors {
		if file := text(item); file != "" {
			lists[local(file)] = v.jsonList(local(file))
		} else {
			lists[manifestFile] = append(lists[manifestFile], item)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(lists)) {
		for _, item := range lists[file] {
			m, _ := item.(object)
			if v.add(plugpack.Monitor, text(m["name"]), text(m["description"]), file) {
				v.list[len(v.list)-1].Handlers = handlers([]any{object{"hooks": []any{object{"type": "command", "command": m["command"]}}}})
				v.env = append(v.env, shellVariables([]any{object{"hooks": []any{m}}})...)
			}
		}
	}
}

func (v *inventory) jsonList(file string) (list []any) {
	b, ok := v.bytes(file)
	if !ok || json.Unmarshal(b, &list) != nil {
		return nil
	}
	return list
}

// programs are the files that the plugin puts on the path.
func (v *inventory) programs() {
	entries, _ := fs.ReadDir(v.folder, "bin")
	for _, e := range entries {
		if v.visit() && !e.IsDir() {
			v.add(plugpack.Bin, e.Name(), "", path.Join("bin", e.Name()))
		}
	}
}

const settingsFile = "settings.json"

// settings are those that the plugin brings; the client heeds few of them.
func (v *inventory) settings(d declared) {
	o, file := d.settings, manifestFile
	if fromFile, ok := v.json(settingsFile); ok {
		o, file = fromFile, settingsFile
	}
	for _, k := range sortedKeys(o) {
		about := "ignored by the client"
		if slices.Contains([]string{"agent", "subagentStatusLine"}, k) {
			about = text(o[k])
		}
		v.add(plugpack.Settings, k, about, file)
	}
}
