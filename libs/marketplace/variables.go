package marketplace

import (
	"bufio"
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var (
	braced   = regexp.MustCompile(`\$\{([A-Z][A-Z0-9_]+)[:}]`)
	bare     = regexp.MustCompile(`\$\{?([A-Z][A-Z0-9_]{2,})\b`)
	assigned = regexp.MustCompile(`(?:^|[\s;&|(])(?:export\s+)?([A-Z][A-Z0-9_]+)=|\b(?:for|read)\s+([A-Z][A-Z0-9_]+)\b`)
)

// known variables are there on every machine, or set by the client.
var known = strings.Fields("HOME PATH USER PWD SHELL TMPDIR TMP TEMP LANG LC_ALL HOSTNAME LOGNAME OLDPWD TERM RANDOM SECONDS LINENO BASH_SOURCE EUID UID IFS PPID ARGUMENTS FILE")

func isOwn(name string) bool {
	return !slices.Contains(known, name) && !strings.HasPrefix(name, "CLAUDE")
}

// variables are those that a server's configuration takes from the environment.
// A value that names none is no secret of the user's.
func variables(v any) (names []string) {
	switch v := v.(type) {
	case string:
		for _, m := range braced.FindAllStringSubmatch(v, -1) {
			if isOwn(m[1]) {
				names = append(names, m[1])
			}
		}
	case []any:
		for _, item := range v {
			names = append(names, variables(item)...)
		}
	case object:
		for _, k := range sortedKeys(v) {
			names = append(names, variables(v[k])...)
		}
	}
	return names
}

// shellVariables are those that the commands of an event's groups read and do
// not set themselves, and those that a web hook may send.
func shellVariables(groups any) (names []string) {
	list, _ := groups.([]any)
	for _, g := range list {
		group, _ := g.(object)
		hooks, _ := group["hooks"].([]any)
		for _, h := range hooks {
			handler, _ := h.(object)
			command := text(handler["command"])
			set := map[string]bool{}
			for _, m := range assigned.FindAllStringSubmatch(command, -1) {
				set[m[1]], set[m[2]] = true, true
			}
			for _, m := range bare.FindAllStringSubmatch(command, -1) {
				if !set[m[1]] && isOwn(m[1]) {
					names = append(names, m[1])
				}
			}
			allowed, _ := handler["allowedEnvVars"].([]any)
			for _, v := range allowed {
				names = append(names, name(text(v)))
			}
		}
	}
	return names
}

// maxOpened bounds the scripts whose first line is looked at.
const maxOpened = 50

var inPlugin = regexp.MustCompile(`\$\{?CLAUDE_PLUGIN_ROOT\}?/([\w./-]+)`)

// scriptRuntimes tells by their first line what the plugin's programs need, and
// the scripts that its hooks and servers start.
func scriptRuntimes(folder fs.FS, components []plugpack.Component, w *work) (list []string) {
	var files []string
	mention := func(texts ...string) {
		for _, s := range texts {
			for _, m := range inPlugin.FindAllStringSubmatch(s, -1) {
				files = append(files, path.Clean(m[1]))
			}
		}
	}
	for _, c := range components {
		if c.Kind == plugpack.Bin {
			files = append(files, c.Path)
		}
		for _, h := range c.Handlers {
			mention(append(h.Args, h.Command)...)
		}
		if c.Server != nil {
			mention(append(c.Server.Args, c.Server.Command)...)
		}
	}
	slices.Sort(files)
	files = slices.Compact(files)
	for _, file := range files[:min(len(files), maxOpened)] {
		list = append(list, interpreter(folder, file, w))
	}
	return list
}

// interpreter is what a script's first line asks for.
func interpreter(folder fs.FS, file string, w *work) string {
	if !fs.ValidPath(file) {
		return ""
	}
	info, err := fs.Stat(folder, file)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	text, _ := head(folder, file, 256, w)
	line, err := bufio.NewReader(bytes.NewReader([]byte(text))).ReadString('\n')
	command, ok := strings.CutPrefix(line, "#!")
	if !ok || err != nil && line == "" {
		return ""
	}
	return runtimeOf(strings.NewReplacer(" -S ", " ", "\n", "", "\r", "").Replace(command))
}
