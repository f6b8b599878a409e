package testkit

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Scan is what a scan of one marketplace tells.
type Scan struct {
	Listing      plugpack.Listing
	Observations []plugpack.Observation
}

// Corpus reads the real marketplaces that are at hand, in the folder corpus of
// SHARED or of the folder shared beside this repository. Where there are none
// the test is skipped. Their manifests are real; other files were not kept, so
// Markdown says nothing but its keys.
func Corpus(t testing.TB) []Scan {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(shared(t), "corpus", "repos", "*.json.gz"))
	if len(files) == 0 {
		t.Skip("no corpus of real marketplaces is at hand; set SHARED to the folder that has it")
	}
	var scans []Scan
	for _, file := range files {
		if s, ok := scanFile(t, file); ok {
			scans = append(scans, s)
		}
	}
	return scans
}

func shared(t testing.TB) string {
	if dir := os.Getenv("SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return filepath.Join(dir, "..", "shared")
		}
	}
	return ""
}

// kept is what the corpus keeps of a repository.
type kept struct {
	FullName    string `json:"full_name"`
	Head        string
	Tree        [][]any
	Texts       map[string]string
	Links       map[string]string
	FrontMatter map[string][]string `json:"frontmatter"`
	Repo        struct {
		ID          int64
		Description string
		Stars       int       `json:"stargazers_count"`
		Forks       int       `json:"forks_count"`
		Archived    bool      `json:"archived"`
		PushedAt    time.Time `json:"pushed_at"`
		License     *struct {
			SPDX string `json:"spdx_id"`
		}
	}
}

func scanFile(t testing.TB, file string) (Scan, bool) {
	t.Helper()
	k := readKept(t, file)
	key := plugpack.NewMarketplaceKey("github.com", k.FullName)
	fsys := k.files()
	tree, err := marketplace.ReadTree(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	c, err := marketplace.Read(marketplace.Input{FS: fsys, Tree: tree, Key: key, Commit: k.Head})
	if _, refused := errors.AsType[*marketplace.Rejected](err); refused {
		return Scan{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Second)
	s := Scan{Listing: plugpack.Listing{
		Scan: "corpus", ObservedAt: at, Key: key, Name: c.Name, Description: c.Description, Owner: c.Owner, Commit: k.Head,
		Entries: c.Entries, Names: c.Names, Skipped: c.Skipped, Renames: c.Renames,
		Repository: plugpack.Repository{
			Host: "github.com", FullName: k.FullName, HostID: k.Repo.ID, Description: k.Repo.Description,
			Stars: k.Repo.Stars, Forks: k.Repo.Forks, Archived: k.Repo.Archived, PushedAt: k.Repo.PushedAt,
		},
	}}
	if k.Repo.License != nil {
		s.Listing.Repository.License = k.Repo.License.SPDX
	}
	for p := range c.Plugins(nil) {
		s.Observations = append(s.Observations, plugpack.Observation{Scan: "corpus", ObservedAt: at, Marketplace: key, Name: p.Name, Facts: p.Facts})
	}
	return s, true
}

func readKept(t testing.TB, file string) (k kept) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	unpacked, err := gzip.NewReader(in)
	if err == nil {
		err = json.NewDecoder(unpacked).Decode(&k)
	}
	if err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	return k
}

// files gives the repository's files: manifests and links as they are, others
// as something short.
func (k kept) files() fs.FS {
	files := fstest.MapFS{}
	for _, entry := range k.Tree {
		name, _ := entry[0].(string)
		mode, _ := entry[1].(string)
		if kind, _ := entry[2].(string); kind != "blob" {
			continue
		}
		f := &fstest.MapFile{Data: []byte("made up\n"), Mode: 0o644}
		if target, ok := k.Links[name]; ok || mode == "120000" {
			f.Data, f.Mode = []byte(target), fs.ModeSymlink|0o777
		} else if text, ok := k.Texts[name]; ok {
			f.Data = []byte(text)
		} else if keys, ok := k.FrontMatter[name]; ok && strings.EqualFold(path.Ext(name), ".md") {
			f.Data = []byte("---\n" + strings.Join(keys, ": made up\n") + ": made up\n---\nmade up\n")
		}
		files[name] = f
	}
	return files
}
