package claudecode

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// contents checks the files that "plugin validate" reads beside the manifest.
func (v *validation) contents(root string) {
	plugin := v.subFS(root)
	for _, dir := range []string{"skills", "agents", "commands"} {
		for _, file := range lintFiles(plugin, dir) {
			v.markdown(plugin, file)
		}
	}
	v.hooksFile(plugin)
	if v.profile.readsServers {
		v.serversFile(plugin)
	}
	for _, name := range sortedNames(plugin, ".") {
		if info, err := fs.Lstat(plugin, name); strings.EqualFold(name, "CLAUDE.md") && err == nil && info.Mode().IsRegular() {
			v.warn(name, "root", "claude_md_root", "The client does not read it in a plugin; make it a skill.")
		}
	}
}

// lintFiles lists the Markdown files that are checked: skills one level deep,
// the others at any depth.
func lintFiles(plugin fs.FS, dir string) (files []string) {
	if !isDir(plugin, dir) {
		return nil
	}
	if dir == "skills" {
		for _, name := range sortedNames(plugin, dir) {
			if file := path.Join(dir, name, skillFile); exists(plugin, file) {
				files = append(files, file)
			}
		}
		return files
	}
	_ = fs.WalkDir(plugin, dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case len(files) > maxRows || strings.Count(p, "/") > maxDeep:
			return errBound
		case !d.IsDir() && strings.EqualFold(path.Ext(p), ".md") && isFile(plugin, p):
			files = append(files, p)
		}
		return nil
	})
	return files
}

// markdown checks the front matter of a skill, command or agent.
func (v *validation) markdown(plugin fs.FS, file string) {
	text, ok := readText(plugin, file)
	if !ok {
		v.fail(file, "file", "unreadable_file", "It cannot be read; make it a regular file.")
		return
	}
	fm, _ := ReadFrontMatter(text)
	switch {
	case !fm.Found:
		v.warn(file, "frontmatter", "no_frontmatter", "It has no front matter; begin it with a block that has a description.")
		return
	case fm.NotMap:
		v.fail(file, "frontmatter", "frontmatter_not_mapping", fm.Problem)
		return
	case fm.Problem != "":
		v.fail(file, "frontmatter", "bad_yaml", fm.Problem)
		return
	}
	for _, i := range frontMatterIssues(fm.Fields) {
		v.fail(file, i.path, i.code, i.text)
	}
	if _, ok := fm.Fields["description"]; !ok {
		v.warn(file, "description", "no_frontmatter_description", "It has no description; say when to use it.")
	}
}

func frontMatterIssues(o object) (found []issue) {
	switch o["description"].(type) {
	case []any, object:
		found = append(found, issue{"description", "description_type", "It is no text; write one line."})
	}
	if v, ok := o["name"]; ok && v != nil {
		if _, ok := v.(string); !ok {
			found = append(found, issue{"name", "name_type", "It is no text; put quotes around it."})
		}
	}
	if v, ok := o["allowed-tools"]; ok && v != nil && !isTools(v) {
		found = append(found, issue{"allowed-tools", "allowed_tools_type", "It is neither text nor a list of texts; write the tools' names."})
	}
	if v, ok := o["shell"]; ok && v != nil {
		if s, _ := v.(string); !slices.Contains([]string{"bash", "powershell"}, strings.ToLower(strings.TrimSpace(s))) {
			found = append(found, issue{"shell", "shell_value", "It has to be bash or powershell."})
		}
	}
	return found
}

func isTools(v any) bool {
	switch v := v.(type) {
	case string:
		return true
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { _, ok := item.(string); return !ok })
	}
	return false
}

// hooksFile checks the default file of hooks.
func (v *validation) hooksFile(plugin fs.FS) {
	if !exists(plugin, hooksFile) && !isFile(plugin, path.Dir(hooksFile)) {
		return
	}
	for _, i := range v.profile.checkHooks(plugin, hooksFile) {
		v.fail(hooksFile, i.path, i.code, i.text)
	}
}

// checkHooks gives what is wrong with a file of hooks; one fault loses them all.
func (p *Profile) checkHooks(plugin fs.FS, file string) []issue {
	b, err := read(plugin, file, maxFile)
	if err != nil {
		return []issue{{"file", "unreadable_file", "It cannot be read."}}
	}
	value, err := decode(b)
	if err != nil {
		return []issue{{"json", "bad_json", "It " + err.Error() + "."}}
	}
	if _, ok := value.(object); !ok {
		return wrongType("root", "an object", value)
	}
	return shape(false, need("hooks", p.isHookMap), may("description", isString))("", value)
}

// serversFile checks the default file of MCP servers, each on its own.
func (v *validation) serversFile(plugin fs.FS) {
	b, err := read(plugin, mcpFile, maxFile)
	if err != nil {
		return
	}
	value, err := decode(b)
	if err != nil {
		v.fail(mcpFile, "json", "bad_json", "It "+err.Error()+".")
		return
	}
	o, path := asObject(value), ""
	if wrapped, ok := o["mcpServers"]; ok {
		value, path = wrapped, "mcpServers"
	}
	for _, i := range mapOf(nil, isMCPServer)(path, value) {
		i.path = strings.TrimPrefix(i.path, ".")
		v.fail(mcpFile, i.path, i.code, i.text)
	}
}
