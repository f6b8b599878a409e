package archive

import (
	"io/fs"
	"path"

	"github.com/go-git/go-git/v5/config"

	"github.com/plugpack/plugpack/libs/marketplace"
)

// maxModules bounds the file that names the submodules.
const maxModules = 64 << 10

// submodules gives those of a repository whose archive holds only their empty
// folders, and not their commits.
func submodules(fsys fs.FS, t marketplace.Tree) (list []marketplace.TreeEntry) {
	b, ok := smallFile(fsys, ".gitmodules")
	modules := config.NewModules()
	if !ok || modules.Unmarshal(b) != nil {
		return nil
	}
	for _, m := range modules.Submodules {
		at := path.Clean(m.Path)
		if files, _ := t.Size(at); fs.ValidPath(at) && at != "." && files == 0 {
			if info, err := fs.Lstat(fsys, at); err == nil && info.IsDir() {
				list = append(list, marketplace.SubmoduleEntry(at, ""))
			}
		}
	}
	return list
}

func smallFile(fsys fs.FS, name string) ([]byte, bool) {
	info, err := fs.Lstat(fsys, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxModules {
		return nil, false
	}
	b, err := fs.ReadFile(fsys, name)
	return b, err == nil
}
