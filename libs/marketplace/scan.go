package marketplace

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/security"
)

// maxLooked bounds the bytes that are looked through over all plugins of a
// marketplace: many of them may hold each other.
const maxLooked = 512 << 20

// scan looks through the plugin's files, once for all entries that have the
// same folder and components.
func (w *work) scan(e entry, from Input, folder fs.FS, dir string, components []plugpack.Component) *plugpack.Security {
	dir = resolve(from.FS, dir)
	parts, _ := json.Marshal(components)
	key := fmt.Sprintf("%s %x", e.folderID(dir), sha256.Sum256(parts))
	s, ok := w.scanned[key]
	if !ok {
		s = w.look(from, folder, dir, components)
		w.scanned[key] = s
	}
	// The list's owner may change it.
	s.Findings, s.Reach = slices.Clone(s.Findings), slices.Clone(s.Reach)
	return &s
}

func (w *work) look(from Input, folder fs.FS, dir string, components []plugpack.Component) plugpack.Security {
	if w.looked > maxLooked {
		return plugpack.Security{Reason: "the marketplace's plugins together have too many files", Ruleset: security.Ruleset()}
	}
	var files []security.File
	for rel, e := range from.Tree.in(dir) {
		files = append(files, security.File{Path: rel, Mode: e.Mode, Size: e.Size, Link: e.Link})
		w.looked += e.Size
	}
	s, bug := security.Scan(security.Input{FS: folder, Dir: dir, Files: files, Components: components})
	w.bug = bug
	return s
}
