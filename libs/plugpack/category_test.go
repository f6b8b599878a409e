package plugpack_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestCategorise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, raw, plugin, description string
		keywords                       []string
		want                           string
		how                            *plugpack.Categorised
	}{
		{"a word of ours", "security", "x", "", nil, "security", &plugpack.Categorised{By: "marketplace", Raw: "security"}},
		{"in another spelling", "Project Management", "x", "", nil, "project-management", &plugpack.Categorised{By: "marketplace", Raw: "Project Management"}},
		{"a word that means one of ours", "DevOps", "x", "", nil, "deployment", &plugpack.Categorised{By: "mapped", Raw: "DevOps"}},
		{"the marketplace's wins", "testing", "sql", "sql", []string{"sql"}, "testing", &plugpack.Categorised{By: "marketplace", Raw: "testing"}},
		{"a word nobody knows is kept", "zzz", "x", "", nil, "", &plugpack.Categorised{Raw: "zzz"}},
		{"nothing to tell it by", "", "x", "Does things.", nil, "", nil},
		{"keywords before the name", "", "git-helper", "", []string{"postgres"}, "database", &plugpack.Categorised{By: "derived", Word: "postgres"}},
		{"the name's words", "", "jira-sync", "", nil, "project-management", &plugpack.Categorised{By: "derived", Word: "jira"}},
		{"most words win", "", "x", "Tests a database: unit tests.", nil, "testing", &plugpack.Categorised{By: "derived", Word: "tests"}},
		{"the first of equals", "", "x", "For docker and sql.", nil, "deployment", &plugpack.Categorised{By: "derived", Word: "docker"}},
		{"build has no ui in it", "", "builder", "Build quickly, socially.", nil, "", nil},
		{"a raw word nobody knows and a clue", "zzz", "x", "Finds a CVE.", nil, "security", &plugpack.Categorised{By: "derived", Raw: "zzz", Word: "cve"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, how := plugpack.Categorise(c.raw, c.plugin, c.keywords, c.description)
			if diff := cmp.Diff([]any{c.want, c.how}, []any{got, how}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The corpus is kept apart from the program; where it is, the figures of its
// categories are printed.
func TestCategoriesOfTheCorpus(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../../../shared/corpus/repos/*.json.gz")
	if len(files) == 0 {
		t.Skip("the corpus is not here")
	}
	by, of := map[string]int{}, map[string]int{}
	for _, file := range files {
		for _, p := range corpusEntries(t, file) {
			category, how := plugpack.Categorise(p.Category, p.Name, p.Keywords, p.Description)
			if category != "" && !slices.Contains(plugpack.Categories, category) {
				t.Errorf("%s is in %q, which is no category", p.Name, category)
			}
			if of[category]++; how != nil {
				by[how.By]++
			} else {
				by["nothing said"]++
			}
		}
	}
	t.Logf("by how it was told: %v; by category: %v", by, of)
}

type corpusEntry struct {
	Name, Category, Description string
	Keywords                    []string
}

func corpusEntries(t *testing.T, file string) (all []corpusEntry) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var r struct{ Texts map[string]string }
	if err := json.NewDecoder(unpacked).Decode(&r); err != nil {
		t.Fatal(err)
	}
	for name, text := range r.Texts {
		var m struct{ Plugins []json.RawMessage }
		if !strings.HasSuffix(name, ".claude-plugin/marketplace.json") || json.Unmarshal([]byte(text), &m) != nil {
			continue
		}
		for _, raw := range m.Plugins {
			var e corpusEntry
			if json.Unmarshal(raw, &e) == nil {
				all = append(all, e)
			}
		}
	}
	return all
}
