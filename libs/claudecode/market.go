package claudecode

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var marketFields = strings.Fields(`$schema name owner plugins description version metadata forceRemoveDeletedPlugins
	allowCrossMarketplaceDependenciesOn renames`)

// head checks what rejects a whole marketplace when it is wrong.
func (p *Profile) head(o object) []issue {
	return shape(false,
		need("name", p.isMarketName), need("owner", isAuthor), need("plugins", isListAtAll),
		may("description", isString), may("version", isString), may("$schema", isString),
		may("metadata", shape(false, may("description", isString), may("version", isString), may("pluginRoot", isString))),
		may("forceRemoveDeletedPlugins", isBool), may("allowCrossMarketplaceDependenciesOn", isStrings))("", o)
}

func isListAtAll(path string, v any) []issue {
	if _, ok := v.([]any); !ok {
		return wrongType(path, "a list", v)
	}
	return nil
}

// impersonation is found by trying: all of 41 names agree with it.
var impersonation = regexp.MustCompile(`official[^a-z0-9]*(anthropic|claude)|(anthropic|claude)[^a-z0-9]*official|^(anthropic|claude)[^a-z0-9]*(marketplace|plugins|official)`)

// alike gives the spelling by which names are compared.
func (p *Profile) alike(name string) string {
	name = strings.ToLower(name)
	if p.dotsAreHyphens {
		name = strings.NewReplacer(".", "-", "_", "-").Replace(name)
	}
	return name
}

