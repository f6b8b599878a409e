package marketplace

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/license"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/security"
)

// Bounds of what is kept of a plugin's documents.
const (
	maxReadme    = 128 << 10
	maxChangelog = 32 << 10
	maxLicense   = 64 << 10
)

// The names of documents, the better ones first; letter case does not matter.
var (
	readmeNames    = []string{"readme.md", "readme.markdown", "readme", "readme.txt", "readme.rst", "readme.adoc"}
	changelogNames = []string{"changelog.md", "changelog", "changelog.txt", "changes.md", "history.md", "releases.md", "changelog.rst"}
	licenseNames   = []string{"license", "license.md", "license.txt", "licence", "licence.md", "licence.txt", "copying", "copying.md", "copying.txt", "unlicense", "license-mit", "license-mit.txt", "license.rst"}
)

// documents reads what the plugin in dir of from brings for people. A plugin in
// a folder has the repository's licence unless it has its own; the repository's
// README is about something else.
func documents(from Input, dir string, folder fs.FS, declared string, w *work) plugpack.Documents {
	return plugpack.Documents{
		Readme:    document(folder, readmeNames, maxReadme, w),
		License:   licenseOf(from, dir, folder, declared, w),
		Changelog: document(folder, changelogNames, maxChangelog, w),
	}
}

// find gives the first of names that is a regular file in dir.
func find(fsys fs.FS, dir string, names []string) string {
	entries, _ := fs.ReadDir(fsys, dir)
	best, rank := "", len(names)
	for _, e := range entries {
		if i := slices.Index(names, strings.ToLower(e.Name())); i >= 0 && i < rank {
			if info, err := fs.Stat(fsys, path.Join(dir, e.Name())); err == nil && info.Mode().IsRegular() {
				best, rank = path.Join(dir, e.Name()), i
			}
		}
	}
	return best
}

func document(folder fs.FS, names []string, limit int, w *work) *plugpack.Document {
	name := find(folder, ".", names)
	if name == "" {
		return nil
	}
	text, size := head(folder, name, limit, w)
	return &plugpack.Document{Path: short(name), Bytes: size, Text: security.Redact(plugpack.CleanText(text)), Cut: size > int64(len(text))}
}

// head gives a file's first bytes, without a character that they would split,
// and the size of all of it.
func head(fsys fs.FS, name string, limit int, w *work) (string, int64) {
	w.reads++
	f, err := fsys.Open(name)
	if err != nil {
		return "", 0
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0
	}
	b, _ := io.ReadAll(io.LimitReader(f, int64(limit)))
	w.reads += len(b) >> 14
	text := string(b)
	if info.Size() > int64(len(b)) {
		text = strings.TrimSuffix(plugpack.Cut(text+"    ", len(text)), "…")
	}
	return text, info.Size()
}

// licenseOf tells a plugin's licence: by what the host says of a repository that
// is the plugin, else by the plugin's own file or that of the repository, else
// by what its manifest declares.
func licenseOf(from Input, dir string, folder fs.FS, declared string, w *work) *plugpack.LicenseFile {
	host := license.ID(from.License)
	own := find(folder, ".", licenseNames)
	if dir == "." && host != "" {
		return &plugpack.LicenseFile{Path: short(own), SPDX: host, By: "host"}
	}
	if own != "" {
		text, _ := head(folder, own, maxLicense, w)
		return &plugpack.LicenseFile{Path: short(own), SPDX: license.Match(text), By: "file"}
	}
	if above := find(from.FS, ".", licenseNames); dir != "." && above != "" {
		at := strings.Repeat("../", strings.Count(dir, "/")+1) + above
		if host != "" {
			return &plugpack.LicenseFile{Path: short(at), SPDX: host, By: "host"}
		}
		text, _ := head(from.FS, above, maxLicense, w)
		return &plugpack.LicenseFile{Path: short(at), SPDX: license.Match(text), By: "file"}
	}
	if id := license.ID(declared); id != "" {
		return &plugpack.LicenseFile{SPDX: id, By: "manifest"}
	}
	return nil
}

// withoutTexts keeps what documents there are, and drops what they say.
func withoutTexts(d plugpack.Documents) plugpack.Documents {
	for _, doc := range []**plugpack.Document{&d.Readme, &d.Changelog} {
		if *doc != nil && (*doc).Text != "" {
			bare := **doc
			bare.Text, bare.Cut = "", true
			*doc = &bare
		}
	}
	return d
}
