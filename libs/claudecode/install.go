package claudecode

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Installed is what install and the load after it make of a plugin.
type Installed struct {
	Installs bool
	Reason   string // why it does not install, or why nothing of it loads
	Load     plugpack.LoadResult
	Lost     []plugpack.Lost
}

// maxVersion is how long a version may be: it becomes a folder's name.
const maxVersion = 250

// Install says whether an entry of a marketplace installs and how it loads.
// plugin is nil where its files are not known; listed says which plugins the
// marketplace has, for dependencies.
func (p *Profile) Install(raw json.RawMessage, from Place, plugin fs.FS, listed func(name string) bool) Installed {
	entry := decodeObject(raw)
	if reason := p.refuses(entry, from, listed); reason != "" {
		return Installed{Reason: reason, Load: plugpack.LoadNone}
	}
	if plugin == nil {
		return Installed{Installs: true, Load: plugpack.LoadUnknown}
	}
	var own object
	if exists(plugin, manifestFile) {
		var reason string
		if own, reason = p.usable(plugin); reason != "" {
			return Installed{Reason: reason, Load: plugpack.LoadNone}
		}
	}
	if version := firstText(own["version"], entry["version"]); len(version) >= maxVersion {
		return Installed{Reason: "The version is too long for a folder's name; shorten it.", Load: plugpack.LoadNone}
	}
	return p.load(plugin, own, entry, from, listed)
}

func firstText(values ...any) string {
	for _, v := range values {
		if s, _ := v.(string); s != "" {
			return s
		}
	}
	return ""
}

// refuses says why the entry alone keeps the plugin from being installed.
func (p *Profile) refuses(entry object, from Place, listed func(string) bool) string {
	if found := p.entry("", entry); len(found) > 0 {
		return fmt.Sprintf("The client cannot use the entry: %s: %s", found[0].path, found[0].text)
	}
	if reason := SourceRefused(entry["source"], from); reason != "" {
		return reason
	}
	if name, _ := entry["name"].(string); strings.Contains(name, "@") {
		return `The name has an "@", which the client takes for the beginning of the marketplace's name; rename it.`
	}
	for _, d := range dependencies(entry["dependencies"]) {
		if from.has(d) && listed != nil && !listed(d.Name) {
			return fmt.Sprintf("It depends on %s, which the marketplace does not list.", d.Name)
		}
	}
	return ""
}

// has says whether a dependency is one on a plugin of the same marketplace.
func (p Place) has(d plugpack.Dependency) bool {
	return d.Marketplace == "" || d.Marketplace == p.Name
}

// dependencies reads a list of them.
func dependencies(v any) (list []plugpack.Dependency) {
	l, _ := v.([]any)
	for _, item := range l {
		switch item := item.(type) {
		case string:
			parts := strings.Split(item, "@")
			d := plugpack.Dependency{Name: parts[0]}
			for _, part := range parts[1:] {
				if strings.HasPrefix(part, "^") {
					d.Version = part
				} else {
					d.Marketplace = part
				}
			}
			list = append(list, d)
		case object:
			list = append(list, plugpack.Dependency{
				Name: firstText(item["name"]), Marketplace: firstText(item["marketplace"]), Version: firstText(item["version"]),
			})
		}
	}
	return list
}

// TakesHooks says whether the client takes hooks by event; one fault loses them
// all.
func (p *Profile) TakesHooks(m map[string]any) bool { return len(p.isHookMap("", m)) == 0 }

// TakesMCPServer says whether the client takes a server; a bad one is dropped.
func TakesMCPServer(server map[string]any) bool { return len(isMCPServer("", server)) == 0 }

// TakesLSPServer says the same of a language server.
func TakesLSPServer(server map[string]any) bool { return len(isLSPServer("", server)) == 0 }

// Dependencies reads a manifest's list of other plugins.
func Dependencies(v any) []plugpack.Dependency { return dependencies(v) }