// isMarketName is a marketplace's name as the author's check sees it.
func (p *Profile) isMarketName(path string, v any) []issue {
	s, ok := v.(string)
	if !ok {
		return wrongType(path, "text", v)
	}
	lower := p.alike(s)
	ours := slices.Contains(p.anthropicNames, lower)
	one := func(code, text string) []issue { return []issue{{path, code, text}} }
	switch {
	case s == "":
		return one("empty_marketplace_name", "It is empty; fill it in.")
	case strings.Contains(s, " "):
		return one("marketplace_name_space", "It has a blank; write it in kebab-case.")
	case strings.ContainsAny(s, `/\`), strings.Contains(s, ".."), s == ".":
		return one("marketplace_name_path_chars", `It could be taken for a path; leave out "/", "\" and "..".`)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }), !ours && impersonation.MatchString(lower):
		return one("marketplace_name_impersonation", "It could be taken for an official name; choose another one.")
	case slices.Contains(p.reservedNames, lower), p.reservedPrefix != "" && strings.HasPrefix(lower, p.reservedPrefix):
		return one("reserved_marketplace_name", "The client keeps this name for itself; choose another one.")
	}
	return nil
}

// marketplace validates marketplace.json and the manifests of its own plugins.
func (v *validation) marketplace(root, file string, o object) {
	whole := true // the client goes on to compare only what has the right form
	for _, i := range v.profile.head(o) {
		v.add(plugpack.Error, file, i)
		whole = false
	}
	entries, _ := o["plugins"].([]any)
	for i, e := range entries {
		whole = v.entry(root, file, at("plugins", i), e) && whole
	}
	metadata := asObject(o["metadata"])
	if renames, ok := o["renames"]; ok {
		for _, i := range mapOf(nil, isNewName)("renames", renames) {
			v.add(plugpack.Error, file, i)
			whole = false
		}
	}
	if whole {
		v.compared(file, o, metadata, entries)
	}
	for _, i := range v.profile.unknownFields("", o, marketFields, nil) {
		v.add(plugpack.Warning, file, i)
	}
	for _, i := range v.profile.unknownFields("metadata", metadata, []string{"description", "version", "pluginRoot"}, nil) {
		v.warn(file, i.path, "unknown_field", i.text)
	}
}

// compared holds the parts of a marketplace that has the right form against each
// other.
func (v *validation) compared(file string, o, metadata object, entries []any) {
	v.duplicates(file, entries)
	for _, i := range renameIssues(asObject(o["renames"]), entries) {
		v.add(plugpack.Error, file, i)
	}
	if len(entries) == 0 {
		v.warn(file, "plugins", "no_plugins", "It lists no plugins.")
	}
	if firstText(o["description"], metadata["description"]) == "" {
		v.warn(file, "description", "no_marketplace_description", "It has no description; add one.")
	}
}

// entry says whether the entry has the right form.
func (v *validation) entry(root, file, path string, e any) (right bool) {
	o, ok := e.(object)
	if !ok {
		v.add(plugpack.Error, file, wrongType(path, "an object", e)[0])
		return false
	}
	schema := v.profile.entry(path, o)
	if asObject(o["source"])["source"] == "unsupported" {
		v.fail(file, path, "source_placeholder", "Its source is the client's own mark for what it does not know; write the real one.")
		schema = slices.DeleteFunc(schema, func(i issue) bool { return i.path == path+".source" })
		defer func() { right = false }()
	}
	for _, i := range append(schema, sourceDots(path, o["source"])...) {
		v.add(plugpack.Error, file, i)
	}
	for _, i := range relevanceIssues(path+".relevance", fieldOf(o, "relevance")) {
		v.add(i.severity, file, i.issue)
	}
	if e, ok := o["experimental"]; ok {
		for _, i := range experimentalWarnings(e) {
			i.path = join(path, i.path)
			v.add(plugpack.Warning, file, i)
		}
	}
	for _, i := range v.profile.unknownFields(path, o, v.profile.knownEntry(), nil) {
		v.add(plugpack.Warning, file, i)
	}
	if s, ok := o["source"].(string); ok && len(schema) == 0 && (s == "." || strings.HasPrefix(s, "./")) && !strings.Contains(s, "..") {
		v.localManifest(root, file, path, s, firstText(o["version"]))
	}
	return len(schema) == 0
}

func (p *Profile) knownEntry() []string {
	known := p.knownPlugin()
	for _, f := range p.entryMore {
		known = append(known, f.name)
	}
	return append(known, "source", "category", "tags", "strict", "relevance")
}

// sourceDots: ".." is refused wherever it stands.
func sourceDots(path string, v any) []issue {
	if s, ok := v.(string); ok && strings.Contains(s, "..") {
		return []issue{{path + ".source", "source_dotdot", `It has ".." in it; give a folder inside the marketplace.`}}
	}
	if s, ok := asObject(v)["path"].(string); ok && strings.Contains(s, "..") {
		return []issue{{path + ".source.path", "path_dotdot", `It has ".." in it; remove that.`}}
	}
	return nil
}

// localManifest checks the plugin.json of an entry of this repository. A
// missing folder is no fault here.
func (v *validation) localManifest(root, file, entry, source, version string) {
	at := entry + ".<plugin.json>"
	dir := path.Join(root, source)
	if strings.ContainsRune(source, 0) || isFile(v.fsys, dir) {
		v.fail(file, at+".file", "unreadable_file", "Its source is no folder; mend the path.")
		return
	}
	plugin := v.subFS(dir)
	if !exists(plugin, manifestFile) {
		return
	}
	b, err := read(plugin, manifestFile, maxFile)
	if err != nil {
		v.fail(file, at+".file", "unreadable_file", "Its plugin.json cannot be read.")
		return
	}
	value, err := decode(b)
	o, ok := value.(object)
	switch {
	case err != nil:
		v.fail(file, at+".json", "bad_json", "Its plugin.json "+err.Error()+".")
		if version != "" {
			v.warn(file, entry+".source", "unreadable_version", "Its plugin.json cannot be read, so the versions cannot be compared.")
		}
	case !ok:
		v.fail(file, at+".root", "root_not_object", "Its plugin.json is "+typeName(value)+"; make it an object.")
	default:
		for _, i := range v.profile.checkManifest(plugin, o) {
			i.path = at + "." + i.path
			v.add(i.severity, file, i.issue)
		}
		if own := firstText(o["version"]); own != "" && version != "" && own != version {
			v.warn(file, entry+".version", "version_mismatch", "Its plugin.json has another version, which is the one that counts; remove this one.")
		}
	}
}

func (v *validation) duplicates(file string, entries []any) {
	count := map[string]int{}
	for _, e := range entries {
		if name, ok := asObject(e)["name"].(string); ok {
			count[name]++
		}
	}
	for i, e := range entries {
		if name, ok := asObject(e)["name"].(string); ok && count[name] > 1 {
			v.fail(file, at("plugins", i)+".name", "duplicate_entry_name", fmt.Sprintf("%.60q is there more than once, and the first one is installed; rename the others.", name))
		}
	}
}

// renameIssues: each chain has to end at a listed name or at null.
func renameIssues(o object, entries []any) (found []issue) {
	listed := map[string]bool{}
	for _, e := range entries {
		if name, ok := asObject(e)["name"].(string); ok {
			listed[name] = true
		}
	}
	for _, from := range sortedKeys(o) {
		if i := renameIssue(o, from, listed); i != nil {
			found = append(found, *i)
		}
	}
	return found
}

// maxChain bounds how far a chain of renames is followed.
const maxChain = 100

// isNewName is what a plugin was renamed to; null says that it is gone.
func isNewName(path string, v any) []issue {
	if v == nil {
		return nil
	}
	return isString(path, v)
}

func renameIssue(o object, from string, listed map[string]bool) *issue {
	path, seen, to := "renames."+from, map[string]bool{}, from
	for len(seen) < maxChain {
		v, renamed := o[to]
		switch {
		case seen[to]:
			return &issue{path, "renames_cycle", "The renames lead in a circle; break it."}
		case renamed && v == nil, !renamed && listed[to]:
			return nil
		case !renamed:
			return &issue{path, "renames_target_missing", fmt.Sprintf("It leads to %.60q, which is not listed; list it or write null.", to)}
		}
		seen[to] = true
		to, _ = v.(string)
	}
	return nil
}
