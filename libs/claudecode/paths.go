package claudecode

import (
	"io/fs"
	"path"
	"strings"
)

// checkPaths looks for what the manifest's paths lead to, for the fields where
// the client does so.
func checkPaths(plugin fs.FS, o object, dotSkills bool) (found []issue) {
	found = append(found, commandPaths(plugin, o["commands"])...)
	for _, key := range []string{"agents", "skills", "hooks", "workflows"} {
		for i, p := range texts(o[key]) {
			if p == "" || key == "skills" && p == "." && dotSkills {
				continue
			}
			found = append(found, checkPath(plugin, at(key, i), p, key == "skills")...)
		}
	}
	return found
}

func commandPaths(plugin fs.FS, v any) (found []issue) {
	m, ok := v.(object)
	if !ok {
		return eachPath(plugin, "commands", v)
	}
	for _, name := range sortedKeys(m) {
		c, _ := m[name].(object)
		if source, _ := c["source"].(string); source != "" {
			found = append(found, checkPath(plugin, "commands."+name+".source", source, false)...)
		}
	}
	return found
}

// eachPath names a single path by its field, and those of a list by their place.
func eachPath(plugin fs.FS, key string, v any) (found []issue) {
	if s, ok := v.(string); ok && s != "" {
		return checkPath(plugin, key, s, false)
	}
	l, _ := v.([]any)
	for i, item := range l {
		if s, ok := item.(string); ok && s != "" {
			found = append(found, checkPath(plugin, at(key, i), s, false)...)
		}
	}
	return found
}

func checkPath(plugin fs.FS, field, p string, folder bool) []issue {
	switch {
	case strings.Contains(p, ".."):
		return []issue{{field, "path_dotdot", `The path has ".." in it; give one inside the plugin.`}}
	case path.IsAbs(p):
		return nil // what it leads to is nobody else's business
	case !exists(plugin, local(p)):
		return []issue{{field, "path_missing", "There is nothing at this path; write the file or mend the path."}}
	case folder && !isDir(plugin, local(p)):
		return []issue{{field, "skills_path_is_file", "This is a file; give the folder that holds SKILL.md."}}
	}
	return nil
}
