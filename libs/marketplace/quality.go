package marketplace

import (
	"io/fs"
	"path"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/quality"
)

// assess gives the report on the plugin in dir of from. What is above it in the
// repository counts as far as it is about the whole: the workflows.
func (w *work) assess(e entry, own object, from Input, dir string, f plugpack.Facts) *plugpack.Quality {
	dir = resolve(from.FS, dir)
	up := strings.Repeat("../", strings.Count(dir, "/")+1)
	if dir == "." {
		up = ""
	}
	var files, above []quality.File
	for rel, t := range from.Tree.in(dir) {
		files = append(files, quality.File{Path: rel, Mode: t.Mode})
	}
	if up != "" {
		for _, p := range w.workflows(e, from) {
			above = append(above, quality.File{Path: up + p})
		}
	}
	read := func(name string) ([]byte, error) { return w.once(e, from.FS, path.Join(dir, name)) }
	return quality.Assess(quality.Input{
		Name: e.Name, Facts: f, Version: short(text(own["version"])), EntryVersion: short(text(e.fields["version"])),
		Folder: quality.Look(files, above, f.Components, read),
	})
}

// workflows lists what a repository's hosts run when it changes.
func (w *work) workflows(e entry, from Input) []string {
	at := e.folderID(".")
	list, ok := w.flows[at]
	if !ok {
		for _, dir := range []string{".github/workflows", ".circleci"} {
			for rel := range from.Tree.in(dir) {
				list = append(list, path.Join(dir, rel))
			}
		}
		for _, name := range []string{".gitlab-ci.yml", ".travis.yml", ".woodpecker.yml", "azure-pipelines.yml", "Jenkinsfile"} {
			if info, err := fs.Stat(from.FS, name); err == nil && info.Mode().IsRegular() {
				list = append(list, name)
			}
		}
		w.flows[at] = list
	}
	return list
}

// once reads a file that many plugins of a repository may ask for.
func (w *work) once(e entry, fsys fs.FS, name string) ([]byte, error) {
	if !strings.HasPrefix(name, ".") || strings.HasPrefix(name, ".claude-plugin") {
		return w.read(fsys, name)
	}
	at := e.folderID(".") + " " + name
	if b, ok := w.texts[at]; ok {
		return b, nil
	}
	b, err := w.read(fsys, name)
	if err == nil {
		w.texts[at] = b
	}
	return b, err
}
