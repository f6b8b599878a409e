package marketplace

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/security"
)

// maxDeclared bounds the paths of one field of an entry.
const maxDeclared = 100

// maxFields bounds the JSON of what an entry writes out and the hub repeats.
const maxFields = 32 << 10

// writtenOut are the fields that hold components themselves and not only paths
// to them.
var writtenOut = []string{"hooks", "mcpServers", "lspServers", "workflows", "themes", "experimental", "userConfig", "channels", "settings"}

// declaredBy gives what the entry adds to the plugin's own files, nil for
// nothing.
func declaredBy(entry object) *plugpack.Declared {
	d := plugpack.Declared{Digest: entryDigest(entry)}
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
	for _, f := range writtenOut {
		v, ok := entry[f]
		if !ok {
			continue
		}
		if raw, ok := repeatable(v); ok {
			if d.Fields == nil {
				d.Fields = map[string]json.RawMessage{}
			}
			d.Fields[f] = raw
		} else {
			d.Inline = append(d.Inline, f)
		}
	}
	if d.Strict == nil && d.Digest == "" {
		return nil
	}
	return &d
}

// entryDigest gives the SHA-256 over what the entry says of components and of
// other plugins; JSON of a map is written in the order of its keys.
func entryDigest(entry object) string {
	said := object{}
	for _, f := range append([]string{"strict", "commands", "agents", "skills", "outputStyles", "dependencies"}, writtenOut...) {
		if v, ok := entry[f]; ok {
			said[f] = v
		}
	}
	if _, strict := said["strict"]; len(said) == 0 || strict && len(said) == 1 {
		return ""
	}
	b, err := json.Marshal(said)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// reference is a value that names a variable and does not hold one.
var reference = regexp.MustCompile(`^([A-Za-z]+ )?\$\{[A-Za-z_][A-Za-z0-9_.:-]*\}$`)

// repeatable gives a field as JSON if the hub may repeat it: nothing in it was
// to be redacted, no value of a variable or header is in it, and it leads out
// of nothing.
func repeatable(v any) (json.RawMessage, bool) {
	raw, err := json.Marshal(v)
	text := string(raw)
	ok := err == nil && len(raw) <= maxFields && !strings.Contains(text, "..") && !holdsValues(v) &&
		security.Redact(text) == text && security.RedactCommand(text) == text
	return raw, ok
}

func holdsValues(v any) bool {
	switch v := v.(type) {
	case object:
		for key, child := range v {
			if values, ok := child.(object); ok && (key == "env" || key == "headers") {
				for _, value := range values {
					if s := text(value); s != "" && !reference.MatchString(s) {
						return true
					}
				}
			} else if holdsValues(child) {
				return true
			}
		}
	case []any:
		var args []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				args = append(args, s)
			}
		}
		return slices.ContainsFunc(v, holdsValues) || !slices.Equal(security.RedactArgs(args), args)
	}
	return false
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
