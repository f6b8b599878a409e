package marketplace

import (
	"path"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// maxDeclared bounds the paths of one field of an entry.
const maxDeclared = 100

// declaredBy gives what the entry adds to the plugin's own files, nil for
// nothing.
func declaredBy(entry object) *plugpack.Declared {
	var d plugpack.Declared
	if strict, ok := entry["strict"].(bool); ok {
		d.Strict = &strict
	}
	for _, f := range []struct {
		name string
		into *[]string
	}{{"commands", &d.Commands}, {"agents", &d.Agents}, {"skills", &d.Skills}, {"outputStyles", &d.OutputStyles}} {
		if list, ok := declaredPaths(entry, f.name); ok {
			*f.into = list
		} else {
			d.Inline = append(d.Inline, f.name)
		}
	}
	for _, f := range []string{"hooks", "mcpServers", "lspServers", "workflows", "themes", "experimental", "userConfig", "channels", "settings"} {
		if _, ok := entry[f]; ok {
			d.Inline = append(d.Inline, f)
		}
	}
	if d.Strict == nil && len(d.Commands)+len(d.Agents)+len(d.Skills)+len(d.OutputStyles)+len(d.Inline) == 0 {
		return nil
	}
	return &d
}

// declaredPaths gives a field's paths, and false when it holds anything else.
func declaredPaths(entry object, field string) ([]string, bool) {
	list := items(entry, field, nil)
	if len(list) > maxDeclared {
		return nil, false
	}
	var paths []string
	for _, v := range list {
		p := text(v)
		if p == "" || p != short(p) || !strings.HasPrefix(p, "./") || strings.Contains(p, "..") {
			return nil, false
		}
		paths = append(paths, p)
	}
	return paths, true
}

// runnable are the endings of files that an interpreter runs.
var runnable = []string{".sh", ".bash", ".zsh", ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".php", ".ps1", ".lua", ".bat", ".cmd", ".exe"}

// Scripts lists the files in dir that can be run.
func (t Tree) Scripts(dir string) []plugpack.Script {
	var all []plugpack.Script
	for rel, e := range t.in(dir) {
		if e.Mode != "100755" && !slices.Contains(runnable, strings.ToLower(path.Ext(rel))) {
			continue
		}
		if all = append(all, plugpack.Script{Path: short(rel), Blob: e.Blob}); len(all) == plugpack.MaxScripts {
			break
		}
	}
	return all
}