var (
	repoText = regexp.MustCompile(`^[^/\s]+/[^/\s]+$`)
	scpText  = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^\s]+$`)
)

// SourceRefused gives the client's further checks of an entry's source, when its
// plugin is installed, as a sentence; "" if there is nothing to say.
func SourceRefused(v any, from Place) string {
	if s, ok := v.(string); ok {
		switch {
		case from.Kind == PlaceURL:
			return "Its source is a folder, and a marketplace that is added by its address has none; give a git address."
		case strings.HasPrefix(path.Clean(s)+"/", "../"):
			return "Its source leads out of the marketplace; give a folder inside it."
		}
		return ""
	}
	o := asObject(v)
	kind, address := firstText(o["source"]), firstText(o["url"])
	switch {
	case strings.HasPrefix(firstText(o["ref"]), "-"):
		return "Its ref begins with a hyphen; mend it."
	case kind == "github" && !repoText.MatchString(firstText(o["repo"])):
		return "Its repo is not owner/repo; mend it."
	case kind == "git-subdir" && strings.HasPrefix(firstText(o["path"]), "/"):
		return "Its path is absolute; give one inside the repository."
	case kind == "git-subdir" && strings.HasPrefix(path.Clean(firstText(o["path"]))+"/", "../"):
		return "Its path leads out of the repository; give one inside it."
	case kind == "url" && !clonable(address), kind == "git-subdir" && !clonable(address) && !repoText.MatchString(address):
		return "Its url is not an address that the client can clone; give one that begins with https://."
	}
	return ""
}

func clonable(s string) bool {
	if scpText.MatchString(s) {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && ((u.Scheme == "https" || u.Scheme == "http") && u.Host != "" || u.Scheme == "file")
}

// usable reads plugin.json, or says why the client cannot use it.
func (p *Profile) usable(plugin fs.FS) (object, string) {
	b, err := read(plugin, manifestFile, maxFile)
	if err != nil {
		return nil, "Its plugin.json " + err.Error() + "."
	}
	v, err := decode(b)
	if err != nil {
		return nil, "Its plugin.json " + err.Error() + "."
	}
	o, ok := v.(object)
	if !ok {
		return nil, "Its plugin.json is " + typeName(v) + "; make it an object."
	}
	if found := p.manifest(o); len(found) > 0 {
		return nil, fmt.Sprintf("Its plugin.json has a bad field %s: %s", found[0].path, found[0].text)
	}
	return o, ""
}

// claiming are the fields by which an entry that is not strict conflicts with
// plugin.json.
var claiming = []string{"commands", "agents", "skills", "hooks", "outputStyles", "themes"}

func (p *Profile) load(plugin fs.FS, own, entry object, from Place, listed func(string) bool) Installed {
	in := Installed{Installs: true, Load: plugpack.LoadWhole}
	conflict := own != nil && entry["strict"] == false && slices.ContainsFunc(claiming, func(k string) bool { _, ok := entry[k]; return ok })
	if conflict {
		in.Load, in.Reason = plugpack.LoadNone, "The entry is not strict and declares components, and plugin.json is there too; remove one of them."
		return in
	}
	for _, d := range dependencies(own["dependencies"]) {
		if !from.has(d) || listed == nil || !listed(d.Name) {
			in.Load, in.Reason = plugpack.LoadNone, fmt.Sprintf("It depends on %s, which is not installed with it.", d.Name)
			return in
		}
	}
	manifests := []object{own, entry}
	if own == nil {
		manifests = []object{entry}
	}
	for _, m := range manifests {
		in.Lost = append(in.Lost, p.lost(plugin, m)...)
	}
	in.Lost = append(in.Lost, p.lostHooks(plugin, manifests[0])...)
	in.Lost = append(in.Lost, p.lostMonitors(plugin, manifests[0])...)
	if len(in.Lost) > 0 {
		in.Load = plugpack.LoadPartly
	}
	return in
}

// lost gives the components whose files are not where the manifest says.
func (p *Profile) lost(plugin fs.FS, m object) (lost []plugpack.Lost) {
	experimental := asObject(m["experimental"])
	for _, f := range []struct {
		name  string
		value any
	}{
		{"commands", m["commands"]}, {"agents", m["agents"]}, {"skills", m["skills"]}, {"outputStyles", m["outputStyles"]},
		{"themes", m["themes"]}, {"experimental.themes", experimental["themes"]}, {"workflows", m["workflows"]},
	} {
		for _, at := range texts(f.value) {
			lost = append(lost, lostAt(plugin, f.name, at)...)
		}
	}
	if commands, ok := m["commands"].(object); ok {
		for _, name := range sortedKeys(commands) {
			if source := firstText(asObject(commands[name])["source"]); source != "" {
				lost = append(lost, lostAt(plugin, "commands."+name, source)...)
			}
		}
	}
	return lost
}

const monitorsFile = "monitors/monitors.json"

// lostMonitors: a fault in their file loses all of them.
func (p *Profile) lostMonitors(plugin fs.FS, m object) []plugpack.Lost {
	file, set := firstText(m["monitors"], asObject(m["experimental"])["monitors"]), true
	if file == "" {
		file, set = monitorsFile, exists(plugin, monitorsFile)
	}
	if !set || p.monitorsLoad(plugin, local(file)) {
		return nil
	}
	return []plugpack.Lost{{Path: "monitors", Reason: "monitors_load_failed: " + clip(file) + " is missing or has a fault, so none of them run"}}
}

func lostAt(plugin fs.FS, name, at string) []plugpack.Lost {
	clean := path.Clean(at)
	switch {
	case strings.HasPrefix(clean, ".."):
		return []plugpack.Lost{{Path: name, Reason: "path_escapes: " + clip(at) + " leads out of the plugin"}}
	case !exists(plugin, clean):
		return []plugpack.Lost{{Path: name, Reason: "path_missing: " + clip(at) + " is not there"}}
	case name == "skills" && !isDir(plugin, clean):
		return []plugpack.Lost{{Path: name, Reason: "skills_path_is_file: " + clip(at) + " is a file"}}
	}
	return nil
}

func (p *Profile) monitorsLoad(plugin fs.FS, file string) bool {
	b, err := read(plugin, file, maxFile)
	if err != nil {
		return false
	}
	v, err := decode(b)
	return err == nil && len(allOf(listOf(isMonitor), distinctNames)("", v)) == 0
}

// lostHooks: one fault in a file loses all of its hooks, and so does naming the
// default file, which is read anyway.
func (p *Profile) lostHooks(plugin fs.FS, m object) (lost []plugpack.Lost) {
	files := []string{}
	if exists(plugin, hooksFile) {
		files = append(files, hooksFile)
	}
	for _, at := range texts(m["hooks"]) {
		switch file := local(at); {
		case file == hooksFile:
			lost = append(lost, plugpack.Lost{Path: "hooks", Reason: "hooks_load_failed: the default file is named too, and it is read anyway; remove the field"})
		case strings.HasPrefix(file, ".."):
			lost = append(lost, lostAt(plugin, "hooks", at)...)
		case !exists(plugin, file):
			lost = append(lost, lostAt(plugin, "hooks", at)...)
		default:
			files = append(files, file)
		}
	}
	for _, file := range files {
		if found := p.checkHooks(plugin, file); len(found) > 0 {
			lost = append(lost, plugpack.Lost{Path: file, Reason: fmt.Sprintf("hooks_load_failed: %s: %s", found[0].path, found[0].text)})
		}
	}
	return lost
}
